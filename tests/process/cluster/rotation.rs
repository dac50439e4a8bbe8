//! The database's URL is rotated: another user, no restart.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use super::asking::lead;
use super::house::{FORM_WAITING, House, shared_operator};
use crate::support::cluster::Cluster;
use crate::support::postgres::{Postgres, connect};
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_database_url_takes_effect_without_a_restart() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let postgres = Postgres::shared().await;
    let database = postgres.database("rotation").await;
    let administrator = connect(&database).await.expect("the database takes connections");
    let name = database.rsplit('/').next().unwrap();
    administrator
        .batch_execute(&format!(
            "create role {name}_old login password 'old'; create role {name}_new login password 'new' in role {name}_old;
             grant all on database {name} to {name}_old; grant all on schema public to {name}_old"
        ))
        .await
        .expect("roles can be made");
    let url = |role: &str| format!("postgres://{name}_{role}:{role}@127.0.0.1:{}/{name}", postgres.port());
    let cluster = Cluster::shared().await;
    shared_operator(cluster).await;
    let mut house = House::on(cluster, "house", &url("old")).await;
    house.start_pods(1, 2, &[]).await;
    let pids: Vec<_> = house.pods().map(|pod| pod.process().pid()).collect();
    assert_eq!(house.post(&FORM_WAITING, &lead(0)).await.code(), "Delivered");

    let begun = house.change("Secret", "database", json!({"stringData": {"url": url("new")}})).await;
    // Leads keep coming, and none is turned away meanwhile.
    let connections = format!("select count(*) from pg_stat_activity where usename = '{name}_old'");
    let (house, mut number) = (&house, 1);
    loop {
        let posts = futures::stream::iter(number..number + 64).map(|each| async move { house.post(&FORM_WAITING, &lead(each)).await });
        posts.buffer_unordered(64).for_each(async |answer| assert_eq!(answer.code(), "Delivered", "{answer:?}")).await;
        number += 64;
        let old: i64 = administrator.query_one(&connections, &[]).await.unwrap().get(0);
        if old == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{old} connections of the old user are open");
    }
    println!("nobody used the old user after {:?}, {number} leads later", begun.elapsed());
    administrator.batch_execute(&format!("alter role {name}_old nologin")).await.expect("a role can be locked");
    for each in 0..20 {
        assert_eq!(house.post(&FORM_WAITING, &lead(100_000 + each)).await.code(), "Delivered");
    }
    assert!(house.pods().map(|pod| pod.process().pid()).eq(pids));
    house.pods().for_each(|pod| pod.process().assert_running());
}

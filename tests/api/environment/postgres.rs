use crate::support::postgres::{Postgres, connect};
use crate::support::{Part, require};

async fn count(url: &str) -> i64 {
    let client = connect(url).await.expect("the server takes connections");
    let row = client.query_one("select count(*) from lead", &[]).await;
    row.expect("the table is there").get(0)
}

#[tokio::test]
async fn databases_are_apart() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let postgres = Postgres::shared().await;
    let (one, other) = (postgres.database("apart").await, postgres.database("apart").await);
    let client = connect(&one).await.expect("the server takes connections");
    client.batch_execute("create table lead (id int)").await.expect("a table can be made");
    assert_eq!(count(&one).await, 0);
    let client = connect(&other).await.expect("the server takes connections");
    client.query_one("select * from lead", &[]).await.expect_err("no table in the other one");
}

#[tokio::test]
async fn what_was_committed_survives_a_kill_and_a_stop() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let postgres = Postgres::start().await;
    let url = postgres.database("kept").await;
    let client = connect(&url).await.expect("the server takes connections");
    client.batch_execute("create table lead (id int)").await.expect("a table can be made");
    for expected in 1..=3 {
        let client = connect(&url).await.expect("the server takes connections");
        client.batch_execute("insert into lead values (1)").await.expect("a row can be written");
        postgres.kill9().await;
        client.batch_execute("select 1").await.expect_err("the server is gone");
        connect(&url).await.expect_err("nobody listens");
        postgres.start_again().await;
        assert_eq!(count(&url).await, expected);
    }
    postgres.stop().await;
    connect(&url).await.expect_err("nobody listens");
    postgres.start_again().await;
    assert_eq!(count(&url).await, 3);
}

//! What `docs/backup.md` tells to do, done: leads are there again.

use serde_json::json;

use crate::site::house::House;
use crate::site::{Site, until};

/// Runs a shell's line beside the database.
async fn at_the_database(house: &House, line: &str) {
    let line = format!("export DATABASE_URL=postgresql://leadflow:sample-password@127.0.0.1/leadflow; {line}");
    house.kubectl(&["exec", "deployment/postgresql", "--", "/bin/sh", "-ec", &line]).await;
}

async fn scale(house: &House, replicas: usize) {
    let patch = json!({"spec": {"ingest": {"replicas": replicas}, "router": {"replicas": replicas}}}).to_string();
    house.kubectl(&["patch", "exchange", "house", "--type=merge", "-p", &patch]).await;
    until(&format!("{replicas} pods of each role run"), async || {
        let counts = [house.pods("ingest").await.len(), house.pods("router").await.len()];
        (counts == [replicas, replicas]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_has_the_leads_of_the_backup_and_goes_on() {
    let house = House::sized(Site::shared().await, "backup", 1, 1).await;
    let mut leads = Vec::new();
    for _ in 0..5 {
        leads.push(house.post().await);
    }
    house.delivers(5).await;
    at_the_database(&house, r#"pg_dump --format=custom --no-owner --file=/data/leadflow.dump "$DATABASE_URL""#).await;

    scale(&house, 0).await;
    let database = r#"psql --quiet --dbname=postgresql://leadflow:sample-password@127.0.0.1/postgres"#;
    at_the_database(&house, &format!(r#"{database} --command="DROP DATABASE leadflow WITH (FORCE)" --command="CREATE DATABASE leadflow""#))
        .await;
    at_the_database(&house, r#"pg_restore --no-owner --exit-on-error --single-transaction --dbname="$DATABASE_URL" /data/leadflow.dump"#)
        .await;
    scale(&house, 1).await;
    house.ready().await;

    for lead in leads {
        let path = format!("/v1/sources/form/leads/{lead}");
        let (status, body) = house.site.ask("GET", &house.namespace, "house-ingest:http", &path, Some("form-key"), "").await;
        assert!(status == 200 && body.contains("Delivered"), "{status} {body}");
    }
    house.post_to("crm").await;
    assert_eq!(house.delivered().await, 6, "what was delivered is not delivered again");
    house.raze().await;
}

//! Story 6: the operator is deleted, the API server or PostgreSQL is away for a minute. Leads are taken all the same, and all is consistent after.

use std::time::Duration;

use crate::site::commands::{kubectl, own_cluster, switch, try_kubectl};
use crate::site::house::House;
use crate::site::load::Load;
use crate::site::{SYSTEM, Site, objects, until, variable};

/// How long a part is away.
fn outage() -> Duration {
    Duration::from_secs(variable("LEADFLOW_E2E_OUTAGE_SECONDS", "60").parse().expect("a number of seconds"))
}

/// Leads at this pace, from before the outage until after it.
const PER_SECOND: u32 = 20;

fn leads() -> u32 {
    PER_SECOND * (u32::try_from(outage().as_secs()).unwrap() + 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_go_on_while_there_is_no_operator() {
    let house = House::raise(Site::alone().await, "orphan").await;
    kubectl(&["--namespace", SYSTEM, "delete", "deployment", "leadflow-operator", "--wait"]).await;
    // Rules change as ever: pods watch them themselves.
    house.apply(&objects::crm("other-crm", &house.site.image)).await;
    house.kubectl(&["rollout", "status", "deployment/other-crm", "--timeout=60s"]).await;
    house.post_to("crm").await;
    house.apply(&[objects::endpoint("other", "other-crm"), objects::agent("anna", "other")]).await;
    until("leads go the new way", async || {
        house.post().await;
        (house.crm("other-crm").await["leads"] != 0).then_some(())
    })
    .await;
    house.site.install(&["--force-conflicts"]).await;
    house.says("agents", "anna", "Programmed", "True").await;
    house.ready().await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_without_the_api_server_fails_no_request_and_loses_no_lead() {
    if !own_cluster() {
        return;
    }
    let house = House::raise(Site::alone().await, "silence").await;
    let before = house.lives().await;
    let load = Load::start(&house, "load", leads(), PER_SECOND).await;
    switch(&["stop-apiserver"]).await;
    // It is the outage's length that is tested.
    tokio::time::sleep(outage()).await;
    switch(&["start-apiserver"]).await;
    let posted = load.end().await;
    println!("a minute without the API server\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (leads().into(), 0), "{}", posted.text);
    house.delivers(leads().into()).await;
    house.ready().await;
    assert_eq!(house.lives().await, before, "no pod was replaced");
    house.apply(&[objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Programmed", "True").await;
    // Kubernetes' own parts take up to a minute to notice that the API server is back; the next story should not have to wait for them.
    house.kubectl(&["rollout", "restart", "deployment/house-ingest"]).await;
    house.kubectl(&["rollout", "status", "deployment/house-ingest", "--timeout=240s"]).await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_without_postgresql_fails_no_request_and_loses_no_lead() {
    let house = House::raise(Site::beside().await, "nodb").await;
    let load = Load::start(&house, "load", leads(), PER_SECOND).await;
    // The container ends by this, and may take the command's own end with it: what was delivered tells whether it worked.
    let stop = ": > /data/down; pg_ctl stop --mode immediate --no-wait";
    let stopped = try_kubectl(&["--namespace", &house.namespace, "exec", "deployment/postgresql", "--", "/bin/sh", "-c", stop], "").await;
    tokio::time::sleep(outage()).await;
    let delivered = house.delivered().await;
    assert!(delivered < u64::from(leads()) / 2, "{delivered} leads were delivered: the database was not away: {stopped:?}");
    house.kubectl(&["exec", "deployment/postgresql", "--", "/bin/sh", "-c", "rm /data/down"]).await;
    let posted = load.end().await;
    println!("a minute without PostgreSQL: {delivered} delivered when it came back\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (leads().into(), 0), "{}", posted.text);
    house.delivers(leads().into()).await;
    house.ready().await;
    house.raze().await;
}

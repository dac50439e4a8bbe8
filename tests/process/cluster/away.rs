//! Without the operator, and without the API server: leads go on.

use std::time::{Duration, Instant};

use serde_json::json;

use super::asking::lead;
use super::house::{FORM, FORM_WAITING, House, operator};
use super::objects::{PATIENCE, api, circuit, until, until_condition};
use crate::support::cluster::{Cluster, Options};
use crate::support::postgres::Postgres;
use crate::support::processes::POLL;
use crate::support::receiver::Reply;
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn leads_go_on_without_the_operator_and_without_the_api_server() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let cluster = Cluster::start(Options::default()).await;
    let mut operator = operator(&cluster).await;
    let database = Postgres::shared().await.database("away").await;
    let mut house = House::on(&cluster, "house", &database).await;
    house.start_pods(1, 2, &[]).await;
    until_condition(&api(&house.client, &house.namespace, "Exchange"), "house", "Ready", "True/Ready").await;

    rules_change_without_the_operator(&house, &mut operator).await;
    leads_go_on_without_the_api_server(&house).await;
    operator.process().assert_running();
    house.pods().for_each(|pod| pod.process().assert_running());
}

async fn rules_change_without_the_operator(house: &House<'_>, operator: &mut super::kubelet::Pod) {
    operator.kill();
    let before = house.digest(&house.routers[0]).await;
    house.change("Agent", "anna", json!({"spec": {"deliverTo": "second"}})).await;
    house.until_rules_differ(&before).await;
    let answer = house.post(&FORM_WAITING, &lead(0)).await;
    assert_eq!((answer.code(), house.received("/second", "agent").get("anna")), ("Delivered", Some(&1)), "{answer:?}");

    let before = house.digest(&house.routers[0]).await;
    house.change("Agent", "anna", json!({"spec": {"deliverTo": "first"}})).await;
    house.until_rules_differ(&before).await;
    operator.start();
    operator.ready().await;
    house.until_programmed("Agent", "anna").await;
}

async fn leads_go_on_without_the_api_server(house: &House<'_>) {
    house.cluster.stop_api_server().await;
    // The last rules hold.
    for number in 1..=5 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
    }
    assert_eq!(house.receiver.seen_at("/first").len(), 5);

    // Circuits trip and recover without anybody to tell.
    house.receiver.script("/first", [Reply::status(500)]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut number = 100;
    while circuits(house, "tripped").await < 2.0 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered", "the next candidate has it");
        number += 1;
        assert!(Instant::now() < deadline, "a router never trips");
    }
    house.receiver.script("/first", [Reply::accept()]);
    while circuits(house, "serving").await < 2.0 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
        number += 1;
        tokio::time::sleep(POLL).await;
        assert!(Instant::now() < deadline + Duration::from_secs(30), "a router never recovers");
    }
    // Tripped once more, so that there is something to tell when the API server is back. By both: the last to tell is heard, whoever that is.
    house.receiver.script("/first", [Reply::status(500)]);
    let deadline = Instant::now() + PATIENCE;
    while circuits(house, "tripped").await < 2.0 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
        number += 1;
        assert!(Instant::now() < deadline, "a router does not trip again");
    }
    let stale = house.pods().map(|pod| house.metrics(pod));
    for metrics in futures::future::join_all(stale).await {
        assert_eq!(metrics["leadflow_rules_fresh"], 0.0, "the age of the rules is seen");
    }
    house.cluster.start_api_server().await;

    let endpoints = api(&house.client, &house.namespace, "Endpoint");
    until(&endpoints, "first", "status has the trip", |object| ["Tripped", "Probing"].contains(&circuit(object))).await;
    house.receiver.script("/first", [Reply::accept()]);
    let served = until(&endpoints, "first", "status has the recovery", |object| circuit(object) == "Serving");
    let mut served = std::pin::pin!(served);
    loop {
        let answer = house.post(&FORM, &lead(number)).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        number += 1;
        tokio::select! {
            _ = &mut served => break,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    // Rules are followed again.
    let before = house.digest(&house.routers[0]).await;
    house.change("Agent", "ben", json!({"spec": {"priority": 7}})).await;
    house.until_rules_differ(&before).await;
    house.until_programmed("Agent", "ben").await;
}

/// How many routers see the circuit of `first` in a state.
async fn circuits(house: &House<'_>, state: &str) -> f64 {
    let name = format!("leadflow_circuit_state{{endpoint=\"first\",state=\"{state}\"}}");
    let metrics = futures::future::join_all(house.routers.iter().map(|router| house.metrics(router))).await;
    metrics.iter().filter_map(|metrics| metrics.get(&name)).sum()
}

//! An endpoint that answers 500.

use std::time::Duration;

use super::installation::Installation;
use super::manifests::Manifests;
use super::traffic::lead;
use crate::support::receiver::{Receiver, Reply};

const TRIPPED: &str = r#"leadflow_circuit_state{endpoint="first",state="tripped"}"#;
const SERVING: &str = r#"leadflow_circuit_state{endpoint="first",state="serving"}"#;

async fn shop(crm: &Receiver, open_seconds: &str) -> (Manifests, Installation) {
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "1"), ("$OPEN", open_seconds), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let installation = Installation::start(&manifests).await;
    (manifests, installation)
}

#[tokio::test]
async fn five_failures_trip_an_endpoint_and_leads_go_to_the_next_candidate_from_the_first_one_on() {
    let crm = Receiver::start().await;
    crm.script("/first", [Reply::status(500)]);
    let (_manifests, shop) = shop(&crm, "300").await;
    shop.wait_for_metric(SERVING, 1.0).await;
    for number in 0..20 {
        let answered = shop.settle(&lead(number)).await;
        assert_eq!(answered.code(), "Delivered", "{answered:?}");
        // Tripped by the fifth failure in a row, and not before.
        let tripped = f64::from(number >= 4);
        assert_eq!(shop.metric(TRIPPED).await, Some(tripped), "after lead {number}");
    }
    assert_eq!(crm.seen_at("/first").len(), 5);
    assert_eq!(crm.seen_at("/second").len(), 20);
    assert_eq!(shop.metric(SERVING).await, Some(0.0));
    assert_eq!(shop.metric(r#"leadflow_circuit_trips_total{endpoint="first",reason="ConsecutiveFailures"}"#).await, Some(1.0));
}

#[tokio::test]
async fn a_tripped_endpoint_is_probed_by_one_lead_at_a_time_and_comes_back_by_itself() {
    const ANSWERS_AFTER: Duration = Duration::from_millis(200);
    let crm = Receiver::start().await;
    crm.script("/first", [Reply::status(500).after(ANSWERS_AFTER)]);
    let (_manifests, shop) = shop(&crm, "1").await;
    let mut numbers = 0..;
    // Leads come all the time, eight at once.
    let mut post_some = async || {
        let leads = numbers.by_ref().take(8).map(|number| async move { lead(number) });
        let answers = futures::future::join_all(leads.map(async |lead| shop.settle(&lead.await).await)).await;
        assert!(answers.iter().all(|answered| answered.code() == "Delivered"), "{answers:?}");
    };
    while shop.metric(TRIPPED).await != Some(1.0) {
        post_some().await;
    }
    // What was sent before the trip is answered: each lead above was settled.
    assert!(crm.most_at_once("/first") > 1, "leads come at once");
    let before = crm.seen_at("/first").len();
    while crm.seen_at("/first").len() == before {
        post_some().await;
    }
    assert_eq!(crm.most_at_once("/first"), 1, "one probe at a time");

    crm.script("/first", [Reply::accept().after(ANSWERS_AFTER)]);
    let before = crm.seen_at("/first").len();
    while shop.metric(SERVING).await != Some(1.0) {
        post_some().await;
    }
    let probes = crm.seen_at("/first").split_off(before);
    assert!(probes.len() >= 2, "two probes succeed before all leads go");
    assert!(probes[1].at.duration_since(probes[0].at) >= ANSWERS_AFTER, "the second probe waits for the first");
    post_some().await;
    assert!(crm.most_at_once("/first") > 1, "all leads go again");
    assert!(crm.reused_keys().is_empty());
}

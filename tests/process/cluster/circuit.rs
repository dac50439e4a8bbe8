//! An endpoint that fails: left alone, reported, tried again one lead at a time, and back by itself.

use leadflow::flow::ports::{Clock, SystemClock};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use super::asking::lead;
use super::house::{FORM, FORM_WAITING, House, LIVE};
use super::objects::{PATIENCE, api, circuit, until, until_condition};
use crate::support::processes::POLL;
use crate::support::receiver::{Reply, Seen};
use crate::support::{Part, require};

/// Long enough that requests which are sent at once overlap.
const SLOW: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_is_tripped_told_of_and_heals_by_itself() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let endpoints = api(&house.client, &house.namespace, "Endpoint");
    let first_tripped = when_tripped(&house);
    let before = house.digest(&house.routers[0]).await;
    house.change("Endpoint", "first", json!({"spec": {"breaker": {"openSeconds": 10}}})).await;
    house.until_rules_differ(&before).await;

    house.receiver.script("/first", [Reply::status(500)]);
    for number in 0.. {
        let answer = house.post(&FORM_WAITING, &lead(number)).await;
        assert_eq!(answer.code(), "Delivered", "the next candidate has it: {answer:?}");
        if first_tripped.lock().unwrap().is_some() {
            break;
        }
        assert!(number < 100, "never tripped");
    }
    let failures = house.receiver.seen_at("/first");
    // Each router has two failures at most before its third, so the fifth one trips some router.
    let tripping = failures.get(4).or(failures.last()).unwrap().at;
    let told = first_tripped.lock().unwrap().unwrap().saturating_duration_since(tripping);
    println!("status said Tripped {told:?} after the tripping answer, of {} failures", failures.len());
    until_condition(&endpoints, "first", "Available", "False/CircuitTripped").await;

    // Neither router sends to it any more, also the one that did not trip itself and hears of it. Status rounds its end up to a whole second.
    let retry_at = retry_at(&house).await;
    tokio::time::sleep((3 * LIVE).saturating_sub(tripping.elapsed())).await;
    let sent = house.receiver.seen_at("/first").len();
    let mut number = 1000;
    while SystemClock.now() < retry_at.saturating_sub(jiff::SignedDuration::from_millis(2500)).unwrap() {
        let answer = house.post(&FORM_WAITING, &lead(number)).await;
        assert_eq!(answer.code(), "Delivered", "{answer:?}");
        number += 1;
    }
    let quiet = house.receiver.seen_at("/first").len() - sent;
    assert!(number > 1005, "{} leads were posted meanwhile", number - 1000);
    assert_eq!(quiet, 0, "of {} leads none went to the endpoint that is left alone", number - 1000);
    assert_eq!(events(&house, "CircuitTripped").await, 1, "one Event of the trip");

    // It is well again: leads probe it, and status follows.
    house.receiver.script("/first", [Reply::accept()]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let healed = tokio::spawn(until_serving(house.client.clone(), house.namespace.clone()));
    while !healed.is_finished() {
        house.post(&FORM_WAITING, &lead(number)).await;
        number += 1;
        assert!(Instant::now() < deadline, "never healed");
    }
    until_condition(&endpoints, "first", "Available", "True/CircuitServing").await;
    // The Event follows the status that it tells of.
    let mut recovered = events(&house, "CircuitRecovered").await;
    while recovered == 0 {
        assert!(Instant::now() < deadline, "no Event of the recovery");
        tokio::time::sleep(POLL).await;
        recovered = events(&house, "CircuitRecovered").await;
    }
    assert!(recovered <= 2, "an Event of each router's recovery at most, not {recovered}");
    // Every lead has one recipient, whatever happened.
    assert!(house.receiver.accepted_by_lead().values().all(|times| *times == 1));
    assert_eq!(house.receiver.accepted_total(), house.received("/second", "lead_id").len() + accepted_by_first(&house));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tripped_endpoint_is_probed_by_one_lead_at_a_time() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    // One router trips; the other only hears of it.
    let tripped = when_tripped(&house);
    house.receiver.script("/first", [Reply::status(500)]);
    let mut number = 0;
    let deadline = Instant::now() + PATIENCE;
    while tripped.lock().unwrap().is_none() {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
        number += 1;
        assert!(Instant::now() < deadline, "never tripped");
    }
    house.receiver.script("/first", [Reply::status(500).after(SLOW)]);
    let before = Instant::now();
    // Through two probes that fail.
    while probes(&house, before).len() < 2 {
        let house = &house;
        let posts = futures::stream::iter(0..10).map(|each| async move { house.post(&FORM_WAITING, &lead(number + each)).await });
        posts.buffer_unordered(10).for_each(async |answer| assert_eq!(answer.code(), "Delivered", "{answer:?}")).await;
        number += 10;
        assert!(
            before.elapsed() < Duration::from_secs(40),
            "{} requests, {} probes",
            house.receiver.seen_at("/first").len(),
            probes(house, before).len()
        );
    }
    let seen = house.receiver.seen_at("/first");
    let probes = probes(&house, before);
    let since = |seen: &Seen| seen.at.saturating_duration_since(before).as_millis();
    println!("requests at {:?} ms", seen.iter().map(since).collect::<Vec<_>>());
    for probe in &probes {
        let beside = seen.iter().filter(|other| other.at >= probe.at && other.at < probe.at + SLOW).count();
        assert_eq!(beside, 1, "a probe goes alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_obeys_the_manual_override() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let endpoints = api(&house.client, &house.namespace, "Endpoint");
    let before = house.digest(&house.routers[0]).await;
    house.change("Endpoint", "first", json!({"spec": {"circuit": "Paused"}})).await;
    house.until_rules_differ(&before).await;
    for number in 0..10 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
    }
    assert_eq!((house.receiver.seen_at("/first").len(), house.receiver.seen_at("/second").len()), (0, 10));
    until_condition(&endpoints, "first", "Available", "False/CircuitPaused").await;

    let before = house.digest(&house.routers[0]).await;
    house.receiver.script("/first", [Reply::status(500)]);
    house.change("Endpoint", "first", json!({"spec": {"circuit": "Forced"}})).await;
    house.until_rules_differ(&before).await;
    for number in 10..30 {
        assert_eq!(house.post(&FORM_WAITING, &lead(number)).await.code(), "Delivered");
    }
    assert_eq!(house.receiver.seen_at("/first").len(), 20, "sent to regardless of failures");
    until_condition(&endpoints, "first", "Available", "True/CircuitForced").await;

    let before = house.digest(&house.routers[0]).await;
    house.receiver.script("/first", [Reply::accept()]);
    house.change("Endpoint", "first", json!({"spec": {"circuit": "Auto"}})).await;
    house.until_rules_differ(&before).await;
    until_condition(&endpoints, "first", "Available", "True/CircuitServing").await;
    let answer = house.post(&FORM, &lead(30)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    house.receiver.wait_for_accepted(31, Duration::from_secs(20)).await;
    assert_eq!(house.receiver.seen_at("/first").len(), 21);
}

/// The requests since then that came after a pause: the endpoint was left alone before them.
fn probes(house: &House<'_>, since: Instant) -> Vec<Seen> {
    let mut seen = house.receiver.seen_at("/first");
    seen.retain(|seen| seen.at >= since);
    let after_a_pause = seen.windows(2).filter(|pair| pair[1].at - pair[0].at >= Duration::from_millis(900));
    after_a_pause.map(|pair| pair[1].clone()).collect()
}

/// Notes when the watch first shows the circuit of `first` as tripped.
fn when_tripped(house: &House<'_>) -> Arc<Mutex<Option<Instant>>> {
    let at = Arc::new(Mutex::new(None));
    let (endpoints, noted) = (api(&house.client, &house.namespace, "Endpoint"), Arc::clone(&at));
    tokio::spawn(async move {
        let seen = until(&endpoints, "first", "status says Tripped", |object| circuit(object) == "Tripped").await;
        *noted.lock().unwrap() = Some(seen);
    });
    at
}

async fn until_serving(client: kube::Client, namespace: String) {
    until(&api(&client, &namespace, "Endpoint"), "first", "status says Serving", |object| circuit(object) == "Serving").await;
}

async fn retry_at(house: &House<'_>) -> jiff::Timestamp {
    let object = api(&house.client, &house.namespace, "Endpoint").get("first").await.unwrap();
    object.data["status"]["circuit"]["retryAt"].as_str().expect("a tripped circuit says until when").parse().unwrap()
}

/// How many Events with a reason there are of the endpoint, repetitions counted.
async fn events(house: &House<'_>, reason: &str) -> i32 {
    let events = Api::<Event>::namespaced(house.client.clone(), &house.namespace).list(&ListParams::default()).await.unwrap();
    let ours = events.items.iter().filter(|event| {
        event.reason.as_deref() == Some(reason) && event.regarding.as_ref().and_then(|about| about.name.as_deref()) == Some("first")
    });
    ours.map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum()
}

fn accepted_by_first(house: &House<'_>) -> usize {
    let accepted = |seen: &Seen| matches!(seen.outcome, crate::support::receiver::Outcome::Accepted(_));
    house.receiver.seen_at("/first").iter().filter(|seen| accepted(seen)).count()
}

//! How soon a change at the API server is live in both routers and in ingest, without a restart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::asking::{Post, lead};
use super::house::{FORM, FORM_WAITING, House, LIVE};
use crate::support::{Part, require};

/// How often each change is made.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_applied_is_live_in_both_routers_within_a_second() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let pids: Vec<_> = house.pods().map(|pod| pod.process().pid()).collect();
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let (agent, path) = if round % 2 == 0 { ("ben", "/second") } else { ("anna", "/first") };
        let part = json!({"spec": {"tiers": [{"name": "first", "to": {"agents": {"names": [agent]}}, "method": {"type": "Priority"}}]}});
        let before = house.receiver.seen_at(path).len();
        times.push(changed(&house, "RoutingPolicy", "all", part).await);
        let answer = house.post(&FORM_WAITING, &lead(round)).await;
        assert_eq!(answer.code(), "Delivered", "{answer:?}");
        assert_eq!(house.receiver.seen_at(path).len(), before + 1, "the lead went to {agent}");
        house.until_programmed("RoutingPolicy", "all").await;
    }
    within_a_second("a policy", &times);

    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let priority = i32::try_from(round).unwrap() + 1;
        times.push(changed(&house, "Agent", "anna", json!({"spec": {"priority": priority}})).await);
        house.until_programmed("Agent", "anna").await;
    }
    within_a_second("an agent", &times);
    assert!(house.pods().map(|pod| pod.process().pid()).eq(pids), "nothing restarts");
    house.pods().for_each(|pod| pod.process().assert_running());
}

/// Changes an object and waits until both routers go by the new rules.
async fn changed(house: &House<'_>, kind: &str, name: &str, part: Value) -> Duration {
    let before = house.digest(&house.routers[0]).await;
    let begun = house.change(kind, name, part).await;
    house.until_rules_differ(&before).await - begun
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_source_key_is_taken_within_a_second_and_the_old_one_is_not() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    // A post that shows a good key fails by its body alone, so that no lead is made.
    let refused = json!({});
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let (old, new) = (if round == 0 { "form-key".to_owned() } else { format!("key-{}", round - 1) }, format!("key-{round}"));
        assert_eq!(house.post(&Post { key: &old, ..FORM }, &refused).await.status, 400);
        let begun = house.change("Secret", "form-keys", json!({"stringData": {"current": new}})).await;
        while house.post(&Post { key: &new, ..FORM }, &refused).await.status != 400 {
            assert!(begun.elapsed() < Duration::from_secs(30), "the new key is never taken");
        }
        times.push(begun.elapsed());
        assert_eq!(house.post(&Post { key: &old, ..FORM }, &refused).await.status, 401, "the old key is good no more");
    }
    within_a_second("a source's key", &times);
    // Two are good at a time, so that a source can change over.
    house.change("Secret", "form-keys", json!({"stringData": {"next": "another"}})).await;
    let begun = Instant::now();
    while house.post(&Post { key: "another", ..FORM }, &refused).await.status != 400 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the second key is never taken");
    }
    assert_eq!(house.post(&Post { key: "key-2", ..FORM }, &refused).await.status, 400, "the first key is good, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_endpoint_token_is_sent_within_a_second() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let token = format!("Bearer token-{round}");
        let begun = house.change("Secret", "first", json!({"stringData": {"token": format!("token-{round}")}})).await;
        // Both routers take leads: the last request with the old token tells when the later of them had the new one.
        let mut number = 0;
        let mut last_old = begun;
        while last_old.elapsed() < Duration::from_millis(1500) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the new token is never sent");
            let answer = house.post(&FORM_WAITING, &lead(1000 * (round + 1) + number)).await;
            assert_eq!(answer.code(), "Delivered", "{answer:?}");
            number += 1;
            let seen = house.receiver.seen_at("/first");
            let old = seen.iter().rev().find(|seen| seen.header("authorization") != Some(token.as_str()));
            last_old = old.map_or(begun, |old| old.at.max(begun));
        }
        times.push(last_old - begun);
    }
    within_a_second("an endpoint's token", &times);
}

/// The middle one counts: one may be the busy machine's, two are ours.
fn within_a_second(what: &str, times: &[Duration]) {
    println!("{what} was live after {times:?}");
    let mut sorted = times.to_vec();
    sorted.sort();
    assert!(sorted[ROUNDS / 2] < LIVE, "{what} was live after {times:?}");
}

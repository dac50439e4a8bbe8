//! Posts that wait for the outcome.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use tokio::time::Instant;

use super::house::{House, Reply};
use crate::lead::{Outcome, State, UnmatchedReason};

fn outcome(state: State, reason: Option<UnmatchedReason>) -> Outcome {
    Outcome { state, reason, taken_by: Vec::new() }
}

/// Posts the sample while `work` goes on, with the watcher running.
async fn meanwhile(house: &House, source: &str, headers: &[(&str, &str)], work: impl Future<Output = ()>) -> Reply {
    tokio::select! {
        (reply, ()) = async { tokio::join!(house.sample(source, headers), work) } => reply,
        ended = house.ingest.waiters.run() => match ended {},
    }
}

async fn settled(house: &House, source: &str, headers: &[(&str, &str)], outcome: Outcome, told: bool) -> Reply {
    meanwhile(house, source, headers, async {
        let lead = house.store.kept(1).await[0];
        house.store.settle(lead, outcome, told);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn who_asks_to_wait_gets_the_outcome() {
    let house = House::new();
    let reply = settled(&house, "web", &[("prefer", "wait=5")], outcome(State::Delivered, None), true).await;
    assert_eq!((reply.status, reply.outcome(), reply.code()), (StatusCode::OK, "accepted", "Delivered"));
    assert_eq!(reply.header("preference-applied"), Some("wait=5"));
    assert_eq!(reply.lead(), house.store.last().lead.id);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_tell_is_looked_at() {
    let house = House::new();
    let reply = settled(&house, "web", &[("prefer", "wait=5")], outcome(State::Delivered, None), false).await;
    assert_eq!(reply.code(), "Delivered");
}

#[tokio::test(start_paused = true)]
async fn a_lead_that_nobody_takes_is_rejected_with_the_reason() {
    let house = House::new();
    let unmatched = outcome(State::Unmatched, Some(UnmatchedReason::NobodyMatches));
    let reply = settled(&house, "web", &[("prefer", "wait=5")], unmatched, true).await;
    assert_eq!((reply.status, reply.outcome(), reply.code()), (StatusCode::OK, "rejected", "NobodyMatches"));
    assert_eq!(reply.json["retryable"].as_bool(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn when_time_is_over_the_id_is_answered() {
    let house = House::new();
    let begun = Instant::now();
    let reply = meanwhile(&house, "web", &[("prefer", "wait=3")], async {}).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::ACCEPTED, "Accepted"));
    assert!(reply.header("location").unwrap().ends_with(&reply.lead().to_string()));
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_source_allows() {
    let house = House::new();
    let begun = Instant::now();
    let reply = meanwhile(&house, "web", &[("prefer", "wait=3600")], async {}).await;
    assert_eq!((reply.header("preference-applied"), begun.elapsed().as_secs()), (Some("wait=10"), 10));
}

#[tokio::test(start_paused = true)]
async fn a_source_may_be_set_to_wait_without_asking() {
    let house = House::new();
    let reply = settled(&house, "patient", &[], outcome(State::Delivered, None), true).await;
    assert_eq!((reply.code(), reply.header("preference-applied")), ("Delivered", None));
    let begun = Instant::now();
    assert_eq!(meanwhile(&house, "patient", &[("prefer", "wait=0")], async {}).await.status, StatusCode::ACCEPTED);
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_post_waits_for_the_first_ones_lead() {
    let house = House::new();
    let lead = house.sample("web", &[("idempotency-key", "k")]).await.lead();
    let again = &[("idempotency-key", "k"), ("prefer", "wait=5")];
    let reply = settled(&house, "web", again, outcome(State::Delivered, None), true).await;
    assert_eq!((reply.lead(), reply.code()), (lead, "Delivered"));
    assert_eq!(house.sample("web", again).await.code(), "Delivered");
}

#[tokio::test(start_paused = true)]
async fn when_the_process_ends_nobody_is_kept_waiting() {
    let house = House::new();
    let begun = Instant::now();
    let reply = meanwhile(&house, "patient", &[], async { house.drain.cancel() }).await;
    assert_eq!((reply.status, begun.elapsed().as_secs()), (StatusCode::ACCEPTED, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failing_look_is_not_the_end_of_waiting() {
    let house = House::new();
    let reply = meanwhile(&house, "patient", &[], async {
        let lead = house.store.kept(1).await[0];
        house.store.down.store(true, Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        house.store.down.store(false, Ordering::SeqCst);
        house.store.settle(lead, outcome(State::Delivered, None), false);
    })
    .await;
    assert_eq!(reply.code(), "Delivered");
}

#[tokio::test(start_paused = true)]
async fn many_that_wait_cost_one_look_at_a_time_and_none_when_nobody_waits() {
    let house = House::new();
    let posts = futures::future::join_all((0..100).map(|_| house.sample("patient", &[])));
    let settle = async {
        for lead in house.store.kept(100).await {
            house.store.settle(lead, outcome(State::Delivered, None), false);
        }
    };
    let work = async { tokio::join!(posts, settle).0 };
    let replies = tokio::select! {
        replies = work => replies,
        ended = house.ingest.waiters.run() => match ended {},
    };
    assert!(replies.iter().all(|reply| reply.code() == "Delivered"));
    assert_eq!(house.store.looks.load(Ordering::SeqCst), 1);
    tokio::select! {
        () = tokio::time::sleep(std::time::Duration::from_secs(60)) => {}
        ended = house.ingest.waiters.run() => match ended {},
    }
    assert_eq!(house.store.looks.load(Ordering::SeqCst), 1);
}

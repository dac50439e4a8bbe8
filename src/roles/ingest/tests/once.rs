//! The same lead twice: duplicates and repeated posts.

use axum::http::StatusCode;

use super::house::{House, SAMPLE};
use crate::lead::{Outcome, State};

#[tokio::test]
async fn a_lead_that_was_sent_before_is_a_duplicate() {
    let house = House::new();
    let first = house.post("once", r#"{"email":"jane@example.com"}"#, &[]).await;
    let again = house.post("once", r#"{"email":"JANE@example.com"}"#, &[]).await;
    assert_eq!((again.status, again.outcome(), again.code()), (StatusCode::OK, "duplicate", "Duplicate"));
    assert_ne!(again.lead(), first.lead());
    assert_eq!(house.get("once", &again.lead().to_string()).await.outcome(), "duplicate");
}

#[tokio::test]
async fn leads_without_the_compared_field_are_no_duplicates() {
    let house = House::new();
    for _ in 0..2 {
        assert_eq!(house.post("once", r#"{"first_name":"jane"}"#, &[]).await.status, StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_and_one_lead() {
    let house = House::new();
    let key = &[("idempotency-key", "order-7")];
    let (first, again) = (house.sample("web", key).await, house.sample("web", key).await);
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(house.store.count(), 1);
    house.store.settle(first.lead(), Outcome { state: State::Delivered, reason: None, taken_by: Vec::new() }, true);
    assert_eq!(house.sample("web", key).await.json, first.json);
}

#[tokio::test]
async fn the_same_key_gets_a_duplicates_answer_again() {
    let house = House::new();
    let body = r#"{"email":"jane@example.com"}"#;
    house.post("once", body, &[]).await;
    let key = &[("idempotency-key", "k")];
    let (first, again) = (house.post("once", body, key).await, house.post("once", body, key).await);
    assert_eq!((first.outcome(), &first.json), ("duplicate", &again.json));
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let house = House::new();
    let key = &[("idempotency-key", "order-7")];
    house.sample("web", key).await;
    let other = house.post("web", SAMPLE.replace("750000", "750001"), key).await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "IdempotencyKeyReused"));
    assert_eq!((other.json["retryable"].as_bool(), house.store.count()), (Some(false), 1));
}

#[tokio::test]
async fn sources_do_not_share_keys() {
    let house = House::new();
    let key = &[("idempotency-key", "order-7")];
    assert_ne!(house.sample("web", key).await.lead(), house.sample("json-only", key).await.lead());
}

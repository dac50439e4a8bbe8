//! Posts that are turned away, with nothing of them kept.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::stream;
use zeroize::Zeroizing;

use super::house::{House, Reply, SAMPLE, post};
use crate::formats::MOST_BYTES;
use crate::table::Secrets;

fn is(reply: &Reply, status: StatusCode, code: &str) {
    assert_eq!((reply.status, reply.code(), reply.outcome()), (status, code, "error"));
}

#[tokio::test]
async fn without_a_key_of_the_source_nothing_is_taken() {
    let house = House::new();
    for (name, value) in [
        ("x-api-key", "wrong"),
        ("x-api-key", ""),
        ("authorization", "Bearer "),
        ("authorization", "Basic web-key"),
        ("authorization", "web-key"),
        ("x-api-key", "json-only-key"),
    ] {
        let reply = house.sample("web", &[(name, value)]).await;
        is(&reply, StatusCode::UNAUTHORIZED, "Unauthorized");
        assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    let bare = Request::post("/v1/sources/web/leads").header("content-type", "application/json").body(Body::from(SAMPLE)).unwrap();
    is(&house.send(bare).await, StatusCode::UNAUTHORIZED, "Unauthorized");
    assert_eq!(house.store.count(), 0);
}

#[tokio::test]
async fn all_keys_of_the_secret_are_good_at_once_and_a_rotation_is_live() {
    let house = House::new();
    for header in [("x-api-key", "web-key"), ("x-api-key", "web-new-key"), ("authorization", "Bearer web-new-key")] {
        assert_eq!(house.sample("web", &[header]).await.status, StatusCode::ACCEPTED);
    }
    let entries = [("next".to_owned(), Zeroizing::new(b"web-next-key".to_vec()))].into_iter().collect();
    house.live.set_secrets(Arc::new(Secrets([("web".to_owned(), Arc::new(entries))].into_iter().collect())));
    assert_eq!(house.sample("web", &[("x-api-key", "web-next-key")]).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.sample("web", &[("x-api-key", "web-key")]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_source_whose_secret_is_not_loaded_is_told_to_try_again() {
    let house = House::new();
    let reply = house.sample("keyless", &[]).await;
    is(&reply, StatusCode::SERVICE_UNAVAILABLE, "KeysUnavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn unknown_paths_and_sources_are_not_found() {
    let house = House::new();
    for (path, code) in [
        ("/", "UnknownPath"),
        ("/v1/sources/web", "UnknownPath"),
        ("/v1/sources/x/leads", "UnknownSource"),
        ("/v1/sources/%FF/leads", "UnknownSource"),
    ] {
        let reply = house.send(Request::post(path).body(Body::from(SAMPLE)).unwrap()).await;
        is(&reply, StatusCode::NOT_FOUND, code);
    }
    is(&house.get("web", "%FF").await, StatusCode::NOT_FOUND, "UnknownPath");
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let house = House::new();
    for (method, path, allowed) in [
        ("GET", "/v1/sources/web/leads", "POST"),
        ("PUT", "/v1/sources/web/leads", "POST"),
        ("DELETE", "/v1/sources/web/leads/x", "GET,HEAD"),
    ] {
        let reply = house.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        is(&reply, StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
        assert_eq!(reply.header("allow"), Some(allowed));
    }
}

#[tokio::test]
async fn content_types_that_the_source_does_not_take_are_refused() {
    let house = House::new();
    for (source, content_type) in [("web", "text/plain"), ("web", ""), ("json-only", "application/x-www-form-urlencoded")] {
        let reply = house.sample(source, &[("content-type", content_type)]).await;
        is(&reply, StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType");
        assert!(reply.header("accept-post").unwrap().starts_with("application/json"));
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_whether_or_not_they_tell_their_length() {
    let house = House::new();
    let body = |length: usize| format!(r#"{{"x":"{}"}}"#, "a".repeat(length - 8));
    assert_eq!(house.post("json-only", body(MOST_BYTES), &[]).await.status, StatusCode::ACCEPTED);
    is(&house.post("json-only", body(MOST_BYTES + 1), &[]).await, StatusCode::PAYLOAD_TOO_LARGE, "TooLarge");
    let pieces = stream::iter((0..80).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1024]))));
    is(&house.post("json-only", Body::from_stream(pieces), &[]).await, StatusCode::PAYLOAD_TOO_LARGE, "TooLarge");
    assert_eq!(house.store.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for_long() {
    let house = House::new();
    let never = stream::pending::<Result<Bytes, Infallible>>();
    is(&house.post("web", Body::from_stream(never), &[]).await, StatusCode::REQUEST_TIMEOUT, "TooSlow");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let house = House::new();
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("gone"))]);
    is(&house.post("web", Body::from_stream(broken), &[]).await, StatusCode::BAD_REQUEST, "BrokenOff");
}

#[tokio::test]
async fn malformed_bodies_are_refused_with_the_field_where_there_is_one() {
    let house = House::new();
    for (body, code, field) in [
        (&b"{"[..], "NotJson", None),
        (b"[]", "NotAnObject", None),
        (b"\xff", "NotUtf8", None),
        (br#"{"contact":{"email":1,"email":2}}"#, "SentTwice", Some("contact.email")),
        (br#"{"contact":{"email":"\u0000"}}"#, "NulCharacter", Some("contact.email")),
    ] {
        let reply = house.post("web", body, &[]).await;
        is(&reply, StatusCode::BAD_REQUEST, code);
        assert_eq!(reply.fields(), field.map(|field| (field, "Malformed")).into_iter().collect::<Vec<_>>());
    }
    assert_eq!(house.store.count(), 0);
}

#[tokio::test]
async fn an_invalid_lead_is_rejected_with_every_bad_field() {
    let house = House::new();
    let reply = house.post("web", r#"{"email":"nobody","phone":"1","budget":"much"}"#, &[]).await;
    assert_eq!((reply.status, reply.outcome(), reply.code()), (StatusCode::BAD_REQUEST, "rejected", "InvalidLead"));
    let wanted = [
        ("contact.email", "NotAnEmail"),
        ("contact.phone", "NotAPhone"),
        ("location.zip", "Required"),
        ("property_interest.price_max", "NotANumber"),
    ];
    assert_eq!(reply.fields(), wanted);
    assert!(!reply.json.to_string().contains("nobody") && house.store.count() == 0);
}

#[tokio::test]
async fn more_than_the_rate_is_told_when_to_come_again() {
    let house = House::new();
    for _ in 0..2 {
        assert_eq!(house.sample("slow", &[]).await.status, StatusCode::ACCEPTED);
    }
    let reply = house.sample("slow", &[]).await;
    is(&reply, StatusCode::TOO_MANY_REQUESTS, "RateLimited");
    assert_eq!((reply.header("retry-after"), reply.json["retryable"].as_bool()), (Some("1"), Some(true)));
    assert_eq!(house.sample("web", &[]).await.status, StatusCode::ACCEPTED);
    house.millis.store(1000, Ordering::SeqCst);
    assert_eq!(house.sample("slow", &[]).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn strangers_do_not_use_up_a_sources_rate() {
    let house = House::new();
    for _ in 0..10 {
        house.sample("slow", &[("x-api-key", "wrong")]).await;
    }
    assert_eq!(house.sample("slow", &[]).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_store_that_is_away_is_worth_another_try() {
    let house = House::new();
    house.store.down.store(true, Ordering::SeqCst);
    let reply = house.sample("web", &[]).await;
    is(&reply, StatusCode::SERVICE_UNAVAILABLE, "StoreUnavailable");
    assert_eq!((reply.header("retry-after"), reply.json["retryable"].as_bool()), (Some("1"), Some(true)));
}

#[tokio::test]
async fn nothing_is_kept_without_keys_to_seal_it() {
    let house = House::new();
    house.keys.0.store(false, Ordering::SeqCst);
    is(&house.sample("web", &[]).await, StatusCode::SERVICE_UNAVAILABLE, "KeysUnavailable");
    assert_eq!(house.store.count(), 0);
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused() {
    let house = House::new();
    is(&house.sample("web", &[("idempotency-key", "with space")]).await, StatusCode::BAD_REQUEST, "BadIdempotencyKey");
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    is(&house.send(post("web", SAMPLE, &twice)).await, StatusCode::BAD_REQUEST, "BadIdempotencyKey");
}

#[tokio::test]
async fn a_panic_is_answered_like_everything_else() {
    let house = House::new();
    house.store.panics.store(true, Ordering::SeqCst);
    is(&house.sample("web", &[]).await, StatusCode::INTERNAL_SERVER_ERROR, "Internal");
}

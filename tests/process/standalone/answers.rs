//! What a source is answered, over real HTTP.

use reqwest::RequestBuilder;
use serde_json::json;

use super::installation::{Answered, Installation, KEY};
use super::manifests::Manifests;
use super::traffic::lead;
use crate::support::receiver::Receiver;

async fn shop(crm: &Receiver) -> (Manifests, Installation) {
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "1"), ("$OPEN", "30"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let installation = Installation::start(&manifests).await;
    (manifests, installation)
}

async fn answer(request: RequestBuilder) -> Answered {
    Answered::of(request.send().await.expect("there is an answer")).await
}

#[tokio::test]
async fn a_lead_is_answered_by_its_id_or_when_asked_for_by_its_outcome() {
    let crm = Receiver::start().await;
    let (_manifests, shop) = shop(&crm).await;
    let kept = answer(shop.post(&lead(1))).await;
    assert_eq!((kept.status.as_u16(), kept.code()), (202, "Accepted"));
    shop.wait_for_standing(kept.lead(), "Delivered").await;
    let delivered = shop.settle(&lead(2)).await;
    assert_eq!((delivered.status.as_u16(), delivered.code()), (200, "Delivered"));
    let duplicate = answer(shop.post(&lead(2))).await;
    assert_eq!((duplicate.status.as_u16(), duplicate.code()), (200, "Duplicate"));
    let form = shop.client().post(shop.url("/v1/sources/web/leads")).bearer_auth(KEY);
    let form = answer(form.form(&[("contact.email", "form@example.com"), ("max_price", "1200.50")]).header("prefer", "wait=30")).await;
    assert_eq!((form.status.as_u16(), form.code()), (200, "Delivered"), "{form:?}");
    assert_eq!(crm.accepted_total(), 3);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_status_and_word() {
    let crm = Receiver::start().await;
    let (_manifests, shop) = shop(&crm).await;
    let leads = shop.url("/v1/sources/web/leads");
    let client = shop.client();
    let large = json!({"contact": {"email": "a@example.com"}, "note": "x".repeat(70_000)});
    let unknown_lead = format!("{leads}/01a20122-db44-715f-93ad-167372be09c4");
    let cases = [
        (client.post(&leads).json(&lead(1)), 401, "Unauthorized"),
        (client.post(&leads).header("x-api-key", "wrong").json(&lead(1)), 401, "Unauthorized"),
        (client.post(shop.url("/v1/sources/nobody/leads")).header("x-api-key", KEY).json(&lead(1)), 404, "UnknownSource"),
        (client.post(shop.url("/v2/leads")).header("x-api-key", KEY).json(&lead(1)), 404, "UnknownPath"),
        (client.get(unknown_lead).header("x-api-key", KEY), 404, "UnknownLead"),
        (client.put(&leads).header("x-api-key", KEY).json(&lead(1)), 405, "MethodNotAllowed"),
        (shop.post(&large), 413, "TooLarge"),
        (client.post(&leads).header("x-api-key", KEY).header("content-type", "text/csv").body("a,b"), 415, "UnsupportedMediaType"),
        (shop.post(&lead(1)).header("idempotency-key", "two words"), 400, "BadIdempotencyKey"),
        (shop.post(&json!([1])), 400, "NotAnObject"),
    ];
    for (request, status, code) in cases {
        let answered = answer(request).await;
        assert_eq!((answered.status.as_u16(), answered.code()), (status, code), "{answered:?}");
        assert_eq!(answered.body["outcome"], "error");
    }
    let first = answer(shop.post(&lead(1)).header("idempotency-key", "k")).await;
    assert_eq!(first.status.as_u16(), 202);
    let reused = answer(shop.post(&lead(2)).header("idempotency-key", "k")).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (422, "IdempotencyKeyReused"));
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let crm = Receiver::start().await;
    let (_manifests, shop) = shop(&crm).await;
    let bad = json!({"contact": {"phone": "12", "first_name": 7}, "budget": "-5", "location": {"zip": "9021"}});
    let answered = answer(shop.post(&bad)).await;
    assert_eq!((answered.status.as_u16(), answered.code()), (400, "InvalidLead"), "{answered:?}");
    assert_eq!(answered.body["outcome"], "rejected");
    let errors = answered.body["fieldErrors"].as_array().unwrap();
    let mut fields: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    for field in ["budget", "contact.email", "contact.phone", "location.zip"] {
        assert!(fields.contains(&field), "{field} in {answered:?}");
    }
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn a_source_that_sends_too_much_is_told_when_to_go_on() {
    let crm = Receiver::start().await;
    let (manifests, shop) = shop(&crm).await;
    let digest = shop.digest().await;
    manifests.edit("shop.yaml", "answer: {waitSeconds: 60}", "rateLimit: {perSecond: 1, burst: 2}");
    shop.wait_for_rules_after(&digest).await;
    let mut answers = Vec::new();
    for number in 0..20 {
        answers.push(answer(shop.post(&lead(number))).await);
    }
    assert!(answers[..2].iter().all(|answered| answered.status.as_u16() == 202), "{answers:?}");
    let refused = answers.iter().find(|answered| answered.status.as_u16() == 429).expect("some are too much");
    assert_eq!((refused.code(), refused.retry_after.as_deref()), ("RateLimited", Some("1")));
    assert_eq!(refused.body["retryable"], true);
}

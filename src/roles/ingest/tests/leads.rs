//! Leads that are taken.

use axum::http::StatusCode;
use rust_decimal::Decimal;

use super::house::{House, SAMPLE};
use crate::lead::delivery::Money;
use crate::lead::outcome::Taken;
use crate::lead::{Outcome, RecipientKey, State, Value};

#[tokio::test]
async fn the_sample_lead_is_kept_in_canonical_spelling_beside_what_was_sent() {
    let house = House::new();
    let reply = house.sample("web", &[]).await;
    assert_eq!((reply.status, reply.outcome(), reply.code()), (StatusCode::ACCEPTED, "accepted", "Accepted"));
    let kept = house.store.last();
    assert_eq!((kept.lead.id, kept.lead.source.as_str()), (reply.lead(), "web"));
    assert_eq!((kept.submission.content_type.as_str(), kept.submission.body.as_str()), ("application/json", SAMPLE));
    for (field, value) in
        [("contact.phone", "+15558675309"), ("contact.first_name", "Jane"), ("contact.last_name", "Doe"), ("location.zip", "90210")]
    {
        assert_eq!(kept.lead.get(field), Some(&Value::Text(value.to_owned())), "{field}");
    }
    assert_eq!(kept.lead.get("property_interest.price_max"), Some(&Value::Decimal(Decimal::from(750_000))));
    assert_eq!(kept.lead.get("source"), None);
}

#[tokio::test]
async fn an_answer_says_all_that_an_answer_says() {
    let house = House::new();
    let reply = house.sample("web", &[]).await;
    let wanted = serde_json::json!({
        "outcome": "accepted", "code": "Accepted", "reason": "the lead is safe and being routed", "leadId": reply.lead(), "fieldErrors": [],
        "retryable": false
    });
    assert_eq!(reply.json, wanted);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("location"), Some(format!("/v1/sources/web/leads/{}", reply.lead()).as_str()));
}

#[tokio::test]
async fn forms_are_taken_where_the_source_names_no_format() {
    let house = House::new();
    let form = "contact[email]=jane%40example.com&phone=555-867-5309&zip=90210-1234";
    let reply = house.post("web", form, &[("content-type", "application/x-www-form-urlencoded")]).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(house.store.last().lead.get("contact.email"), Some(&Value::Text("jane@example.com".to_owned())));
}

#[tokio::test]
async fn a_source_sees_where_its_own_lead_stands() {
    let house = House::new();
    let lead = house.sample("web", &[]).await.lead();
    let reply = house.get("web", &lead.to_string()).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::OK, "Accepted"));
    let price = Some(Money { minor: 4250, currency: "USD".to_owned() });
    let taken_by = vec![Taken { recipient: RecipientKey::contract("acme", "north"), record_id: Some("r-1".to_owned()), price }];
    house.store.settle(lead, Outcome { state: State::Delivered, reason: None, taken_by }, true);
    let reply = house.get("web", &lead.to_string()).await;
    assert_eq!((reply.code(), reply.json.get("price")), ("Delivered", None), "what buyers pay is not the source's business");
    assert!(!reply.json.to_string().contains("acme") && !reply.json.to_string().contains("r-1"));
}

#[tokio::test]
async fn a_lead_of_another_source_is_unknown() {
    let house = House::new();
    let lead = house.sample("web", &[]).await.lead();
    for lead in [lead.to_string(), uuid::Uuid::nil().to_string(), "x".to_owned()] {
        let reply = house.get("json-only", &lead).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::NOT_FOUND, "UnknownLead"), "{lead}");
    }
}

#[tokio::test]
async fn posts_are_counted_by_source_outcome_and_code() {
    let house = House::new();
    house.sample("web", &[]).await;
    house.post("web", "{}", &[]).await;
    house.post("web", "{", &[]).await;
    house.sample("nobody-knows", &[]).await;
    let posts = |labels: [&str; 3]| house.metrics.posts.with_label_values(&labels).get();
    assert_eq!(posts(["web", "accepted", "Accepted"]), 1);
    assert_eq!(posts(["web", "rejected", "InvalidLead"]), 1);
    assert_eq!(posts(["web", "error", "NotJson"]), 1);
    assert_eq!(posts(["-", "error", "UnknownSource"]), 1);
    assert!(!house.metrics.text().contains("nobody-knows"));
    assert_eq!(house.metrics.post_seconds.get_sample_count(), 4);
}

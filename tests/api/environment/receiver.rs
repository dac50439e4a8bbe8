use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::receiver::{Outcome, Receiver, Reply};

struct Sender {
    http: reqwest::Client,
    url: String,
}

impl Sender {
    fn to(receiver: &Receiver) -> Sender {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
        Sender { http: http.build().expect("a plain client"), url: receiver.url("/leads") }
    }

    async fn send(&self, lead: &str, key: &str) -> reqwest::Result<reqwest::Response> {
        let request = self.http.post(&self.url).header("idempotency-key", key);
        request.json(&json!({"lead_id": lead})).send().await
    }

    async fn record(&self, lead: &str, key: &str) -> String {
        let answer = self.send(lead, key).await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let body: serde_json::Value = answer.json().await.expect("JSON");
        body["id"].as_str().expect("a record's id").to_owned()
    }
}

#[tokio::test]
async fn the_same_key_is_one_record() {
    let receiver = Receiver::start().await;
    let sender = Sender::to(&receiver);
    let record = sender.record("a", "key-a").await;
    assert_eq!(sender.record("a", "key-a").await, record);
    assert_ne!(sender.record("b", "key-b").await, record);
    assert_eq!((receiver.accepted("a"), receiver.accepted_total()), (1, 2));
    assert!(receiver.reused_keys().is_empty());

    let refused = sender.send("c", "key-a").await.expect("an answer");
    assert_eq!(refused.status(), 422);
    assert_eq!((receiver.accepted("c"), receiver.reused_keys()), (0, vec!["key-a".to_owned()]));
    assert_eq!(receiver.seen()[1].outcome, Outcome::Replayed(record));

    receiver.honour_idempotency_keys(false);
    sender.record("a", "key-a").await;
    assert_eq!(receiver.accepted("a"), 2);
}

#[tokio::test]
async fn a_script_is_followed() {
    let receiver = Receiver::start().await;
    let sender = Sender::to(&receiver);
    receiver.script(
        "/leads",
        [
            Reply::status(500).times(2),
            Reply::status(429).retry_after("7").times(1),
            Reply::accept().after(Duration::from_millis(200)).times(1),
            Reply::accept().with_status(200).json(&json!({"ok": true})),
        ],
    );
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(sender.send("a", "key").await.expect("an answer").status().as_u16());
    }
    assert_eq!(statuses, [500, 500, 429]);
    let begin = Instant::now();
    sender.record("a", "key").await;
    assert!(begin.elapsed() >= Duration::from_millis(200));
    for lead in ["b", "c"] {
        let answer = sender.send(lead, lead).await.expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), r#"{"ok":true}"#);
    }
    assert_eq!(receiver.seen_at("/leads").len(), 6);
    assert_eq!(receiver.seen()[2].json(), json!({"lead_id": "a"}));
    assert_eq!(receiver.accepted_total(), 3);
}

#[tokio::test]
async fn a_lead_may_be_taken_without_an_answer() {
    let receiver = Receiver::start().await;
    let sender = Sender::to(&receiver);
    receiver.script(
        "/leads",
        [Reply::drop_connection().times(1), Reply::accept().then_drop().times(1), Reply::accept().then_hang().times(1), Reply::accept()],
    );
    let error = sender.send("a", "key-a").await.expect_err("a closed connection");
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(receiver.accepted("a"), 0);
    let error = sender.send("a", "key-a").await.expect_err("a closed connection");
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(receiver.accepted("a"), 1);
    let hanging = sender.send("b", "key-b");
    let patience = Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, hanging).await.is_err(), "no answer comes");
    receiver.wait_for_accepted(2, Duration::from_secs(5)).await;

    // Tried again, each is known under its key.
    assert_eq!(sender.record("a", "key-a").await, "record-1");
    assert_eq!(sender.record("b", "key-b").await, "record-2");
    assert_eq!(receiver.accepted_by_lead().into_values().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn a_lead_is_found_in_other_bodies() {
    let receiver = Receiver::start_reading("/lead/id").await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    let send = http.post(receiver.url("/x?y=z")).json(&json!({"lead": {"id": 17}})).send();
    send.await.expect("an answer");
    assert_eq!(receiver.accepted("17"), 1);
    assert_eq!(receiver.seen()[0].query.as_deref(), Some("y=z"));

    let receiver = Receiver::start().await;
    let send = http.post(receiver.url("/")).form(&[("lead_id", "form 1")]).send();
    send.await.expect("an answer");
    assert_eq!(receiver.accepted("form 1"), 1);
}

//! The samples on a cluster: one lead through the whole house.

use serde_json::{Value, json};

use super::asking::Post;
use super::house::{House, repository};
use super::objects::{api, text, until, until_condition};
use crate::support::postgres::Postgres;
use crate::support::receiver::Reply;
use crate::support::{Part, require};

const SAMPLE: Post<'_> = Post { source: "website-form", key: "sample-key-of-the-website-form", wait: 20 };

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_become_pods_that_take_the_sample_lead_to_its_end() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let mut house = House::empty("brokerage").await;
    apply_samples(&house).await;
    for kind in [
        "Service",
        "ServiceAccount",
        "rbac.authorization.k8s.io/v1/Role",
        "rbac.authorization.k8s.io/v1/RoleBinding",
        "policy/v1/PodDisruptionBudget",
    ] {
        for name in ["brokerage-ingest", "brokerage-router"] {
            until(&api(&house.client, &house.namespace, kind), name, kind, |found| found.is_some()).await;
        }
    }
    until_condition(&api(&house.client, &house.namespace, "Exchange"), "brokerage", "Ready", "False/Pending").await;
    house.start_pods(2, 2, &[]).await;
    for (kind, name) in [
        ("Exchange", "brokerage"),
        ("LeadSource", "website-form"),
        ("Agent", "sarah-lee"),
        ("Buyer", "acme-solar"),
        ("Endpoint", "crm"),
        ("RoutingPolicy", "residential"),
    ] {
        until_condition(&api(&house.client, &house.namespace, kind), name, "Ready", "True/Ready").await;
    }

    let answer = house.post(&SAMPLE, &sample_lead()).await;
    assert_eq!((answer.status, answer.code()), (200, "Delivered"), "{answer:?}");
    let [seen] = &house.receiver.seen_at("/api/v1/leads")[..] else { panic!("one request") };
    assert_eq!(seen.header("authorization"), Some("Bearer sample-token-of-the-crm"));
    let body = seen.json();
    for (field, value) in
        [("first_name", "Jane"), ("last_name", "Doe"), ("email", "Jane.Doe@example.com"), ("phone", "+15558675309"), ("zip", "90210")]
    {
        assert_eq!(text(&body, &format!("/{field}")), value, "{field}");
    }
    // Both agents are idle: 0.14 * 10 beats 0.11 * 10.
    assert_eq!(text(&body, "/assigned_agent_id"), "sarah-lee");
    assert_eq!(text(&body, "/external_id"), answer.lead());

    for router in &house.routers {
        let story = house.explanation(router, "latest").await;
        assert_eq!(text(&story, "/lead"), answer.lead());
        assert_eq!(text(&story, "/outcome/state"), "Delivered");
        assert_eq!(text(&story, "/deliveries/0/recipient"), "agent/sarah-lee");
        assert_eq!(text(&story, "/deliveries/0/recordId"), "record-1");
        assert_eq!(text(&story, "/decisions/0/candidates/0/recipient"), "agent/sarah-lee");
        let ranked = &story["decisions"][0]["tiers"][1]["ranked"];
        let scores = [0, 1].map(|place| format!("{:.3}", ranked[place]["value"].as_f64().unwrap_or_default()));
        assert_eq!(scores, ["1.400", "1.100"], "{story}");
    }
    let again = house.post(&SAMPLE, &sample_lead()).await;
    assert_eq!(again.code(), "Duplicate", "{again:?}");
}

fn sample_lead() -> Value {
    let text = include_str!("../../ingest/sample_lead.json");
    serde_json::from_str(text).expect("the sample is JSON")
}

/// Applies the samples as the README says, then what differs here: where the database and the far side are.
async fn apply_samples(house: &House<'_>) {
    let samples = repository().join("config/samples");
    let samples = samples.to_str().expect("a path of text");
    let output = house.cluster.kubectl(&["apply", "--namespace", &house.namespace, "--filename", samples]).await;
    assert!(output.status.success() && output.stderr.is_empty(), "not applied, or not without a warning: {output:?}");
    let database = Postgres::shared().await.database("samples").await;
    house.change("Secret", "leadflow-postgresql", json!({"stringData": {"url": database}})).await;
    house.change("Exchange", "brokerage", json!({"spec": {"delivery": {"allowAddresses": ["127.0.0.0/8"]}}})).await;
    house.change("Endpoint", "crm", json!({"spec": {"http": {"url": house.receiver.url("/api/v1/leads")}}})).await;
    // The sample works by day; the test at any time.
    house.change("Agent", "sarah-lee", json!({"spec": {"hours": {"weekly": "24/7"}, "timeOff": []}})).await;
    house.change("Endpoint", "acme-post", json!({"spec": {"http": {"url": house.receiver.url("/post")}}})).await;
    house.receiver.script("/post", [Reply::accept().json(&json!({"result": "accepted", "lead_id": "acme-1"}))]);
}

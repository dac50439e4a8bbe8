//! Personal data is nowhere but in the store, sealed, and at the far side.

use std::time::Duration;

use serde_json::json;

use super::house::{FORM, FORM_WAITING, House, shared_operator};
use super::objects::{api, circuit, until};
use crate::support::receiver::Reply;
use crate::support::{Part, require};

/// What must be seen nowhere, in any case; the phone with and without its country.
const CANARIES: [&str; 4] = ["zebulon", "quetzalcanary", "canary-inbox", "5558675309"];

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_in_no_log_metric_event_status_or_object() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    // More is logged than ever in production.
    let house = House::with(&[("LEADFLOW_LOG", "debug,leadflow=trace")]).await;
    let canary = |number: usize| json!({"contact": {"first_name": "Zebulon", "last_name": "Quetzalcanary", "email": format!("canary-inbox-{number}@example.com"), "phone": "+1 555 867 5309"}});
    // Taken; posted again; refused; with a bad field; by a wrong key; not JSON.
    assert_eq!(house.post(&FORM_WAITING, &canary(0)).await.code(), "Delivered");
    house.receiver.script("/first", [Reply::status(422).json(&json!({"error": "Zebulon Quetzalcanary is known"}))]);
    assert_eq!(house.post(&FORM_WAITING, &canary(1)).await.code(), "Delivered");
    let mut bad = canary(2);
    bad["contact"]["email"] = json!("canary-inbox at example.com");
    assert_eq!(house.post(&FORM, &bad).await.status, 400);
    assert_eq!(house.post(&super::asking::Post { key: "canary-inbox", ..FORM }, &canary(3)).await.status, 401);
    let url = house.ingest[0].url("http", "/v1/sources/form/leads");
    let broken = house.http.post(&url).header("x-api-key", "form-key").header("content-type", "application/json");
    let broken = broken.body(r#"{"contact": {"first_name": "Zebulon Quetzalcanary" "#).send().await.unwrap();
    assert_eq!(broken.status(), 400);
    let question = house.http.post(format!("{url}?email=canary-inbox@example.com")).header("x-api-key", "form-key").json(&canary(4));
    assert_eq!(question.send().await.unwrap().status(), 202);
    // An endpoint that fails, with their words in its answer: attempts, a trip, an Event, a status.
    house.receiver.script("/first", [Reply::status(500).text("Zebulon Quetzalcanary canary-inbox 5558675309")]);
    let endpoints = api(&house.client, &house.namespace, "Endpoint");
    let tripped = until(&endpoints, "first", "status says Tripped", |object| circuit(object) == "Tripped");
    let mut tripped = std::pin::pin!(tripped);
    let mut number = 10;
    loop {
        assert_eq!(house.post(&FORM_WAITING, &canary(number)).await.code(), "Delivered");
        number += 1;
        tokio::select! {
            _ = &mut tripped => break,
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    // Nobody takes one.
    for agent in ["anna", "ben"] {
        house.change("Agent", agent, json!({"spec": {"when": "lead.contact.first_name == 'nobody'"}})).await;
        house.until_programmed("Agent", agent).await;
    }
    assert_eq!(house.post(&FORM_WAITING, &canary(99)).await.code(), "NobodyMatches");

    let mut places: Vec<(String, String)> = Vec::new();
    for pod in house.pods().chain([shared_operator(house.cluster).await]) {
        places.push((format!("the log of {}", pod.name), pod.log()));
        let metrics = house.http.get(pod.url("admin", "/metrics")).send().await.unwrap().text().await.unwrap();
        places.push((format!("the metrics of {}", pod.name), metrics));
    }
    let kinds = "all,leadflow,events,events.events.k8s.io,leases,configmaps,roles,rolebindings,serviceaccounts,poddisruptionbudgets";
    let objects = house.cluster.kubectl(&["get", kinds, "--namespace", &house.namespace, "--output", "yaml"]).await;
    let objects = String::from_utf8(objects.stdout).unwrap();
    assert!(objects.contains("CircuitTripped") && objects.contains("kind: Lease"), "the objects were read");
    places.push(("the objects of the namespace".to_owned(), objects));
    assert!(places.iter().any(|(place, text)| place.starts_with("the log of house-router") && text.contains("circuit changed")));
    let leaks: Vec<_> = places.iter().flat_map(|(place, text)| leaks(place, text)).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks[..leaks.len().min(10)].join("\n"));
    // What the far side was sent shows that the canaries are spelt as they travel.
    let sent = String::from_utf8_lossy(&house.receiver.seen_at("/first")[0].body).to_lowercase();
    assert!(sent.contains("zebulon") && sent.contains("canary-inbox") && sent.contains("5558675309"), "{sent}");
}

fn leaks(place: &str, text: &str) -> Vec<String> {
    let leaking = text.lines().filter(|line| CANARIES.iter().any(|canary| line.to_lowercase().contains(canary)));
    leaking.map(|line| format!("{place}: {line}")).collect()
}

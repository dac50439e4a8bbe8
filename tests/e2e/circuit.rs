//! Story 5: an endpoint breaks, everybody is told once, leads go elsewhere, and it heals by itself.

use serde_json::{Value, json};

use crate::site::house::House;
use crate::site::{Site, objects, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_endpoint_shows_everywhere_its_leads_move_and_it_heals_by_itself() {
    let house = House::raise(Site::shared().await, "circuit").await;
    house.apply(&objects::crm("spare-crm", &house.site.image)).await;
    house.kubectl(&["rollout", "status", "deployment/spare-crm", "--timeout=60s"]).await;
    // Long enough for all that is looked at while it is left alone.
    let mut endpoint = objects::endpoint("crm", "crm");
    endpoint["spec"]["breaker"]["openSeconds"] = json!(20);
    house
        .apply(&[endpoint, objects::endpoint("spare", "spare-crm"), objects::agent("ben", "spare"), objects::policy(&["anna", "ben"])])
        .await;
    house.ready().await;
    house.post_to("crm").await;

    house.crm_answers("crm", 503).await;
    until("the circuit is tripped", async || {
        house.post_to("spare-crm").await;
        let shown = house.kubectl(&["get", "lep", "crm"]).await;
        shown.contains("Tripped").then_some(())
    })
    .await;
    let mut tripped = 0;
    for pod in house.pods("router").await {
        let metrics = house.metrics(&pod.name, 9090).await;
        let line = metrics.lines().find(|line| line.starts_with("leadflow_circuit_trips_total") && line.contains("endpoint=\"crm\""));
        tripped += usize::from(line.is_some());
    }
    assert!(tripped >= 1, "a router counts the trip");
    until("the tripped endpoint is left alone, also by the router that hears of it", async || {
        let before = house.crm("crm").await["posts"].clone();
        for _ in 0..5 {
            house.post_to("spare-crm").await;
        }
        (house.crm("crm").await["posts"] == before).then_some(())
    })
    .await;
    assert!(house.kubectl(&["get", "lep", "crm"]).await.contains("Tripped"), "it is not probed yet");
    let events = until("the Event", async || Some(events(&house, "CircuitTripped").await).filter(|events| !events.is_empty())).await;
    assert_eq!(events.len(), 1, "told once: {events:?}");

    house.crm_answers("crm", 201).await;
    until("it is back by itself", async || {
        house.post().await;
        house.kubectl(&["get", "lep", "crm"]).await.contains("Serving").then_some(())
    })
    .await;
    house.post_to("crm").await;
    house.raze().await;
}

async fn events(house: &House, reason: &str) -> Vec<Value> {
    let selector = format!("reason={reason}");
    let text = house.kubectl(&["get", "events", "--field-selector", &selector, "-o", "json"]).await;
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().cloned().unwrap_or_default()
}

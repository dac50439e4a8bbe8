//! Story 3: what changes is live on every router, and nothing restarts.

use std::time::Instant;

use serde_json::{Value, json};

use crate::site::house::House;
use crate::site::{Site, objects, until};

/// Applies objects and waits until status says that all pods run them; prints how long that took.
async fn change(house: &House, what: &str, kind: &str, objects: &[Value]) {
    let name = objects[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    house.apply(objects).await;
    house.says(kind, &name, "Programmed", "True").await;
    println!("{what}: Programmed {} ms after the apply began (by kubectl, looked at every 100 ms)", begun.elapsed().as_millis());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_live_on_all_routers_and_nothing_restarts() {
    let house = House::raise(Site::shared().await, "live").await;
    house.apply(&objects::crm("other-crm", &house.site.image)).await;
    house.kubectl(&["rollout", "status", "deployment/other-crm", "--timeout=60s"]).await;
    house.post_to("crm").await;
    let before = house.lives().await;

    change(&house, "a new endpoint", "leadendpoints", &[objects::endpoint("other", "other-crm")]).await;
    change(&house, "an agent's endpoint", "agents", &[objects::agent("anna", "other")]).await;
    house.post_to("other-crm").await;
    change(&house, "a new agent", "agents", &[objects::agent("ben", "crm")]).await;
    change(&house, "a policy", "routingpolicies", &[objects::policy(&["ben", "anna"])]).await;
    house.post_to("crm").await;
    let contract = json!({"name": "all", "price": {"amount": "9.00"}, "deliverTo": "other"});
    change(&house, "a buyer", "buyers", &[objects::rule("Buyer", "acme", json!({"contracts": [contract]}))]).await;
    let tier = json!({"name": "sold", "to": {"buyers": {"names": ["acme"]}}, "method": {"type": "Priority"}});
    change(&house, "a policy of buyers", "routingpolicies", &[objects::rule("RoutingPolicy", "all", json!({"tiers": [tier]}))]).await;
    house.post_to("other-crm").await;
    let mut endpoint = objects::endpoint("other", "crm");
    endpoint["spec"]["timeoutSeconds"] = json!(4);
    change(&house, "an endpoint's address", "leadendpoints", &[endpoint]).await;
    house.post_to("crm").await;
    let source = json!({"auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}, "require": ["contact.last_name"]});
    change(&house, "a source", "leadsources", &[objects::rule("LeadSource", "strict", source)]).await;
    let (status, answer) = house.post_with("form-key", "strict").await;
    assert_eq!((status, answer["fieldErrors"][0]["field"].as_str()), (400, Some("contact.last_name")), "{answer}");

    assert_eq!(house.lives().await, before, "no pod is another, and none restarted");
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_works_and_the_old_one_stops_with_no_human() {
    let house = House::sized(Site::shared().await, "rotation", 2, 1).await;
    let before = house.lives().await;
    assert!(house.post_with("form-key", "form").await.0 < 300);
    house.apply(&[objects::secret("form-keys", json!({"current": "form-key", "next": "new-key"}))]).await;
    // Every ingest pod: several posts in a row.
    until("the new key works everywhere", async || all_answer(&house, "new-key", 202).await).await;
    house.kubectl(&["patch", "secret", "form-keys", "--type=json", "-p", r#"[{"op": "remove", "path": "/data/current"}]"#]).await;
    until("the old key is refused everywhere", async || all_answer(&house, "form-key", 401).await).await;
    assert!(house.post_with("new-key", "form").await.0 < 300);
    assert_eq!(house.lives().await, before);
    house.raze().await;
}

async fn all_answer(house: &House, key: &str, wanted: u16) -> Option<()> {
    for _ in 0..6 {
        if house.post_with(key, "form").await.0 != wanted {
            return None;
        }
    }
    Some(())
}

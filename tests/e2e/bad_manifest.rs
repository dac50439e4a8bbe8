//! Story 4: a bad manifest is refused with the field named, or told in status while the last good rules run.

use serde_json::json;

use crate::site::commands::try_kubectl;
use crate::site::house::House;
use crate::site::{Site, condition, objects, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_breaks_the_schema_is_refused_with_its_field_named() {
    let house = House::empty(Site::shared().await, "refused").await;
    let cases = [
        (objects::rule("Endpoint", "crm", json!({"http": {"url": "ftp://crm.example.com"}})), "url"),
        (
            objects::rule("RoutingPolicy", "all", json!({"tiers": [{"name": "a", "to": {"agents": {}}, "method": {"type": "Skore"}}]})),
            "type",
        ),
        (objects::rule("Agent", "anna", json!({"deliverTo": "crm", "capasity": {"openLeads": 3}})), "capasity"),
        (objects::rule("Exchange", "house", json!({"store": {}, "encryption": {"keysFrom": {"secretRef": {"name": "k"}}}})), "embedded"),
    ];
    for (object, field) in cases {
        let arguments = ["--namespace", &house.namespace, "apply", "--server-side", "-f", "-"];
        let output = try_kubectl(&arguments, &object.to_string()).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(field), "{field}: {error}");
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_can_not_be_compiled_is_told_and_its_last_good_version_still_runs() {
    let house = House::raise(Site::shared().await, "bad").await;
    house.post_to("crm").await;
    let mut broken = objects::policy(&["anna"]);
    broken["spec"]["takes"] = json!({"when": "lead.no.such.field == 1"});
    house.apply(&[broken]).await;
    let policy = house.says("routingpolicies", "all", "Accepted", "False").await;
    let (_, reason, message) = condition(&policy, "Accepted").unwrap();
    assert!(reason == "Invalid" && message.contains("takes.when"), "{reason}: {message}");
    house.post_to("crm").await;
    // A pod that was not there when the rule was good runs it as well.
    house.kubectl(&["rollout", "restart", "deployment/house-router", "deployment/house-ingest"]).await;
    for deployment in ["deployment/house-ingest", "deployment/house-router"] {
        house.kubectl(&["rollout", "status", deployment, "--timeout=120s"]).await;
    }
    house.post_to("crm").await;
    // What else changes is live all the same.
    house.apply(&objects::crm("other-crm", &house.site.image)).await;
    house.apply(&[objects::endpoint("other", "other-crm"), objects::agent("anna", "other")]).await;
    house.says("agents", "anna", "Programmed", "True").await;
    until("the other CRM answers", async || (house.crm("other-crm").await["leads"] == 0).then_some(())).await;
    house.post_to("other-crm").await;
    house.apply(&[objects::policy(&["anna"])]).await;
    house.ready().await;
    house.raze().await;
}

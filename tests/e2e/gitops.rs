//! Story 12: what pipelines see.

use std::time::Duration;

use serde_json::Value;

use crate::site::commands::try_kubectl;
use crate::site::house::House;
use crate::site::{Site, condition, objects, until};

/// What kstatus makes of an object: the rules that Flux, Helm 4 and kpt go by.
fn kstatus(object: &Value) -> &'static str {
    if object["metadata"]["generation"] != object["status"]["observedGeneration"] {
        return "InProgress";
    }
    let is = |type_: &str| condition(object, type_).map(|(status, ..)| status);
    match (is("Reconciling").as_deref(), is("Stalled").as_deref(), is("Ready").as_deref()) {
        (Some("True"), ..) => "InProgress",
        (_, Some("True"), _) => "Failed",
        (.., Some("True") | None) => "Current",
        _ => "InProgress",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_twice_shows_no_difference() {
    let house = House::sized(Site::shared().await, "twice", 1, 1).await;
    let rules: Vec<_> = objects::rules(1, 1).into_iter().filter(|object| object["kind"] != "Secret").collect();
    for text in [objects::text(&rules), std::fs::read_to_string("config/samples/policies.yaml").unwrap()] {
        let arguments = |verb| ["--namespace", "twice", verb, "--server-side", "--force-conflicts", "-f", "-"];
        let applied = try_kubectl(&arguments("apply"), &text).await;
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        until("the status of everything is settled", async || {
            let rules = house.rules().await;
            (!rules.is_empty() && rules.iter().all(|object| kstatus(object) != "InProgress")).then_some(())
        })
        .await;
        let diff = try_kubectl(&arguments("diff"), &text).await;
        assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_applying_converges_and_reads_right_at_every_step() {
    let house = House::empty(Site::shared().await, "order").await;
    let mut rules = objects::rules(1, 1);
    rules.reverse();
    for object in &rules {
        house.apply(std::slice::from_ref(object)).await;
        // Before all is there nothing may read as done that isn't, nor as failed.
        tokio::time::sleep(Duration::from_millis(300)).await;
        if object["kind"] != "Secret" {
            let plural = match object["kind"].as_str().unwrap() {
                "Exchange" => "exchanges",
                "LeadSource" => "leadsources",
                "Agent" => "agents",
                "Endpoint" => "leadendpoints",
                _ => "routingpolicies",
            };
            let seen = house.get(plural, object["metadata"]["name"].as_str().unwrap()).await;
            assert_ne!(kstatus(&seen), "Current", "{plural}: can't be done yet: {}", seen["status"]);
        }
    }
    house.apply(&objects::postgres(&house.site.postgres_image)).await;
    house.apply(&objects::crm("crm", &house.site.image)).await;
    house.ready().await;
    for (kind, name) in
        [("exchanges", "house"), ("agents", "anna"), ("leadendpoints", "crm"), ("leadsources", "form"), ("routingpolicies", "all")]
    {
        assert_eq!(kstatus(&house.get(kind, name).await), "Current", "{kind}");
    }
    house.post_to("crm").await;
    house.raze().await;
}

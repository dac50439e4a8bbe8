//! A manifest that is broken while all runs.

use serde_json::json;

use super::asking::lead;
use super::house::{FORM_WAITING, House};
use super::objects::{api, until_condition};
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_manifest_leaves_the_last_good_rules_running_also_in_a_pod_that_starts_then() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let mut house = House::small().await;
    let good = house.digest(&house.routers[0]).await;
    house.change("RoutingPolicy", "all", json!({"spec": {"takes": {"when": "lead.nothing.of +"}}})).await;
    let policies = api(&house.client, &house.namespace, "RoutingPolicy");
    until_condition(&policies, "all", "Accepted", "False/Invalid").await;
    assert_eq!(house.post(&FORM_WAITING, &lead(1)).await.code(), "Delivered");

    house.routers[0].kill();
    house.routers[0].start();
    house.routers[0].ready().await;
    for router in &house.routers {
        assert_eq!(house.digest(router).await, good, "{} runs the last good rules", router.name);
    }
    // Another broken one does not hide that all pods run what the operator means.
    house.change("Agent", "anna", json!({"spec": {"priority": 7}})).await;
    house.until_programmed("Agent", "anna").await;
    assert_eq!(house.post(&FORM_WAITING, &lead(2)).await.code(), "Delivered");

    house.change("RoutingPolicy", "all", json!({"spec": {"takes": null}})).await;
    house.until_programmed("RoutingPolicy", "all").await;
    assert_eq!(house.post(&FORM_WAITING, &lead(3)).await.code(), "Delivered");
}

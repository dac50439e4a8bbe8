//! Caps that two routers share.

use futures::StreamExt;
use serde_json::json;

use super::asking::lead;
use super::house::{FORM_WAITING, House};
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_share_a_cap_of_100_exactly_under_1000_leads_at_once() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let before = house.digest(&house.routers[0]).await;
    house.change("Agent", "anna", json!({"spec": {"caps": [{"per": "Day", "leads": 100}]}})).await;
    house
        .change(
            "RoutingPolicy",
            "all",
            json!({"spec": {"tiers": [{"name": "first", "to": {"agents": {"names": ["anna"]}}, "method": {"type": "Priority"}}]}}),
        )
        .await;
    house.until_rules_differ(&before).await;
    house.until_programmed("Agent", "anna").await;
    house.until_programmed("RoutingPolicy", "all").await;

    let house = &house;
    let posts = futures::stream::iter(0..1000).map(|number| async move { house.post(&FORM_WAITING, &lead(number)).await });
    let answers: Vec<_> = posts.buffer_unordered(128).collect().await;

    let delivered = answers.iter().filter(|answer| answer.code() == "Delivered").count();
    let capped = answers.iter().filter(|answer| answer.code() == "CapsReached").count();
    assert_eq!(
        (delivered, capped),
        (100, 900),
        "{:?}",
        answers.iter().find(|answer| !["Delivered", "CapsReached"].contains(&answer.code()))
    );
    assert_eq!(house.receiver.accepted_total(), 100);
    for router in &house.routers {
        let metrics = house.metrics(router).await;
        let decided: f64 =
            metrics.iter().filter(|(name, _)| name.starts_with("leadflow_decision_seconds_count")).map(|(_, count)| count).sum();
        assert!(decided > 0.0, "{} took part", router.name);
    }
}

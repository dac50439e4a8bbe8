//! Story 2: new pods under load.

use crate::site::commands::helm;
use crate::site::house::House;
use crate::site::load::Load;
use crate::site::{RELEASE, SYSTEM, Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_and_loses_no_lead() {
    let house = House::raise(Site::shared().await, "rolling").await;
    let load = Load::start(&house, "load", 2_000, 100).await;
    house.kubectl(&["rollout", "restart", "deployment/house-ingest", "deployment/house-router"]).await;
    for deployment in ["deployment/house-ingest", "deployment/house-router"] {
        house.kubectl(&["rollout", "status", deployment, "--timeout=120s"]).await;
    }
    let posted = load.end().await;
    println!("rolling restart under load\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (2_000, 0), "{}", posted.text);
    house.delivers(2_000).await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_to_a_new_image_under_load_fails_no_request_and_loses_no_lead() {
    let house = House::raise(Site::alone().await, "upgrade").await;
    let before = house.lives().await;
    let load = Load::start(&house, "load", 3_000, 100).await;
    let (repository, tag) = house.site.next_image.rsplit_once(':').expect("an image with a tag");
    let values = [format!("image.repository={repository}"), format!("image.tag={tag}")];
    house.site.install(&["--set", &values[0], "--set", &values[1]]).await;
    until("every pod runs the new image", async || {
        let images = house
            .kubectl(&["get", "pods", "-l", "app.kubernetes.io/instance=house", "-o", "jsonpath={.items[*].spec.containers[0].image}"])
            .await;
        images.split_whitespace().all(|image| image == house.site.next_image).then_some(())
    })
    .await;
    house.ready().await;
    let posted = load.end().await;
    println!("upgrade under load\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (3_000, 0), "{}", posted.text);
    house.delivers(3_000).await;
    let after = house.lives().await;
    assert!(before.keys().all(|pod| !after.contains_key(pod)), "every pod is new: {before:?} {after:?}");
    helm(&["rollback", RELEASE, "--namespace", SYSTEM, "--wait", "--timeout", "120s"]).await;
    house.ready().await;
    house.raze().await;
}

//! Story 7: a pod is killed for its memory, a node is drained, a router is cut off. Nothing acknowledged is lost.

use crate::site::commands::{kubectl, own_cluster, switch};
use crate::site::house::House;
use crate::site::load::Load;
use crate::site::{Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_are_killed_for_their_memory_lose_no_lead() {
    if !own_cluster() {
        return;
    }
    let house = House::raise(Site::shared().await, "memory").await;
    let load = Load::start(&house, "load", 1_500, 50).await;
    for role in ["router", "ingest"] {
        let pod = house.pods(role).await.remove(0);
        switch(&["out-of-memory", &pod.uid]).await;
        until(&format!("{role}: its container was killed and runs again"), async || {
            let now = house.pods(role).await.into_iter().find(|now| now.uid == pod.uid)?;
            (now.restarts > pod.restarts && now.ready).then_some(())
        })
        .await;
        let reason =
            house.kubectl(&["get", "pod", &pod.name, "-o", "jsonpath={.status.containerStatuses[0].lastState.terminated.reason}"]).await;
        assert_eq!(reason, "OOMKilled");
    }
    let posted = load.end().await;
    println!("two pods killed for memory\n{}", posted.text);
    // Requests that were under way in the killed ingest pod may have had no answer: those may be delivered or not, the acknowledged must be.
    until("every acknowledged lead is delivered", async || (house.delivered().await >= posted.acknowledged).then_some(())).await;
    assert!(house.delivered().await <= 1_500);
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_fails_no_request_and_loses_no_lead() {
    if !own_cluster() {
        return;
    }
    let house = House::raise(Site::alone().await, "drain").await;
    let database = house.kubectl(&["get", "pods", "-l", "app in (postgresql, crm)", "-o", "jsonpath={.items[*].spec.nodeName}"]).await;
    let load = Load::start(&house, "load", 2_000, 50).await;
    let loader = house.kubectl(&["get", "pods", "-l", "app=load", "-o", "jsonpath={.items[*].spec.nodeName}"]).await;
    // One that holds neither database nor CRM nor the load, or else all of ours but these: what is drained are pods of the house.
    let router = house.pods("router").await.remove(0);
    let node = house
        .pods("ingest")
        .await
        .into_iter()
        .map(|pod| pod.node)
        .find(|node| !database.contains(node.as_str()) && !loader.contains(node.as_str()));
    let node = node.unwrap_or(router.node);
    let selector = "app.kubernetes.io/part-of=leadflow";
    let arguments = ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector", selector, "--timeout=120s"];
    kubectl(&arguments).await;
    until("all pods of the house are elsewhere", async || {
        let pods = [house.pods("ingest").await, house.pods("router").await].concat();
        (pods.len() == 4 && pods.iter().all(|pod| pod.ready && pod.node != node)).then_some(())
    })
    .await;
    kubectl(&["uncordon", &node]).await;
    let posted = load.end().await;
    println!("a node drained\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (2_000, 0), "{}", posted.text);
    house.delivers(2_000).await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_cut_off_loses_no_lead_and_its_leads_go_elsewhere() {
    if !own_cluster() {
        return;
    }
    let house = House::raise(Site::shared().await, "cutoff").await;
    let load = Load::start(&house, "load", 2_000, 50).await;
    let router = house.pods("router").await.remove(0);
    switch(&["partition-pod", &router.uid]).await;
    until("the kubelet does not reach the router", async || {
        let cut = house.pods("router").await.into_iter().any(|pod| pod.uid == router.uid && !pod.ready);
        cut.then_some(())
    })
    .await;
    let posted = load.end().await;
    house.delivers(posted.acknowledged).await;
    switch(&["heal-pod", &router.uid]).await;
    println!("a router cut off\n{}", posted.text);
    assert_eq!((posted.acknowledged, posted.failed), (2_000, 0), "{}", posted.text);
    house.ready().await;
    house.raze().await;
}

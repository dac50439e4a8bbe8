//! An object that is broken runs as it was, and says so.

use kube::api::DeleteParams;
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::house::*;
use super::support::cluster::Cluster;
use super::support::{Part, require};

fn revisions(client: &Client, namespace: &str) -> Api<DynamicObject> {
    api(client, namespace, "apps", "v1", "ControllerRevision", "controllerrevisions")
}

fn broken(name: &str) -> Value {
    let mut policy = policy(name);
    policy["spec"]["takes"] = json!({"when": "lead.nothing.of +"});
    policy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_policy_keeps_its_good_version_and_says_which() {
    if !require(&[Part::ApiServer, Part::ControllerManager]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("broken").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply(client, &namespace, &everything()).await;
    let good = until_condition(client, &namespace, "RoutingPolicy", "all", "Accepted", "True/Accepted").await;
    let record = format!("leadflow-{}-1", good.metadata.uid.as_ref().unwrap());

    apply(client, &namespace, &[broken("all")]).await;
    let bad = until_condition(client, &namespace, "RoutingPolicy", "all", "Accepted", "False/Invalid").await;
    assert!(message(Some(&bad), "Accepted").starts_with("Fall Back: generation 1 keeps running; spec.takes.when"), "{bad:?}");
    assert_eq!(message(Some(&bad), "Programmed"), "not accepted, so generation 1 runs in its place");
    assert_eq!(condition(Some(&bad), "Stalled"), "True/Invalid");
    assert_eq!(bad.data["status"]["observedGeneration"], 2);
    let kept = until(&revisions(client, &namespace), &record, "it is recorded", |object| object.is_some()).await.unwrap();
    assert_eq!(kept.data["data"]["spec"]["tiers"][0]["name"], "all");
    assert_eq!(operator.metrics.rules_rejected.get(), 1);

    // Who starts now knows as much.
    operator.end().await;
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply(client, &namespace, &[agent("tom", "crm")]).await;
    until_condition(client, &namespace, "Agent", "tom", "Accepted", "True/Accepted").await;
    let still = ours(client, &namespace, "RoutingPolicy").get("all").await.unwrap();
    assert!(message(Some(&still), "Accepted").starts_with("Fall Back: generation 1 "), "{still:?}");

    apply(client, &namespace, &[policy("all")]).await;
    until_condition(client, &namespace, "RoutingPolicy", "all", "Accepted", "True/Accepted").await;
    until(&revisions(client, &namespace), &record, "the record goes", |object| object.is_none()).await;

    // With the object goes its record.
    apply(client, &namespace, &[broken("all")]).await;
    let record = format!("{}-3", record.rsplit_once('-').unwrap().0);
    until(&revisions(client, &namespace), &record, "it is recorded again", |object| object.is_some()).await;
    ours(client, &namespace, "RoutingPolicy").delete("all", &DeleteParams::default()).await.unwrap();
    until(&revisions(client, &namespace), &record, "it is collected", |object| object.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_exchange_changes_nothing_of_what_runs() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("broken-house").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &everything()).await;
    until_condition(client, &namespace, "Exchange", "house", "Accepted", "True/Accepted").await;
    let mut bad = exchange("house");
    bad["spec"]["timeZone"] = json!("Nowhere/Land");
    apply(client, &namespace, &[bad]).await;
    let house = until_condition(client, &namespace, "Exchange", "house", "Accepted", "False/Invalid").await;
    assert!(message(Some(&house), "Accepted").starts_with("Fall Back: generation 1 keeps running; spec.timeZone"), "{house:?}");
    let sarah = ours(client, &namespace, "Agent").get("sarah").await.unwrap();
    assert_eq!(condition(Some(&sarah), "Accepted"), "True/Accepted");
    // What is built follows the other rules as ever.
    apply(client, &namespace, &[endpoint("other-crm")]).await;
    let roles = api(client, &namespace, "rbac.authorization.k8s.io", "v1", "Role", "roles");
    let names = |object: Option<&DynamicObject>| object.is_some_and(|object| object.data["rules"].to_string().contains("other-crm"));
    until(&roles, "house-router", "the router may read the new Secret", names).await;
}

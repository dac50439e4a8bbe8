//! Two operators: one leads, the other takes over.

use kube::Client;
use kube::api::{DeleteParams, ListParams};
use kube::core::DynamicObject;
use serde_json::json;

use super::house::*;
use super::operator::child;
use super::support::cluster::Cluster;
use super::support::{Part, require};

fn leases(client: &Client, namespace: &str) -> kube::Api<DynamicObject> {
    api(client, namespace, "coordination.k8s.io", "v1", "Lease", "leases")
}

/// Waits until an operator of this name holds the Lease; gives the Lease.
async fn until_led_by(client: &Client, namespace: &str, pod: &str) -> DynamicObject {
    let led = |object: Option<&DynamicObject>| {
        object.is_some_and(|lease| lease.data["spec"]["holderIdentity"].as_str().unwrap_or_default().starts_with(&format!("{pod}_")))
    };
    until(&leases(client, namespace), "leadflow-operator", &format!("{pod} leads"), led).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_one_writes_and_the_other_takes_over_when_it_dies() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("election").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let first = Running::start_as("first", cluster.client_for_token(&token).await, &namespace).await;
    let lease = until_led_by(client, &namespace, "first").await;
    assert_eq!(lease.data["spec"]["leaseDurationSeconds"], 15);
    // It is ready although it does not lead.
    let second = Running::start_as("second", cluster.client_for_token(&token).await, &namespace).await;
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &everything()).await;
    until_condition(client, &namespace, "Agent", "sarah", "ResolvedRefs", "True/ResolvedRefs").await;
    until(&child(client, &namespace, "Deployment"), "house-router", "a router", |object| object.is_some()).await;
    assert!(first.leads() && first.writes() > 0);
    assert_eq!((second.leads(), second.writes()), (false, 0), "who does not lead writes nothing");

    first.kill();
    until_led_by(client, &namespace, "second").await;
    apply(client, &namespace, &[agent("tom", "crm")]).await;
    until_condition(client, &namespace, "Agent", "tom", "Accepted", "True/Accepted").await;
    child(client, &namespace, "Service").delete("house-ingest", &DeleteParams::default()).await.unwrap();
    until(&child(client, &namespace, "Service"), "house-ingest", "it is made again", |object| object.is_some()).await;

    // In good order the lead is given away before the process ends.
    let third = Running::start_as("third", cluster.client_for_token(&token).await, &namespace).await;
    second.end().await;
    let lease = until_led_by(client, &namespace, "third").await;
    assert_eq!(lease.data["spec"]["leaseTransitions"], 2, "from the first to the second to the third");
    apply(client, &namespace, &[agent("ann", "crm")]).await;
    until_condition(client, &namespace, "Agent", "ann", "Accepted", "True/Accepted").await;
    assert!(third.leads());
    let listed = leases(client, &namespace).list(&ListParams::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1, "one Lease for all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_the_lease_was_taken_from_stops_writing() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("taken").await);
    let client = &client;
    let operator = Running::start_as("first", client.clone(), &namespace).await;
    until_led_by(client, &namespace, "first").await;
    let stolen = json!({"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 3600}});
    let leases = leases(client, &namespace);
    leases.patch("leadflow-operator", &Default::default(), &kube::api::Patch::Merge(&stolen)).await.unwrap();
    tokio::time::timeout(PATIENCE, async {
        while operator.leads() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it learns of it");
    let before = operator.writes();
    apply(client, &namespace, &everything()).await;
    // Long enough for it to have judged, and to have looked at all statuses again.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(operator.writes(), before);
    let sarah = ours(client, &namespace, "Agent").get("sarah").await.unwrap();
    assert!(sarah.data.get("status").is_none(), "{}", sarah.data);
    leases.delete("leadflow-operator", &DeleteParams::default()).await.unwrap();
    until_condition(client, &namespace, "Agent", "sarah", "Accepted", "True/Accepted").await;
}

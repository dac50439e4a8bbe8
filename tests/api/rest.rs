//! An operator that has nothing to do does nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube::api::ListParams;
use kube::{Client, ResourceExt};
use leadflow::table::references::Role;

use super::house::*;
use super::operator::{CHILDREN, child, digest, make_ready, pod};
use super::support::cluster::{Cluster, Options};
use super::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::start(Options { audit: true, ..Options::default() }).await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("rest").await);
    let client = &client;
    let token = operator_token(&cluster, &namespace).await;
    let operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &everything()).await;
    let rules = digest(client, &namespace).await;
    let _router = pod(client, &namespace, "house-router-1", Role::Router, &rules);
    let _ingest = pod(client, &namespace, "house-ingest-1", Role::Ingest, &rules);
    for deployment in ["house-ingest", "house-router"] {
        until(&child(client, &namespace, "Deployment"), deployment, "is built", |object| object.is_some()).await;
        make_ready(client, &namespace, deployment).await;
    }
    until_condition(client, &namespace, "Exchange", "house", "Ready", "True/Ready").await;
    until_condition(client, &namespace, "RoutingPolicy", "all", "Ready", "True/Ready").await;
    let before = settled(&cluster, client, &namespace).await;
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!((writes(&cluster), versions(client, &namespace).await), before);

    // A new operator finds everything as it should be.
    operator.end().await;
    let _again = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((writes(&cluster), versions(client, &namespace).await), before);
}

/// What is written once nothing has been for three seconds.
async fn settled(cluster: &Cluster, client: &Client, namespace: &str) -> (BTreeMap<String, usize>, BTreeMap<String, String>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let before = (writes(cluster), versions(client, namespace).await);
        tokio::time::sleep(Duration::from_secs(3)).await;
        if (writes(cluster), versions(client, namespace).await) == before {
            return before;
        }
        assert!(Instant::now() < deadline, "the operator goes on writing: {before:?}");
    }
}

/// How often the operator wrote, by verb and resource; its own Lease, which it renews, aside.
fn writes(cluster: &Cluster) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in cluster.audit_log().lines() {
        let Ok(entry) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let verb = entry["verb"].as_str().unwrap_or_default();
        let by_operator = entry["user"]["username"] == "system:serviceaccount:leadflow-system:leadflow-operator";
        let resource = entry["objectRef"]["resource"].as_str().unwrap_or_default();
        if by_operator && !matches!(verb, "get" | "list" | "watch") && resource != "leases" {
            *counts.entry(format!("{verb} {resource}")).or_default() += 1;
        }
    }
    assert!(!counts.is_empty(), "the audit log tells of the operator");
    counts
}

async fn versions(client: &Client, namespace: &str) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    // The namespace has objects of Kubernetes' own, too.
    let built = ListParams::default().labels("app.kubernetes.io/part-of=leadflow");
    for (_, _, kind, _) in CHILDREN {
        for object in child(client, namespace, kind).list(&built).await.unwrap() {
            versions.insert(format!("{kind} {}", object.name_any()), object.resource_version().unwrap());
        }
    }
    for (kind, _) in KINDS {
        for object in ours(client, namespace, kind).list(&ListParams::default()).await.unwrap() {
            versions.insert(format!("{kind} {}", object.name_any()), object.resource_version().unwrap());
        }
    }
    versions
}

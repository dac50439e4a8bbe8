//! The operator at work on a real API server.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use leadflow::cluster::lease::{self, Holder};
use leadflow::flow::ports::SystemClock;
use leadflow::table::duty::Duty;
use leadflow::table::references::Role;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::house::*;
use super::support::cluster::{Cluster, Options};
use super::support::{Part, require};

pub const CHILDREN: [(&str, &str, &str, &str); 6] = [
    ("apps", "v1", "Deployment", "deployments"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
];

pub fn child(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version, kind, plural) = CHILDREN.into_iter().find(|(_, _, k, _)| *k == kind).unwrap();
    api(client, namespace, group, version, kind, plural)
}

/// Says that pods of a deployment are ready, which a node would.
pub async fn make_ready(client: &Client, namespace: &str, deployment: &str) {
    let status =
        json!({"status": {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "updatedReplicas": 2, "observedGeneration": 1}});
    let deployments = child(client, namespace, "Deployment");
    deployments.patch_status(deployment, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
}

/// A pod's Lease, kept with the digest that is sent.
pub fn pod(
    client: &Client,
    namespace: &str,
    name: &str,
    duty: impl Into<Duty>,
    digest: &str,
) -> (watch::Sender<String>, CancellationToken, tokio::task::JoinHandle<()>) {
    let holder =
        Holder { namespace: namespace.to_owned(), pod: name.to_owned(), uid: None, exchange: "house".to_owned(), duty: duty.into() };
    let (digests, digest) = watch::channel(digest.to_owned());
    let stop = CancellationToken::new();
    let task = tokio::spawn(lease::keep(client.clone(), holder, digest, std::sync::Arc::new(SystemClock), stop.clone()));
    (digests, stop, task)
}

/// The digest of what is in a namespace, as a router computes it.
pub async fn digest(client: &Client, namespace: &str) -> String {
    let gauge = prometheus::IntGauge::new("fresh", "fresh").unwrap();
    let mut watched = leadflow::cluster::rules::watch_objects(client.clone(), namespace, gauge);
    let run = tokio::spawn(watched.run);
    watched.objects.changed().await.unwrap();
    let digest = leadflow::table::compile(&watched.objects.borrow()).0.digest;
    run.abort();
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_comes_to_life_and_every_kind_says_so() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("life").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &everything()).await;

    for (_, _, kind, _) in CHILDREN {
        for role in ["ingest", "router"] {
            let name = format!("house-{role}");
            let made = until(&child(client, &namespace, kind), &name, &format!("{kind} {name}"), |object| object.is_some()).await.unwrap();
            let owner = &made.owner_references()[0];
            assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.controller), ("Exchange", "house", Some(true)));
            assert!(made.finalizers().is_empty());
        }
    }
    for (kind, name) in [("LeadSource", "form"), ("Endpoint", "crm"), ("Agent", "sarah"), ("Buyer", "acme"), ("RoutingPolicy", "all")] {
        until_condition(client, &namespace, kind, name, "Accepted", "True/Accepted").await;
        until_condition(client, &namespace, kind, name, "ResolvedRefs", "True/ResolvedRefs").await;
        let object = until_condition(client, &namespace, kind, name, "Programmed", "False/Pending").await;
        assert_eq!(object.data["status"]["observedGeneration"], 1);
        assert_eq!(condition(Some(&object), "Ready"), "False/Pending");
        assert_eq!(condition(Some(&object), "Stalled"), "");
    }

    let rules = digest(client, &namespace).await;
    let router = pod(client, &namespace, "house-router-1", Role::Router, "of yesterday");
    let told = |object: Option<&DynamicObject>| message(object, "Programmed") == "0 of 1 routers run this generation";
    until(&ours(client, &namespace, "RoutingPolicy"), "all", "the router that lags is counted", told).await;
    router.0.send_replace(rules.clone());
    until_condition(client, &namespace, "RoutingPolicy", "all", "Ready", "True/Ready").await;
    until_condition(client, &namespace, "LeadSource", "form", "Programmed", "False/Pending").await;
    let _ingest = pod(client, &namespace, "house-ingest-1", Role::Ingest, &rules);
    until_condition(client, &namespace, "LeadSource", "form", "Ready", "True/Ready").await;
    until_condition(client, &namespace, "Exchange", "house", "Ready", "False/Progressing").await;
    make_ready(client, &namespace, "house-ingest").await;
    make_ready(client, &namespace, "house-router").await;
    let house = until_condition(client, &namespace, "Exchange", "house", "Ready", "True/Ready").await;
    assert_eq!(house.data["status"]["components"][0]["summary"], "2/2");
    for condition in house.data["status"]["conditions"].as_array().unwrap() {
        assert_eq!(condition["observedGeneration"], 1);
    }

    // A change of one object is not a change of the others.
    let before = ours(client, &namespace, "Agent").get("sarah").await.unwrap();
    let mut other = policy("all");
    other["spec"]["maxRecipients"] = json!(2);
    apply(client, &namespace, &[other]).await;
    let second = |object: Option<&DynamicObject>| {
        condition(object, "Programmed") == "False/Pending" && object.unwrap().data["status"]["observedGeneration"] == 2
    };
    until(&ours(client, &namespace, "RoutingPolicy"), "all", "the second generation is not run yet", second).await;
    router.0.send_replace(digest(client, &namespace).await);
    until_condition(client, &namespace, "RoutingPolicy", "all", "Ready", "True/Ready").await;
    let after = ours(client, &namespace, "Agent").get("sarah").await.unwrap();
    assert_eq!(before.resource_version(), after.resource_version());

    // The last router goes, and says so.
    router.1.cancel();
    router.2.await.unwrap();
    let gone = until_condition(client, &namespace, "RoutingPolicy", "all", "Programmed", "False/Pending").await;
    assert_eq!(message(Some(&gone), "Programmed"), "no router pod runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_heals_when_it_comes() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("missing").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;

    // In the worst order.
    apply(client, &namespace, &[agent("sarah", "crm")]).await;
    let early = until_condition(client, &namespace, "Agent", "sarah", "Accepted", "False/NoExchange").await;
    assert_eq!(condition(Some(&early), "Stalled"), "", "an Exchange may still come");
    apply(client, &namespace, &[exchange("house")]).await;
    until_condition(client, &namespace, "Agent", "sarah", "Accepted", "True/Accepted").await;
    let dangling = until_condition(client, &namespace, "Agent", "sarah", "ResolvedRefs", "False/EndpointNotFound").await;
    assert!(message(Some(&dangling), "ResolvedRefs").contains("'crm'"));
    let house = until_condition(client, &namespace, "Exchange", "house", "ResolvedRefs", "False/SecretNotFound").await;
    assert!(message(Some(&house), "ResolvedRefs").contains("'leadflow-keys'"));

    apply(client, &namespace, &[endpoint("crm")]).await;
    until_condition(client, &namespace, "Agent", "sarah", "ResolvedRefs", "True/ResolvedRefs").await;
    until_condition(client, &namespace, "Endpoint", "crm", "ResolvedRefs", "False/SecretNotFound").await;
    apply_secret(client, &namespace, "crm", json!({"wrong": "t"})).await;
    let keyless = |object: Option<&DynamicObject>| message(object, "ResolvedRefs") == "Secret 'crm' has no key 'token'";
    until(&ours(client, &namespace, "Endpoint"), "crm", "the missing key is named", keyless).await;
    apply_secrets(client, &namespace).await;
    until_condition(client, &namespace, "Endpoint", "crm", "ResolvedRefs", "True/ResolvedRefs").await;
    until_condition(client, &namespace, "Exchange", "house", "ResolvedRefs", "True/ResolvedRefs").await;
    let secrets = Api::<k8s_openapi::api::core::v1::Secret>::namespaced(client.clone(), &namespace);
    secrets.delete("crm", &DeleteParams::default()).await.unwrap();
    until_condition(client, &namespace, "Endpoint", "crm", "ResolvedRefs", "False/SecretNotFound").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_used_is_refused_with_the_reason() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("refused").await);
    let client = &client;
    let operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &[exchange("first")]).await;
    until_condition(client, &namespace, "Exchange", "first", "Accepted", "True/Accepted").await;
    // Ages count in whole seconds, and of one age the first by name is chosen.
    apply(client, &namespace, &[exchange("second")]).await;
    until_condition(client, &namespace, "Exchange", "second", "Accepted", "False/Conflicted").await;
    until(&child(client, &namespace, "Deployment"), "first-router", "the first one is built", |object| object.is_some()).await;
    assert!(child(client, &namespace, "Deployment").get_opt("second-router").await.unwrap().is_none());

    let mut wrong = policy("wrong");
    wrong["spec"]["takes"] = json!({"when": "lead.nothing.of +"});
    apply(client, &namespace, &[wrong]).await;
    let wrong = until_condition(client, &namespace, "RoutingPolicy", "wrong", "Accepted", "False/Invalid").await;
    assert!(message(Some(&wrong), "Accepted").contains("spec.takes.when"), "{}", message(Some(&wrong), "Accepted"));
    assert_eq!(condition(Some(&wrong), "Stalled"), "True/Invalid");
    apply(client, &namespace, &[policy("wrong")]).await;
    let mended = until_condition(client, &namespace, "RoutingPolicy", "wrong", "Accepted", "True/Accepted").await;
    assert_eq!(condition(Some(&mended), "Stalled"), "");
    assert_eq!(operator.metrics.rules_rejected.get(), 1, "the second Exchange");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_keeps_what_it_wrote_into_an_endpoints_status() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("owners").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &[exchange("house"), endpoint("crm")]).await;
    until_condition(client, &namespace, "Endpoint", "crm", "ResolvedRefs", "False/SecretNotFound").await;
    let time = "2026-11-22T00:00:00Z";
    let by_router = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "status": {
        "circuit": {"state": "Tripped", "reason": "FailureRate", "since": time, "retryAt": time, "reportedBy": "router-1"},
        "conditions": [{"type": "Available", "status": "False", "reason": "CircuitTripped", "message": "", "lastTransitionTime": time}],
    }});
    let endpoints = ours(client, &namespace, "Endpoint");
    endpoints.patch_status("crm", &PatchParams::apply("leadflow-router").force(), &Patch::Apply(&by_router)).await.unwrap();
    apply_secrets(client, &namespace).await;
    let both = until_condition(client, &namespace, "Endpoint", "crm", "ResolvedRefs", "True/ResolvedRefs").await;
    assert_eq!(condition(Some(&both), "Available"), "False/CircuitTripped");
    assert_eq!(both.data["status"]["circuit"]["state"], "Tripped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_follows_what_rules_refer_to_and_pods_do_not_restart() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("follows").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &everything()).await;
    let deployment = until(&child(client, &namespace, "Deployment"), "house-router", "a router", |object| object.is_some()).await.unwrap();
    apply(client, &namespace, &[endpoint("other-crm")]).await;
    let names = |object: Option<&DynamicObject>| object.is_some_and(|object| object.data["rules"].to_string().contains("other-crm"));
    until(&child(client, &namespace, "Role"), "house-router", "the router may read the new Secret", names).await;
    assert!(!names(child(client, &namespace, "Role").get_opt("house-ingest").await.unwrap().as_ref()));
    ours(client, &namespace, "Endpoint").delete("other-crm", &DeleteParams::default()).await.unwrap();
    until(&child(client, &namespace, "Role"), "house-router", "the right is taken back", |object| !names(object)).await;
    let now = child(client, &namespace, "Deployment").get("house-router").await.unwrap();
    assert_eq!(now.metadata.generation, deployment.metadata.generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_or_deletes_is_put_right() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("drift").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &everything()).await;
    let deployments = child(client, &namespace, "Deployment");
    until(&deployments, "house-router", "a router", |object| object.is_some()).await;
    deployments.patch("house-router", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 7}}))).await.unwrap();
    until(&deployments, "house-router", "two replicas again", |object| object.is_some_and(|o| o.data["spec"]["replicas"] == 2)).await;
    let services = child(client, &namespace, "Service");
    let before = services.get("house-ingest").await.unwrap().uid();
    services.delete("house-ingest", &DeleteParams::default()).await.unwrap();
    until(&services, "house-ingest", "another Service", |object| object.is_some_and(|o| o.uid() != before)).await;
    let stray = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "house-console",
        "labels": {"app.kubernetes.io/managed-by": "leadflow-operator"},
        "ownerReferences": deployments.get("house-router").await.unwrap().owner_references(),
    }});
    let accounts = child(client, &namespace, "ServiceAccount");
    accounts.create(&PostParams::default(), &serde_json::from_value(stray).unwrap()).await.unwrap();
    until(&accounts, "house-console", "what an Exchange has no use for any more is deleted", |object| object.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_exchange_leaves_nothing() {
    if !require(&[Part::ApiServer, Part::ControllerManager]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("gone").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply(client, &namespace, &everything()).await;
    until(&child(client, &namespace, "Deployment"), "house-router", "a router", |object| object.is_some()).await;
    ours(client, &namespace, "Exchange").delete("house", &DeleteParams::default()).await.unwrap();
    for (_, _, kind, _) in CHILDREN {
        for name in ["house-ingest", "house-router"] {
            until(&child(client, &namespace, kind), name, &format!("{kind} {name} is collected"), |object| object.is_none()).await;
        }
    }
    until_condition(client, &namespace, "Agent", "sarah", "Accepted", "False/NoExchange").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_before_a_stricter_schema_stops_nobody() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::start(Options { crds: false, ..Options::default() }).await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("stricter").await);
    let client = &client;
    let crds = leadflow::api::crds::crds();
    let mut lax = crds.iter().find(|(kind, _)| *kind == "agents").unwrap().1.clone();
    let schema = lax.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap();
    schema.as_object_mut().unwrap().remove("required");
    let established = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"];
    let output = cluster.kubectl_with_input(&["apply", "--server-side", "--filename", "-"], &lax.to_string()).await;
    assert!(output.status.success(), "{output:?}");
    assert!(cluster.kubectl(&established).await.status.success());
    apply(client, &namespace, &[object("Agent", "old", json!({}))]).await;

    // The operator comes before the definitions, and waits for them.
    let starting = tokio::spawn(Running::start(client.clone(), namespace.clone().leak()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
    let output = cluster.kubectl(&["apply", "--server-side", "--filename", folder]).await;
    assert!(output.status.success(), "{output:?}");
    assert!(cluster.kubectl(&established).await.status.success());
    let _operator = starting.await.unwrap();
    apply(client, &namespace, &everything()).await;
    until_condition(client, &namespace, "Agent", "sarah", "Accepted", "True/Accepted").await;
    let old = until_condition(client, &namespace, "Agent", "old", "Accepted", "False/Invalid").await;
    assert!(message(Some(&old), "Accepted").contains("deliverTo"), "{}", message(Some(&old), "Accepted"));
    apply(client, &namespace, &[agent("old", "crm")]).await;
    until_condition(client, &namespace, "Agent", "old", "Accepted", "True/Accepted").await;
}

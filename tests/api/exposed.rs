//! The way in from outside: made on request, told in status, and taken away again.

use kube::Client;
use kube::api::{ApiResource, Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use super::house::*;
use super::support::cluster::{Cluster, Options};
use super::support::{Part, require};

fn exposed(expose: Value) -> Value {
    let mut house = exchange("house");
    house["spec"]["ingest"] = json!({"expose": expose});
    house
}

fn status(object: Option<&DynamicObject>, field: &str) -> String {
    object.and_then(|object| object.data["status"][field].as_str().map(str::to_owned)).unwrap_or_default()
}

/// A definition that takes anything, as a stand-in for the real one.
async fn serve(client: &Client, group: &str, version: &str, kind: &str, plural: &str) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api"},
        },
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural}, "versions": [version]},
    });
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definitions = kube::Api::<DynamicObject>::all_with(client.clone(), &resource);
    let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
    definitions.patch(&name, &PatchParams::apply("user"), &Patch::Apply(&definition)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exposed_exchange_has_an_ingress_and_says_where_to_post() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("exposed").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    let sources = ours(client, &namespace, "LeadSource");
    apply(client, &namespace, &[exchange("house"), source("form")]).await;
    let inside = format!("http://house-ingest.{namespace}.svc/v1/sources/form/leads");
    until(&sources, "form", "a URL inside the cluster", |object| status(object, "url") == inside).await;

    apply(client, &namespace, &[exposed(json!({"ingress": {"host": "leads.example.com", "tlsSecretName": "leads-tls"}}))]).await;
    let ingresses = api(client, &namespace, "networking.k8s.io", "v1", "Ingress", "ingresses");
    let made = until(&ingresses, "house-ingest", "an Ingress", |object| object.is_some()).await.unwrap();
    assert_eq!(made.data["spec"]["rules"][0]["http"]["paths"][0]["path"], "/v1/sources");
    let outside = "https://leads.example.com/v1/sources/form/leads";
    until(&sources, "form", "a URL outside the cluster", |object| status(object, "url") == outside).await;
    let told = |object: Option<&DynamicObject>| status(object, "address") == "https://leads.example.com";
    until(&ours(client, &namespace, "Exchange"), "house", "an address", told).await;
    let output = cluster.kubectl(&["get", "leadsources", "--namespace", &namespace]).await;
    assert!(String::from_utf8_lossy(&output.stdout).contains(outside), "{output:?}");

    apply(client, &namespace, &[exchange("house")]).await;
    until(&ingresses, "house-ingest", "the Ingress is gone", |object| object.is_none()).await;
    until(&sources, "form", "the URL inside again", |object| status(object, "url") == inside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_refused_is_told_of_and_keeps_no_other_from_being_made() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("refused").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    let mut house = exposed(json!({"ingress": {"host": "leads.example.com", "annotations": {"not an annotation": "x"}}}));
    house["spec"]["ingest"]["resources"] = json!({"requests": {"memory": "8Gi"}});
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &[house]).await;
    let house = until_condition(client, &namespace, "Exchange", "house", "Ready", "False/Invalid").await;
    let told = message(Some(&house), "Ready");
    assert!(told.contains("not an annotation"), "the first that was refused: {told}");
    until(&super::operator::child(client, &namespace, "Deployment"), "house-router", "a router", |object| object.is_some()).await;
}

/// What an autoscaler does: it sets the number by itself.
async fn scale(client: &Client, namespace: &str, replicas: i32) {
    let deployments = super::operator::child(client, namespace, "Deployment");
    let by_scaler = PatchParams { field_manager: Some("scaler".to_owned()), ..PatchParams::default() };
    deployments.patch("house-router", &by_scaler, &Patch::Merge(json!({"spec": {"replicas": replicas}}))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_takes_over_the_number_of_pods_that_there_is() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("scaled").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    let mut house = exchange("house");
    house["spec"]["router"] = json!({"replicas": 5});
    apply(client, &namespace, &[house.clone()]).await;
    let deployments = super::operator::child(client, &namespace, "Deployment");
    until(&deployments, "house-router", "five routers", |object| object.is_some_and(|o| o.data["spec"]["replicas"] == 5)).await;
    house["spec"]["router"] = json!({"autoscale": {"maxReplicas": 9, "cpuPercent": 70}});
    apply(client, &namespace, &[house.clone()]).await;
    let scalers = api(client, &namespace, "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
    until(&scalers, "house-router", "an autoscaler", |object| object.is_some()).await;
    let kept = deployments.get("house-router").await.unwrap();
    assert_eq!(kept.data["spec"]["replicas"], 5, "it is not one pod in between");
    scale(client, &namespace, 8).await;
    let stray = json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "somebody"}}});
    deployments.patch("house-router", &PatchParams::default(), &Patch::Merge(&stray)).await.unwrap();
    let mended = |object: Option<&DynamicObject>| {
        object.is_some_and(|o| o.metadata.labels.as_ref().unwrap()["app.kubernetes.io/part-of"] == "leadflow")
    };
    let mended = until(&deployments, "house-router", "the operator mends the rest", mended).await.unwrap();
    assert_eq!(mended.data["spec"]["replicas"], 8, "and leaves the number alone");
    house["spec"]["router"] = json!({"replicas": 2});
    apply(client, &namespace, &[house]).await;
    until(&deployments, "house-router", "two routers", |object| object.is_some_and(|o| o.data["spec"]["replicas"] == 2)).await;
    until(&scalers, "house-router", "no autoscaler", |object| object.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_store_takes_other_workloads_behind_the_same_services() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("stores").await);
    let client = &client;
    let token = operator_token(cluster, &namespace).await;
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &[exchange("house"), source("form")]).await;
    let deployments = super::operator::child(client, &namespace, "Deployment");
    until(&deployments, "house-router", "a router", |object| object.is_some()).await;
    let mut embedded = exchange("house");
    embedded["spec"]["store"] = json!({"embedded": {"storage": "1Gi"}});
    embedded["spec"]["ingest"] = json!({"replicas": 3});
    apply(client, &namespace, &[embedded.clone()]).await;
    let sets = api(client, &namespace, "apps", "v1", "StatefulSet", "statefulsets");
    until(&sets, "house-standalone", "one pod with a volume", |object| object.is_some_and(|o| o.data["spec"]["replicas"] == 1)).await;
    until(&deployments, "house-router", "no router of its own", |object| object.is_none()).await;
    let services = super::operator::child(client, &namespace, "Service");
    let selects =
        |object: Option<&DynamicObject>| object.is_some_and(|o| o.data["spec"]["selector"]["app.kubernetes.io/component"] == "standalone");
    until(&services, "house-ingest", "the Service selects the one pod", selects).await;
    let house = until_condition(client, &namespace, "Exchange", "house", "PartiallyInvalid", "True/UnsupportedValue").await;
    assert!(message(Some(&house), "PartiallyInvalid").contains("spec.ingest"), "three pods can't share a file");

    let rules = super::operator::digest(client, &namespace).await;
    let _pod = super::operator::pod(client, &namespace, "house-standalone-0", leadflow::table::duty::Duty::Standalone, &rules);
    until_condition(client, &namespace, "LeadSource", "form", "Programmed", "True/Programmed").await;
    let told = |object: Option<&DynamicObject>| {
        object.is_some_and(|o| {
            let component = &o.data["status"]["components"][0];
            component["programmed"] == "1/1" && component["revision"] == rules[..12] && component["version"] == "leadflow:test"
        })
    };
    until(&ours(client, &namespace, "Exchange"), "house", "the one pod is told of", told).await;
    embedded["spec"]["store"]["embedded"]["storage"] = json!("2Gi");
    let refused = try_apply(client, &namespace, &embedded).await.unwrap_err().to_string();
    assert!(refused.contains("enlarge the PersistentVolumeClaim itself"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_waits_for_the_gateway_api_and_needs_no_restart_when_it_comes() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::start(Options::default()).await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("route").await);
    let client = &client;
    let _operator = Running::start(client.clone(), &namespace).await;
    apply_secrets(client, &namespace).await;
    let route = json!({"parentRefs": [{"name": "public"}], "hostnames": ["leads.example.com"]});
    apply(client, &namespace, &[exposed(json!({"httpRoute": route}))]).await;
    let house = until_condition(client, &namespace, "Exchange", "house", "PartiallyInvalid", "True/UnsupportedValue").await;
    assert!(message(Some(&house), "PartiallyInvalid").contains("spec.ingest.expose.httpRoute"));
    assert_eq!(condition(Some(&house), "Accepted"), "True/Accepted");
    let deployments = super::operator::child(client, &namespace, "Deployment");
    until(&deployments, "house-ingest", "the rest is built", |object| object.is_some()).await;

    serve(client, "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes").await;
    until_condition(client, &namespace, "Exchange", "house", "PartiallyInvalid", "").await;
    let routes = api(client, &namespace, "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes");
    until(&routes, "house-ingest", "the route is made", |object| object.is_some()).await;
    apply(client, &namespace, &[exchange("house")]).await;
    until(&routes, "house-ingest", "the route is gone", |object| object.is_none()).await;
}

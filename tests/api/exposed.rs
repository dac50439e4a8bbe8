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

//! What ingest and router pods do at the API server, with their own rights.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use leadflow::api::shared::SecretKeyRef;
use leadflow::cluster::lease::{self, Holder};
use leadflow::cluster::rules::watch_objects;
use leadflow::cluster::secrets::{AllFound, Found, Keep, watch_secrets};
use leadflow::flow::ports::{SystemClock, SystemDice};
use leadflow::table::duty::Duty;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::house::*;
use super::support::cluster::Cluster;
use super::support::{Part, require};

/// Grants a service account nothing but `list` and `watch` of these Secrets.
async fn reader(cluster: &Cluster, namespace: &str, names: &[&str]) -> kube::Client {
    let token = cluster.service_account_token(namespace, "reader").await;
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": ["list", "watch"]}]);
    let rbac = |kind: &str, plural: &str, client| api(&client, namespace, "rbac.authorization.k8s.io", "v1", kind, plural);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": rules});
    let apply = PatchParams::apply("user").force();
    rbac("Role", "roles", cluster.client().await).patch("reader", &apply, &Patch::Apply(role)).await.unwrap();
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}]});
    rbac("RoleBinding", "rolebindings", cluster.client().await).patch("reader", &apply, &Patch::Apply(binding)).await.unwrap();
    cluster.client_for_token(&token).await
}

async fn found(watch: &mut watch::Receiver<Arc<AllFound>>, what: &str, is: impl Fn(&AllFound) -> bool) {
    let in_time = tokio::time::timeout(PATIENCE, watch.wait_for(|found| is(found))).await;
    assert!(in_time.is_ok_and(|found| found.is_ok()), "{what}");
}

fn value(found: &AllFound, name: &str) -> Option<String> {
    let secrets = leadflow::cluster::secrets::present(found);
    secrets.text(&SecretKeyRef { name: name.to_owned(), key: "token".to_owned() }).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_watched_by_name_with_rights_by_name_alone() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (admin, namespace) = (cluster.client().await, cluster.namespace("secrets").await);
    apply_secret(&admin, &namespace, "one", json!({"token": "first"})).await;
    apply_secret(&admin, &namespace, "private", json!({"token": "nobody's business"})).await;
    let client = reader(cluster, &namespace, &["one", "two"]).await;
    let (secrets, run) = watch_secrets(&client, &namespace, Keep::Values, Arc::new(SystemDice));
    let run = tokio::spawn(run);
    let mut watch = secrets.found.clone();
    secrets.set_names(BTreeSet::from(["one", "two", "private"].map(str::to_owned)));
    secrets.settled(PATIENCE).await;
    assert_eq!(value(&watch.borrow(), "one").as_deref(), Some("first"));
    assert!(watch.borrow()["two"] == Found::Absent);
    assert!(watch.borrow()["private"] == Found::Forbidden, "nobody granted it");

    apply_secret(&admin, &namespace, "one", json!({"token": "second"})).await;
    found(&mut watch, "a rotation is seen", |found| value(found, "one").as_deref() == Some("second")).await;
    apply_secret(&admin, &namespace, "two", json!({"token": "new"})).await;
    found(&mut watch, "a new one is seen", |found| value(found, "two").as_deref() == Some("new")).await;
    Api::<Secret>::namespaced(admin.clone(), &namespace).delete("two", &DeleteParams::default()).await.unwrap();
    found(&mut watch, "a deleted one is gone", |found| found["two"] == Found::Absent).await;
    reader(cluster, &namespace, &["private"]).await;
    found(&mut watch, "a right that is granted later is used", |found| value(found, "private").is_some()).await;
    secrets.set_names(BTreeSet::new());
    found(&mut watch, "what is wanted no more is forgotten", |found| found.is_empty()).await;
    drop(secrets);
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_come_whole_change_at_once_and_ignore_status() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("rules").await);
    apply(&client, &namespace, &everything()).await;
    let fresh = prometheus::IntGauge::new("fresh", "fresh").unwrap();
    let mut watched = watch_objects(client.clone(), &namespace, fresh.clone());
    let run = tokio::spawn(watched.run);
    tokio::time::timeout(PATIENCE, watched.objects.changed()).await.unwrap().unwrap();
    assert_eq!(watched.objects.borrow_and_update().len(), 6);
    assert_eq!(fresh.get(), 1);

    let time = "2026-11-22T00:00:00Z";
    let status = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "status": {
        "circuit": {"state": "Tripped", "reason": "FailureRate", "since": time, "retryAt": time, "reportedBy": "router-1"}}});
    let apply_status = PatchParams::apply("leadflow-router").force();
    ours(&client, &namespace, "Endpoint").patch_status("crm", &apply_status, &Patch::Apply(&status)).await.unwrap();
    let (endpoint, circuit) = tokio::time::timeout(PATIENCE, watched.circuits.recv()).await.unwrap().unwrap();
    assert_eq!((endpoint.as_str(), circuit.reported_by.as_str()), ("crm", "router-1"));
    assert!(!watched.objects.has_changed().unwrap(), "a status is no rule");

    apply(&client, &namespace, &[agent("tom", "crm")]).await;
    tokio::time::timeout(PATIENCE, watched.objects.changed()).await.unwrap().unwrap();
    assert!(watched.objects.borrow_and_update().agents.contains_key("tom"));
    assert!(watched.objects.borrow().endpoints["crm"].status.is_none());
    run.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_namespace_is_known_to_be_empty() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("empty").await);
    let mut watched = watch_objects(client, &namespace, prometheus::IntGauge::new("fresh", "fresh").unwrap());
    let run = tokio::spawn(watched.run);
    tokio::time::timeout(PATIENCE, watched.objects.changed()).await.unwrap().unwrap();
    assert!(watched.objects.borrow().is_empty());
    run.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_says_what_a_pod_runs_and_goes_with_it() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("lease").await);
    let holder = Holder {
        namespace: namespace.clone(),
        pod: "router-1".into(),
        uid: Some("1234".into()),
        exchange: "house".into(),
        duty: Duty::Router,
    };
    let (digests, digest) = watch::channel(String::new());
    let stop = CancellationToken::new();
    let task = tokio::spawn(lease::keep(client.clone(), holder, digest, Arc::new(SystemClock), stop.clone()));
    let leases = api(&client, &namespace, "coordination.k8s.io", "v1", "Lease", "leases");
    for digest in ["first", "second"] {
        digests.send_replace(digest.to_owned());
        let says = |object: Option<&kube::core::DynamicObject>| {
            object.is_some_and(|object| object.metadata.annotations.as_ref().unwrap()[lease::DIGEST] == digest)
        };
        // Looked at as it was seen: its pod is none, so the garbage collector may come.
        let lease = until(&leases, "leadflow-router-1", digest, says).await.unwrap();
        assert_eq!(lease.data["spec"]["leaseDurationSeconds"], 30);
        assert_eq!(lease.metadata.owner_references.unwrap()[0].kind, "Pod");
    }
    stop.cancel();
    task.await.unwrap();
    until(&leases, "leadflow-router-1", "it is gone", |object| object.is_none()).await;
}

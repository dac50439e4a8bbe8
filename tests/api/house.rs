//! A small installation as tests apply it, and an operator to look after it.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use leadflow::cluster::scope::Scope;
use leadflow::control::{self, Image, Operator, Settings};
use leadflow::flow::ports::{SystemClock, SystemDice};
use leadflow::ops::metrics::Metrics;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::cluster::Cluster;

/// The longest that anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const KINDS: [(&str, &str); 6] = [
    ("Exchange", "exchanges"),
    ("LeadSource", "leadsources"),
    ("Agent", "agents"),
    ("Buyer", "buyers"),
    ("Endpoint", "leadendpoints"),
    ("RoutingPolicy", "routingpolicies"),
];

/// Access to a kind by its plural.
pub fn api(client: &Client, namespace: &str, group: &str, version: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(group, version, kind);
    let resource = kube::core::ApiResource::from_gvk_with_plural(&gvk, plural);
    Api::namespaced_with(client.clone(), namespace, &resource)
}

pub fn ours(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let plural = KINDS.iter().find(|(name, _)| *name == kind).expect("a kind of ours").1;
    api(client, namespace, "leadflow.dev", "v1alpha1", kind, plural)
}

pub fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

pub fn exchange(name: &str) -> Value {
    let url = json!({"secretKeyRef": {"name": "pg", "key": "uri"}});
    let encryption = json!({"keysFrom": {"secretRef": {"name": "leadflow-keys"}}});
    object("Exchange", name, json!({"store": {"postgresql": {"urlFrom": url}}, "encryption": encryption}))
}

pub fn source(name: &str) -> Value {
    object("LeadSource", name, json!({"auth": {"keysFrom": {"secretRef": {"name": format!("{name}-keys")}}}}))
}

pub fn endpoint(name: &str) -> Value {
    let auth = json!({"bearer": {"tokenFrom": {"secretKeyRef": {"name": name, "key": "token"}}}});
    object("Endpoint", name, json!({"http": {"url": "https://crm.example.com/leads", "auth": auth}}))
}

pub fn agent(name: &str, deliver_to: &str) -> Value {
    object("Agent", name, json!({"deliverTo": deliver_to}))
}

pub fn buyer(name: &str, deliver_to: &str) -> Value {
    object("Buyer", name, json!({"contracts": [{"name": "all", "deliverTo": deliver_to}]}))
}

pub fn policy(name: &str) -> Value {
    object("RoutingPolicy", name, json!({"tiers": [{"name": "all", "to": {"agents": {}}, "method": {"type": "RoundRobin"}}]}))
}

/// One of each kind.
pub fn everything() -> Vec<Value> {
    vec![exchange("house"), source("form"), endpoint("crm"), agent("sarah", "crm"), buyer("acme", "crm"), policy("all")]
}

/// Applies objects of ours as a user does, strictly.
pub async fn apply(client: &Client, namespace: &str, objects: &[Value]) {
    for object in objects {
        try_apply(client, namespace, object).await.expect("the API server takes the object");
    }
}

pub async fn try_apply(client: &Client, namespace: &str, object: &Value) -> kube::Result<DynamicObject> {
    let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
    let by_user = PatchParams { field_validation: Some(kube::api::ValidationDirective::Strict), ..PatchParams::apply("user").force() };
    ours(client, namespace, kind).patch(name, &by_user, &Patch::Apply(object)).await
}

pub async fn apply_secret(client: &Client, namespace: &str, name: &str, entries: Value) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries});
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    secrets.patch(name, &PatchParams::apply("user").force(), &Patch::Apply(&secret)).await.expect("a Secret can be made");
}

/// The Secrets that [`everything`] names.
pub async fn apply_secrets(client: &Client, namespace: &str) {
    apply_secret(client, namespace, "pg", json!({"uri": "postgresql://lead@db/leads"})).await;
    apply_secret(client, namespace, "leadflow-keys", json!({"index": "i", "2026-01": "k"})).await;
    apply_secret(client, namespace, "form-keys", json!({"first": "key"})).await;
    apply_secret(client, namespace, "crm", json!({"token": "t"})).await;
}

/// An operator at work. Ends with the test.
pub struct Running {
    pub metrics: Arc<Metrics>,
    task: JoinHandle<Result<(), control::Ended>>,
    stop: CancellationToken,
}

impl Running {
    /// Starts an operator and waits until it has seen everything.
    pub async fn start(client: Client, namespace: &str) -> Self {
        Self::start_as("operator-1", client, namespace).await
    }

    /// The same, under a name.
    pub async fn start_as(pod: &str, client: Client, namespace: &str) -> Self {
        let metrics = Arc::new(Metrics::new().unwrap());
        let stop = CancellationToken::new();
        let (ready, seen) = tokio::sync::oneshot::channel();
        let settings = Settings {
            image: Image { name: "leadflow:test".to_owned(), ..Image::default() },
            scope: Scope::Namespaces(vec![namespace.to_owned()]),
            pod: pod.to_owned(),
            namespace: namespace.to_owned(),
        };
        let operator = Operator {
            client,
            settings,
            compile: control::compile,
            metrics: Arc::clone(&metrics),
            clock: Arc::new(SystemClock),
            dice: Arc::new(SystemDice),
        };
        let task = tokio::spawn(control::run(operator, move || ready.send(()).expect("the test waits"), stop.clone()));
        tokio::time::timeout(PATIENCE, seen).await.expect("the operator is ready in time").expect("the operator runs");
        Self { metrics, task, stop }
    }
}

impl Running {
    /// Ends it as a signal does.
    pub async fn end(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, &mut self.task).await;
        ended.expect("it ends in time").expect("it does not panic").expect("it ends well");
    }
}

impl Running {
    /// Ends it as a power cut does.
    pub fn kill(&self) {
        self.task.abort();
    }

    /// Whether it says that it leads.
    pub fn leads(&self) -> bool {
        self.metrics.leader.with_label_values(&["leadflow-operator"]).get() == 1
    }

    /// How often it wrote.
    pub fn writes(&self) -> u64 {
        use prometheus::core::Collector;
        let families = self.metrics.writes.collect();
        families.iter().flat_map(|family| family.get_metric()).map(|metric| metric.get_counter().get_value() as u64).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows an object until what is asked of it holds. `None` is an object that is not there.
pub async fn until(
    api: &Api<DynamicObject>,
    name: &str,
    what: &str,
    holds: impl Fn(Option<&DynamicObject>) -> bool,
) -> Option<DynamicObject> {
    use futures::StreamExt;
    let mut last = None;
    let states = kube::runtime::watcher::watch_object(api.clone(), name);
    let mut states = std::pin::pin!(states);
    let waiting = async {
        while let Some(state) = states.next().await {
            let Ok(state) = state else { continue };
            last = state;
            if holds(last.as_ref()) {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "{what}: never so; last seen {}", serde_json::to_string_pretty(&last).unwrap());
    last
}

/// A condition's status and reason, joined by a slash.
pub fn condition(object: Option<&DynamicObject>, kind: &str) -> String {
    let conditions = object.and_then(|object| object.data["status"]["conditions"].as_array().cloned()).unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    found.map(|c| format!("{}/{}", c["status"].as_str().unwrap(), c["reason"].as_str().unwrap())).unwrap_or_default()
}

pub fn message(object: Option<&DynamicObject>, kind: &str) -> String {
    let conditions = object.and_then(|object| object.data["status"]["conditions"].as_array().cloned()).unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    found.and_then(|c| c["message"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// Waits until a condition of an object of ours is as said, such as `True/Accepted`.
pub async fn until_condition(client: &Client, namespace: &str, kind: &str, name: &str, type_: &str, is: &str) -> DynamicObject {
    let what = format!("{kind} {name}: {type_} = {is}");
    until(&ours(client, namespace, kind), name, &what, |object| condition(object, type_) == is).await.expect("the object is there")
}

/// A token of an operator with the rights of `config/`.
pub async fn operator_token(cluster: &Cluster, namespace: &str) -> String {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/operator.yaml");
    let output = cluster.kubectl(&["create", "namespace", "leadflow-system"]).await;
    assert!(output.status.success() || String::from_utf8_lossy(&output.stderr).contains("AlreadyExists"));
    let output = cluster.kubectl(&["apply", "--server-side", "--filename", config]).await;
    assert!(output.status.success(), "config/operator.yaml can't be applied in {namespace}: {output:?}");
    cluster.service_account_token("leadflow-system", "leadflow-operator").await
}

//! Following objects at the API server.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

/// The longest that a status may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

const KINDS: [(&str, &str); 6] = [
    ("Exchange", "exchanges"),
    ("LeadSource", "leadsources"),
    ("Agent", "agents"),
    ("Buyer", "buyers"),
    ("Endpoint", "leadendpoints"),
    ("RoutingPolicy", "routingpolicies"),
];

/// Access to objects of a kind, ours or another's (`apps/v1/Deployment`).
pub fn api(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let resource = match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((name, plural)) => ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("leadflow.dev", "v1alpha1", name), plural),
        None => match kind.split('/').collect::<Vec<_>>().as_slice() {
            [group, version, kind] => ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)),
            _ => ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind)),
        },
    };
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// Follows an object until what is asked of it holds, and says when that was seen. `None` is an object that is not there.
pub async fn until(api: &Api<DynamicObject>, name: &str, what: &str, holds: impl Fn(Option<&DynamicObject>) -> bool) -> Instant {
    let mut last = None;
    let states = kube::runtime::watcher::watch_object(api.clone(), name);
    let mut states = std::pin::pin!(states);
    let waiting = async {
        while let Some(state) = states.next().await {
            let Ok(state) = state else { continue };
            last = state;
            if holds(last.as_ref()) {
                return Instant::now();
            }
        }
        panic!("the watch of {name} ended")
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(at) => at,
        Err(_) => panic!("{what}: never so; last seen {}", serde_json::to_string_pretty(&last).expect("objects are JSON")),
    }
}

/// A condition's status and reason, such as `True/Accepted`, and the generation that it speaks of.
pub fn condition(object: Option<&DynamicObject>, kind: &str) -> Option<(String, i64)> {
    let conditions = object?.data["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind)?;
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    Some((format!("{}/{}", text("status"), text("reason")), found["observedGeneration"].as_i64().unwrap_or_default()))
}

/// Waits until a condition is as said for the object's newest generation.
pub async fn until_condition(api: &Api<DynamicObject>, name: &str, kind: &str, is: &str) -> Instant {
    let what = format!("{name}: {kind} is {is}");
    until(api, name, &what, |object| {
        let generation = object.and_then(|object| object.metadata.generation).unwrap_or_default();
        condition(object, kind).is_some_and(|(said, of)| said == is && of == generation)
    })
    .await
}

/// `status.circuit.state`.
pub fn circuit(object: Option<&DynamicObject>) -> &str {
    object.map_or("", |object| object.data["status"]["circuit"]["state"].as_str().unwrap_or_default())
}

pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

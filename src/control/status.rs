//! Writing status: by server-side apply, the whole set that is ours, and only when it differs in more than time.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use serde::Deserialize;
use serde_json::{Value, json};

use super::apply::FIELD_MANAGER;
use crate::api::condition::{Wanted, conditions};
use crate::api::endpoint::Circuit;
use crate::cluster::deadline::{Failure, bounded};
use crate::cluster::rule::{Seen, Told, resource, resource_version};
use crate::table::ObjectRef;

/// Condition types that the operator writes. Others are other writers' business.
const OURS: [&str; 7] = ["Accepted", "ResolvedRefs", "Programmed", "Ready", "PartiallyInvalid", "Stalled", "Degraded"];

/// A status to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub namespace: String,
    pub object: ObjectRef,
    pub uid: String,
    pub status: Value,
}

/// The write that makes a status what it should be, if it is not.
pub fn differing(namespace: &str, object: &ObjectRef, seen: &Seen, wanted: &[Wanted], told: &Told, now: Timestamp) -> Option<Write> {
    let ours = |condition: &&Condition| OURS.contains(&condition.type_.as_str());
    let current: Vec<Condition> = seen.conditions.iter().filter(ours).cloned().collect();
    let next = conditions(&current, wanted, seen.generation, now);
    let mut by_type = current.clone();
    by_type.sort_by(|a, b| a.type_.cmp(&b.type_));
    let mut next_by_type = next.clone();
    next_by_type.sort_by(|a, b| a.type_.cmp(&b.type_));
    if by_type == next_by_type && seen.observed_generation == seen.generation && *told == seen.told {
        return None;
    }
    let mut status = json!({"observedGeneration": seen.generation, "conditions": next});
    if let (Value::Object(status), Ok(Value::Object(told))) = (&mut status, serde_json::to_value(told)) {
        status.extend(told);
    }
    Some(Write { namespace: namespace.to_owned(), object: object.clone(), uid: seen.uid.clone(), status })
}

/// Writes a status; gives what the object's status is then. A definition of an earlier release may not know all of it, and a server-side apply of what it
/// does not know fails as a whole: then what every release knows is written, conditions above all, since they tell that the definition is too old. The whole
/// is tried again at each look, so that nothing is missing once the definition is upgraded.
pub async fn write(client: &Client, write: &Write) -> Result<Seen, Failure> {
    match apply(client, write, &write.status).await {
        Err(failure) if failure.is_of_an_undeclared_field() => {
            let known = json!({"observedGeneration": write.status["observedGeneration"], "conditions": write.status["conditions"]});
            apply(client, write, &known).await
        }
        done => done,
    }
}

async fn apply(client: &Client, write: &Write, status: &Value) -> Result<Seen, Failure> {
    let resource = resource(write.object.kind);
    let name = &write.object.name;
    let body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        // With the uid it can only be this very object, not one of the same name that came after it.
        "metadata": {"name": name, "namespace": write.namespace, "uid": write.uid},
        "status": status,
    });
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), &write.namespace, &resource);
    let apply = PatchParams::apply(FIELD_MANAGER).force();
    let object = bounded(api.patch_status(name, &apply, &Patch::Apply(&body))).await?;
    Ok(seen(&object))
}

/// The fields that statuses have.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
    #[serde(flatten)]
    told: Told,
    circuit: Option<Circuit>,
}

fn seen(object: &DynamicObject) -> Seen {
    let fields = object.data.get("status").and_then(|status| Fields::deserialize(status).ok()).unwrap_or_default();
    Seen {
        uid: object.uid().unwrap_or_default(),
        resource_version: resource_version(&object.metadata),
        generation: object.metadata.generation,
        observed_generation: fields.observed_generation,
        conditions: fields.conditions,
        told: fields.told,
        circuit: fields.circuit,
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;

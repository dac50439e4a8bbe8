//! The identity of a set of rules: a hash over what users wrote, and nothing else.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Kind, Objects};
use crate::store::RuleObject;

/// The digest of all objects, in hex, and each object as canonical JSON. Covers kind, name, labels, creation time (it breaks ties) and spec; not
/// status, annotations or versions.
pub fn of(objects: &Objects) -> (String, Vec<RuleObject>) {
    let mut all = Vec::with_capacity(objects.len());
    objects.exchanges.values().for_each(|o| all.push(object(Kind::Exchange, &o.metadata, &o.spec)));
    objects.sources.values().for_each(|o| all.push(object(Kind::LeadSource, &o.metadata, &o.spec)));
    objects.agents.values().for_each(|o| all.push(object(Kind::Agent, &o.metadata, &o.spec)));
    objects.buyers.values().for_each(|o| all.push(object(Kind::Buyer, &o.metadata, &o.spec)));
    objects.endpoints.values().for_each(|o| all.push(object(Kind::Endpoint, &o.metadata, &o.spec)));
    objects.policies.values().for_each(|o| all.push(object(Kind::RoutingPolicy, &o.metadata, &o.spec)));
    let mut hasher = blake3::Hasher::new();
    for object in &all {
        hasher.update(&object.hash);
    }
    (hasher.finalize().to_hex().to_string(), all)
}

/// One object as JSON with sorted keys.
fn object(kind: Kind, metadata: &ObjectMeta, spec: &impl Serialize) -> RuleObject {
    let value = json!({
        "apiVersion": "leadflow.dev/v1alpha1",
        "kind": kind.as_str(),
        "metadata": {
            "name": metadata.name,
            "labels": metadata.labels.clone().unwrap_or_default(),
            "creationTimestamp": metadata.creation_timestamp,
        },
        "spec": serde_json::to_value(spec).unwrap_or(Value::Null),
    });
    let json = value.to_string();
    RuleObject { hash: *blake3::hash(json.as_bytes()).as_bytes(), json }
}

/// The objects of a record, to compile them again.
pub fn objects(record: &[RuleObject]) -> Result<Objects, serde_json::Error> {
    use std::sync::Arc;
    let mut objects = Objects::default();
    for object in record {
        let value: Value = serde_json::from_str(&object.json)?;
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match value["kind"].as_str().unwrap_or_default() {
            "Exchange" => drop(objects.exchanges.insert(name, Arc::new(serde_json::from_value(value)?))),
            "LeadSource" => drop(objects.sources.insert(name, Arc::new(serde_json::from_value(value)?))),
            "Agent" => drop(objects.agents.insert(name, Arc::new(serde_json::from_value(value)?))),
            "Buyer" => drop(objects.buyers.insert(name, Arc::new(serde_json::from_value(value)?))),
            "Endpoint" => drop(objects.endpoints.insert(name, Arc::new(serde_json::from_value(value)?))),
            "RoutingPolicy" => drop(objects.policies.insert(name, Arc::new(serde_json::from_value(value)?))),
            other => return Err(serde::de::Error::custom(format!("the record holds a {other:?}"))),
        }
    }
    Ok(objects)
}

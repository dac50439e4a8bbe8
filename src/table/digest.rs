//! The identity of a set of rules: a hash over what users wrote, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;
use serde_json::Value;

use super::row::Row;
use super::{Kind, Objects};
use crate::store::RuleObject;

/// The digest of all objects, in hex, and each object as it is recorded. Covers kind, name, labels, creation time (it breaks ties) and spec; not
/// status, annotations or versions.
pub fn of(objects: &Objects) -> (String, Row<RuleObject>) {
    let mut all = Vec::with_capacity(objects.len());
    objects.exchanges.values().for_each(|o| all.push(rule(Kind::Exchange, &o.metadata, &o.spec)));
    objects.sources.values().for_each(|o| all.push(rule(Kind::LeadSource, &o.metadata, &o.spec)));
    objects.agents.values().for_each(|o| all.push(rule(Kind::Agent, &o.metadata, &o.spec)));
    objects.buyers.values().for_each(|o| all.push(rule(Kind::Buyer, &o.metadata, &o.spec)));
    objects.endpoints.values().for_each(|o| all.push(rule(Kind::Endpoint, &o.metadata, &o.spec)));
    objects.policies.values().for_each(|o| all.push(rule(Kind::RoutingPolicy, &o.metadata, &o.spec)));
    let all: Row<RuleObject> = all.into_iter().map(Arc::new).collect();
    (over(&sums(&all, &Row::default(), &[])), all)
}

/// A hash for each stretch of recorded objects; those of stretches that `before` has too are taken from `known`, its hashes.
pub fn sums(objects: &Row<RuleObject>, before: &Row<RuleObject>, known: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let sum = |stretch: &[Arc<RuleObject>]| {
        let mut hasher = blake3::Hasher::new();
        stretch.iter().for_each(|object| {
            hasher.update(&object.hash);
        });
        *hasher.finalize().as_bytes()
    };
    let stretches = objects.stretches(before).enumerate();
    stretches.map(|(at, (stretch, same))| known.get(at).filter(|_| same).copied().unwrap_or_else(|| sum(stretch))).collect()
}

/// The digest of all recorded objects, of the hashes of their stretches.
pub fn over(sums: &[[u8; 32]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for sum in sums {
        hasher.update(sum);
    }
    hasher.finalize().to_hex().to_string()
}

/// One object as it is recorded.
pub fn rule(kind: Kind, metadata: &ObjectMeta, spec: &impl Serialize) -> RuleObject {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Recorded<'a, S> {
        api_version: &'static str,
        kind: &'static str,
        metadata: Identity<'a>,
        spec: &'a S,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Identity<'a> {
        name: &'a Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        labels: Option<&'a BTreeMap<String, String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        creation_timestamp: Option<&'a Time>,
    }
    let ObjectMeta { name, labels, creation_timestamp, .. } = metadata;
    let labels = labels.as_ref().filter(|labels| !labels.is_empty());
    let identity = Identity { name, labels, creation_timestamp: creation_timestamp.as_ref() };
    let json = serde_json::to_string(&Recorded { api_version: "leadflow.dev/v1alpha1", kind: kind.as_str(), metadata: identity, spec });
    // Specs are made of strings, numbers, lists and maps with text keys: nothing of that can fail to be written.
    let json = json.unwrap_or_default();
    RuleObject { hash: *blake3::hash(json.as_bytes()).as_bytes(), json }
}

/// The objects of a record, to compile them again.
pub fn objects<'a>(record: impl IntoIterator<Item = &'a RuleObject>) -> Result<Objects, serde_json::Error> {
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

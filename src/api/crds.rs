//! The CustomResourceDefinitions, as `crds/` holds them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};

/// Annotation with the release that a definition is of, and a digest of what it says: by it the operator notices one that is older than itself.
pub const SCHEMA_VERSION: &str = "leadflow.dev/schema-version";

/// Every kind's definition as the JSON that is applied, in the order in which they are best read.
pub fn crds() -> Vec<(&'static str, Value)> {
    [
        ("exchanges", Exchange::crd()),
        ("leadsources", LeadSource::crd()),
        ("agents", Agent::crd()),
        ("buyers", Buyer::crd()),
        ("leadendpoints", Endpoint::crd()),
        ("routingpolicies", RoutingPolicy::crd()),
    ]
    .into_iter()
    .map(|(name, crd)| (name, definition(crd)))
    .collect()
}

/// A definition without `nullable`, which breaks patches, and with the bounds of conditions, which their type leaves open.
fn definition(crd: CustomResourceDefinition) -> Value {
    let mut value = serde_json::to_value(crd).unwrap_or_default();
    tidy(&mut value);
    let digest = blake3::hash(value["spec"].to_string().as_bytes()).to_hex();
    value["metadata"]["annotations"] = json!({SCHEMA_VERSION: format!("{}+{}", env!("CARGO_PKG_VERSION"), &digest.as_str()[..12])});
    value
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("nullable").is_some_and(Value::is_boolean) {
                map.remove("nullable");
            }
            if map.contains_key("lastTransitionTime") && map.contains_key("reason") {
                bound_condition(map);
            }
            if let Some(generation) = map.get_mut("observedGeneration") {
                generation["minimum"] = json!(0);
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// The limits that Kubernetes' own conditions have.
fn bound_condition(properties: &mut Map<String, Value>) {
    for (field, limits) in [
        ("type", json!({"maxLength": 316, "pattern": r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"})),
        ("status", json!({"enum": ["True", "False", "Unknown"]})),
        ("reason", json!({"minLength": 1, "maxLength": 1024, "pattern": r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"})),
        ("message", json!({"maxLength": 32_768})),
    ] {
        if let (Some(Value::Object(schema)), Value::Object(limits)) = (properties.get_mut(field), limits) {
            schema.extend(limits);
        }
    }
}

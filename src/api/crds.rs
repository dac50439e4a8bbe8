//! The CustomResourceDefinitions, as `crds/` holds them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use super::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};

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

/// A definition without what the API server would warn about or what breaks patches:
/// `nullable`, and number formats that OpenAPI does not know.
fn definition(crd: CustomResourceDefinition) -> Value {
    let mut value = serde_json::to_value(crd).unwrap_or_default();
    tidy(&mut value);
    value
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("nullable").is_some_and(Value::is_boolean) {
                map.remove("nullable");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

//! Valid Exchange → the objects that it consists of. Pure and infallible.
//!
//! No object changes its pods when rules change: pods read rules from the API server, and a rule change restarts nothing.

mod access;
mod autoscale;
mod expose;
mod network;
mod overrides;
mod policies;
mod workload;

use serde_json::{Map, Value, json};

use super::child::ChildKind;
use super::settings::Image;
use super::validate::{Valid, Workload};

/// Value of `app.kubernetes.io/managed-by` on everything that is built.
pub const MANAGER: &str = "leadflow-operator";
/// Label with the name of the Exchange that an object is part of.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label with the work that an object is there for.
const COMPONENT: &str = "app.kubernetes.io/component";
/// Label with the name of whoever manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// An object as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub kind: ChildKind,
    pub name: String,
    pub object: Value,
}

/// All objects of an Exchange, in the order in which they are applied: rights before the pods that need them.
pub fn build(valid: &Valid, image: &Image) -> Vec<Wanted> {
    let mut wanted: Vec<_> = valid
        .workloads
        .iter()
        .flat_map(|workload| {
            let part = Part { valid, workload };
            let always = [
                part.object(ChildKind::ServiceAccount, json!({"automountServiceAccountToken": false})),
                part.object(ChildKind::Role, access::role(workload)),
                part.object(ChildKind::RoleBinding, access::binding(&part)),
                part.object(ChildKind::PodDisruptionBudget, network::disruption_budget(&part)),
                workload::object(&part, image),
            ];
            let services = workload.duty.roles().iter().map(|role| network::service(&part, *role)).collect::<Vec<_>>();
            always.into_iter().chain(services).chain(autoscale::object(&part)).chain(policies::object(&part))
        })
        .chain(expose::objects(valid))
        .chain(policies::deny(valid))
        .collect();
    wanted.sort_by_key(|wanted| wanted.kind);
    wanted
}

/// One workload of an Exchange.
struct Part<'a> {
    valid: &'a Valid,
    workload: &'a Workload,
}

impl Part<'_> {
    /// The name of all objects of the workload.
    fn name(&self) -> String {
        format!("{}-{}", self.valid.name, self.workload.duty)
    }

    /// Labels that choose the workload's pods. They never change: a Deployment's selector can't.
    fn selector(&self) -> Value {
        json!({
            "app.kubernetes.io/name": "leadflow",
            INSTANCE: self.valid.name,
            COMPONENT: self.workload.duty.as_str(),
        })
    }

    fn labels(&self) -> Value {
        let mut labels = self.selector();
        labels["app.kubernetes.io/part-of"] = json!("leadflow");
        labels[MANAGED_BY] = json!(MANAGER);
        labels
    }

    /// A whole object of the rest of its fields.
    fn object(&self, kind: ChildKind, rest: Value) -> Wanted {
        object(self.valid, kind, self.name(), self.labels(), rest)
    }
}

/// A whole object that belongs to the Exchange.
fn object(valid: &Valid, kind: ChildKind, name: String, labels: Value, rest: Value) -> Wanted {
    let resource = kind.resource();
    let metadata = json!({"name": name, "namespace": valid.namespace, "labels": labels, "ownerReferences": [valid.owner]});
    let mut object = Map::from_iter([
        ("apiVersion".to_owned(), json!(resource.api_version)),
        ("kind".to_owned(), json!(resource.kind)),
        ("metadata".to_owned(), metadata),
    ]);
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Wanted { kind, name, object: Value::Object(object) }
}

#[cfg(test)]
#[path = "../build_tests.rs"]
mod tests;

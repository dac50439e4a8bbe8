//! What a workload's pods may do at the API server.

use serde_json::{Value, json};

use super::Part;
use crate::api::GROUP;
use crate::control::validate::Workload;
use crate::table::references::Role;

/// The rights of a workload, verb by verb.
pub(super) fn role(workload: &Workload) -> Value {
    let mut rules = vec![
        // The rules themselves.
        json!({
            "apiGroups": [GROUP],
            "resources": ["exchanges", "leadsources", "agents", "buyers", "leadendpoints", "routingpolicies"],
            "verbs": ["get", "list", "watch"],
        }),
        // The Lease by which a pod says which rules it runs.
        json!({
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["create", "patch", "delete"],
        }),
    ];
    rules.push(json!({"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["list", "watch"]}));
    // Without names, a rule would mean every Secret of the namespace.
    if !workload.secrets.is_empty() {
        rules.push(json!({
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": workload.secrets,
            "verbs": ["list", "watch"],
        }));
    }
    if workload.duty.plays(Role::Router) {
        rules.push(json!({"apiGroups": [GROUP], "resources": ["leadendpoints/status"], "verbs": ["patch"]}));
        rules.push(json!({"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}));
    }
    json!({"rules": rules})
}

pub(super) fn binding(part: &Part<'_>) -> Value {
    json!({
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": part.name()},
        "subjects": [{"kind": "ServiceAccount", "name": part.name(), "namespace": part.valid.namespace}],
    })
}

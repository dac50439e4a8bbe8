//! How a workload is reached, and how much of it may be away at once.

use serde_json::{Value, json};

use super::{COMPONENT, Part, Wanted};
use crate::control::child::ChildKind;
use crate::table::references::Role;

/// Ingest takes leads on port 80. The router answers questions about leads on its admin port.
pub(super) fn service(part: &Part<'_>, role: Role) -> Wanted {
    let port = match role {
        Role::Ingest => json!({"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}),
        Role::Router => json!({"name": "admin", "port": 9090, "targetPort": "admin", "protocol": "TCP"}),
    };
    let name = format!("{}-{role}", part.valid.name);
    let mut labels = part.labels();
    labels[COMPONENT] = json!(role.as_str());
    let rest = json!({"spec": {"type": "ClusterIP", "selector": part.selector(), "ports": [port]}});
    super::object(part.valid, ChildKind::Service, name, labels, rest)
}

/// A drain takes one pod at a time; pods that are not ready anyway hold up nobody.
pub(super) fn disruption_budget(part: &Part<'_>) -> Value {
    json!({
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": part.selector()},
        },
    })
}

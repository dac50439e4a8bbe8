//! NetworkPolicies: the pods of an Exchange are shut off, but for named holes. Probes of the kubelet come through whatever they say.

use serde_json::{Map, Value, json};

use super::{INSTANCE, MANAGED_BY, MANAGER, Part, Wanted};
use crate::control::child::ChildKind;
use crate::control::validate::Valid;
use crate::table::references::Role;

/// Label of namespaces whose pods may read metrics and ask questions.
const MONITORING: &str = "leadflow.dev/monitoring";

/// Nothing in, nothing out, for every pod of the Exchange.
pub(super) fn deny(valid: &Valid) -> Option<Wanted> {
    let pods = json!({"app.kubernetes.io/name": "leadflow", INSTANCE: valid.name});
    let mut labels = pods.clone();
    labels["app.kubernetes.io/part-of"] = json!("leadflow");
    labels[MANAGED_BY] = json!(MANAGER);
    let rest = json!({"spec": {"podSelector": {"matchLabels": pods}, "policyTypes": ["Ingress", "Egress"]}});
    valid.shut_off.then(|| super::object(valid, ChildKind::NetworkPolicy, format!("{}-deny", valid.name), labels, rest))
}

/// The holes for a workload's pods.
pub(super) fn object(part: &Part<'_>) -> Option<Wanted> {
    let mut ways_in = vec![json!({
        "from": [
            {"podSelector": Map::new()},
            {"namespaceSelector": {"matchLabels": {MONITORING: "true"}}},
        ],
        "ports": [{"port": "admin", "protocol": "TCP"}],
    })];
    if part.workload.duty.plays(Role::Ingest) {
        ways_in.push(json!({"ports": [{"port": "http", "protocol": "TCP"}]}));
    }
    // Endpoints are anywhere, on any port; which addresses are delivered to is the Exchange's own business.
    let anywhere = part.workload.duty.plays(Role::Router);
    let ways_out = if anywhere { json!([Map::new()]) } else { ingest_out(part.valid.database_port) };
    let spec = json!({
        "podSelector": {"matchLabels": part.selector()},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ways_in,
        "egress": ways_out,
    });
    part.valid.shut_off.then(|| part.object(ChildKind::NetworkPolicy, json!({"spec": spec})))
}

/// Where services are is not known beforehand, so each hole is a port, and not an address.
fn ingest_out(database_port: Option<i32>) -> Value {
    let tcp = |port: i32| json!({"port": port, "protocol": "TCP"});
    let mut ways = vec![
        // DNS; some clusters' servers listen on 5353 behind their Service.
        json!({"ports": [{"port": 53, "protocol": "UDP"}, tcp(53), {"port": 5353, "protocol": "UDP"}, tcp(5353)]}),
        // The API server: by its Service, or as it is.
        json!({"ports": [tcp(443), tcp(6443)]}),
    ];
    ways.extend(database_port.map(|port| json!({"ports": [tcp(port)]})));
    Value::Array(ways)
}

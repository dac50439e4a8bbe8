//! The pods of a workload.

use serde_json::{Value, json};

use super::Part;
use crate::table::references::Role;

/// Ports that a role listens on. Their numbers are fixed: they are the image's.
fn ports(role: Role) -> Value {
    match role {
        Role::Ingest => json!([
            {"name": "http", "containerPort": 8080, "protocol": "TCP"},
            {"name": "admin", "containerPort": 9080, "protocol": "TCP"},
        ]),
        Role::Router => json!([{"name": "admin", "containerPort": 9090, "protocol": "TCP"}]),
    }
}

pub(super) fn deployment(part: &Part<'_>, image: &str) -> Value {
    json!({
        "spec": {
            "replicas": part.workload.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": part.selector()},
            // A new pod is ready before an old one goes.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": part.labels()}, "spec": pod(part, image)},
        },
    })
}

fn pod(part: &Part<'_>, image: &str) -> Value {
    json!({
        "serviceAccountName": part.name(),
        // Pods watch the API server.
        "automountServiceAccountToken": true,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [spread(part, "kubernetes.io/hostname"), spread(part, "topology.kubernetes.io/zone")],
        "containers": [container(part, image)],
    })
}

/// Pods are spread where there is a choice, and run where there is none.
fn spread(part: &Part<'_>, topology: &str) -> Value {
    json!({
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": part.selector()},
    })
}

fn container(part: &Part<'_>, image: &str) -> Value {
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
    json!({
        "name": part.role().as_str(),
        "image": image,
        "args": [part.role().as_str()],
        "env": [
            {"name": "LEADFLOW_EXCHANGE", "value": part.valid.name},
            field("LEADFLOW_NAMESPACE", "metadata.namespace"),
            field("LEADFLOW_POD_NAME", "metadata.name"),
            field("LEADFLOW_POD_UID", "metadata.uid"),
        ],
        "ports": ports(part.role()),
        // A start may wait for the first lists; whether it may go on is readiness' business.
        "startupProbe": {"httpGet": {"path": "/livez", "port": "admin"}, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 60},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "admin"}, "periodSeconds": 5, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "admin"}, "periodSeconds": 10, "timeoutSeconds": 2, "failureThreshold": 3},
        // Until nobody sends to the pod any more.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    })
}

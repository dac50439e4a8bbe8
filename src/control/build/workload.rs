//! The pods of a workload.

use serde_json::{Value, json};

use super::{Part, Wanted, overrides};
use crate::api::exchange::Embedded;
use crate::control::child::ChildKind;
use crate::control::settings::Image;
use crate::control::validate::Workload;
use crate::table::duty::Duty;

/// Ports that pods listen on. Their numbers are fixed: they are the image's.
fn ports(duty: Duty) -> Value {
    let http = json!({"name": "http", "containerPort": 8080, "protocol": "TCP"});
    let admin = |port: u16| json!({"name": "admin", "containerPort": port, "protocol": "TCP"});
    match duty {
        Duty::Ingest => json!([http, admin(9080)]),
        Duty::Router => json!([admin(9090)]),
        Duty::Standalone => json!([http, admin(9090)]),
    }
}

/// Seconds that a pod has for its end: it finishes or gives back what it is at. Where there is a spool, that is brought to the store in the meantime,
/// with a little time before and after.
fn grace(workload: &Workload) -> i32 {
    workload.spool.as_ref().map_or(60, |spool| (spool.patience_seconds + 20).max(60))
}

/// Where ingest keeps leads while the store is away.
const SPOOL: &str = "/var/lib/leadflow/spool";
/// Where the embedded store is.
const DATA: &str = "/var/lib/leadflow/data";

/// What runs the pods: a Deployment, or where leads are in a file, a StatefulSet of one.
pub(super) fn object(part: &Part<'_>, image: &Image) -> Wanted {
    match &part.workload.volume {
        Some(volume) => part.object(ChildKind::StatefulSet, stateful_set(part, image, volume)),
        None => part.object(ChildKind::Deployment, deployment(part, image)),
    }
}

fn deployment(part: &Part<'_>, image: &Image) -> Value {
    let mut spec = json!({
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": part.selector()},
        // A new pod is ready before an old one goes.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": template(part, image),
    });
    if let Some(replicas) = part.workload.replicas {
        spec["replicas"] = json!(replicas);
    }
    json!({"spec": spec})
}

/// Two processes can't share the file, so the old pod is gone before the new one starts. The volume stays, whatever becomes of the rest.
fn stateful_set(part: &Part<'_>, image: &Image, volume: &Embedded) -> Value {
    let mut claim = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.storage}},
    });
    if let Some(class) = &volume.storage_class_name {
        claim["storageClassName"] = json!(class);
    }
    json!({
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "serviceName": format!("{}-ingest", part.valid.name),
            "selector": {"matchLabels": part.selector()},
            "updateStrategy": {"type": "RollingUpdate"},
            // A pod that never became ready is replaced when its template is mended; in order, Kubernetes would wait for it for ever.
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": template(part, image),
            "volumeClaimTemplates": [{
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data", "labels": part.selector()},
                "spec": claim,
            }],
        },
    })
}

/// The template of a workload's pods.
fn template(part: &Part<'_>, image: &Image) -> Value {
    let name = part.workload.overrides.image.as_ref().unwrap_or(&image.name);
    let mut template = json!({"metadata": {"labels": part.labels()}, "spec": pod(part, name)});
    if let Some(spool) = &part.workload.spool {
        template["spec"]["volumes"] = json!([{"name": "spool", "emptyDir": {"sizeLimit": spool.size_limit}}]);
        let (max, patience) = (spool.max_bytes().to_string(), spool.patience_seconds.to_string());
        let variables = [("LEADFLOW_SPOOL", SPOOL), ("LEADFLOW_SPOOL_MAX_BYTES", &max), ("LEADFLOW_SPOOL_PATIENCE", &patience)];
        mount(&mut template, "spool", SPOOL, &variables);
    }
    if part.workload.volume.is_some() {
        mount(&mut template, "data", DATA, &[("LEADFLOW_DATA", DATA)]);
    }
    overrides::apply(part, image, &mut template);
    template
}

/// Mounts a volume, and tells the process of it.
fn mount(template: &mut Value, volume: &str, path: &str, variables: &[(&str, &str)]) {
    let container = &mut template["spec"]["containers"][0];
    container["volumeMounts"] = json!([{"name": volume, "mountPath": path}]);
    if let Some(env) = container["env"].as_array_mut() {
        env.extend(variables.iter().map(|(name, value)| json!({"name": name, "value": value})));
    }
}

fn pod(part: &Part<'_>, image: &str) -> Value {
    json!({
        "serviceAccountName": part.name(),
        // Pods watch the API server.
        "automountServiceAccountToken": true,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": grace(part.workload),
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            // Volumes are writable.
            "fsGroup": 10001,
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
        "name": part.workload.duty.as_str(),
        "image": image,
        "args": [part.workload.duty.as_str()],
        "env": [
            {"name": "LEADFLOW_EXCHANGE", "value": part.valid.name},
            field("LEADFLOW_NAMESPACE", "metadata.namespace"),
            field("LEADFLOW_POD_NAME", "metadata.name"),
            field("LEADFLOW_POD_UID", "metadata.uid"),
        ],
        "ports": ports(part.workload.duty),
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

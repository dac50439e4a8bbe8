//! Who says how many pods run.

use serde_json::{Value, json};

use super::{Part, Wanted};
use crate::api::workload::Autoscale;
use crate::control::child::ChildKind;

pub(super) fn object(part: &Part<'_>) -> Option<Wanted> {
    let autoscale = part.workload.autoscale()?;
    match (autoscale.cpu_percent, autoscale.queue_age_seconds, &autoscale.prometheus_address) {
        (Some(percent), _, _) => Some(part.object(ChildKind::HorizontalPodAutoscaler, by_cpu(part, autoscale, percent))),
        (None, Some(seconds), Some(address)) => Some(part.object(ChildKind::ScaledObject, by_queue_age(part, autoscale, seconds, address))),
        _ => None,
    }
}

/// Up at once, and down slowly: a pod that goes gives back what it was at.
fn behavior() -> Value {
    json!({
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 30},
                {"type": "Pods", "value": 2, "periodSeconds": 30},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    })
}

fn by_cpu(part: &Part<'_>, autoscale: &Autoscale, percent: i32) -> Value {
    json!({
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": part.name()},
            "minReplicas": autoscale.min_replicas,
            "maxReplicas": autoscale.max_replicas,
            "metrics": [{
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
            }],
            "behavior": behavior(),
        },
    })
}

/// All routers see the same queue, so the greatest age counts, and it is no sum of theirs.
fn by_queue_age(part: &Part<'_>, autoscale: &Autoscale, seconds: i32, address: &str) -> Value {
    json!({
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": part.name()},
            "minReplicaCount": autoscale.min_replicas,
            "maxReplicaCount": autoscale.max_replicas,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior()}},
            "triggers": [{
                "type": "prometheus",
                "metricType": "Value",
                "metadata": {
                    "serverAddress": address,
                    "query": format!("max(leadflow_queue_age_seconds{{namespace=\"{}\"}})", part.valid.namespace),
                    "threshold": seconds.to_string(),
                },
            }],
        },
    })
}

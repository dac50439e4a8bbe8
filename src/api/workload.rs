//! The pods of an Exchange: how many, and what is different about them.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expose::Expose;
use super::pods::{PodTemplate, PullPolicy, Resources};

/// The pods that take leads in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.autoscale) || !has(self.autoscale.queueAgeSeconds)", "`autoscale` must go by `cpuPercent`: the queue is the router's"))]
pub struct Ingest {
    #[serde(flatten)]
    pub workload: Workload,
    /// The way in from outside the cluster. Not given: sources reach ingest inside the cluster only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose: Option<Expose>,
    /// Where leads are kept while the store is away.
    #[serde(default)]
    pub spool: Spool,
}

/// The pods of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// How many pods run. Not given: 2. With the embedded store one pod does all the work, and with `autoscale` the autoscaler says how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,
    /// Who says how many pods run, in place of `replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// Image of the pods. Not given: the operator's own, so that both are of one version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// When nodes fetch the image. Not given: as the operator was told, or else as Kubernetes does by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// What the container asks for and may use, as in a Pod. What is not given here stays as the operator sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// What else is different about the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

/// Bounds of the number of pods, and what it goes by: the CPU, or how long leads wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.cpuPercent) != has(self.queueAgeSeconds)", "must give exactly one of `cpuPercent` and `queueAgeSeconds`"))]
#[x_kube(validation = ("has(self.queueAgeSeconds) == has(self.prometheusAddress)", "`queueAgeSeconds` and `prometheusAddress` must be given together"))]
#[x_kube(validation = ("self.minReplicas <= self.maxReplicas", "`minReplicas` must not be greater than `maxReplicas`"))]
pub struct Autoscale {
    /// The fewest pods.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 100))]
    pub min_replicas: i32,
    /// The most pods.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,
    /// Share of the requested CPU, in percent, that pods are to use on average. A HorizontalPodAutoscaler sees to it, by the cluster's metrics server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub cpu_percent: Option<i32>,
    /// Seconds that the longest-waiting lead may be due (`leadflow_queue_age_seconds`) before there are more routers. A ScaledObject of KEDA sees to
    /// it, which must be installed; Prometheus must set the label `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub queue_age_seconds: Option<i32>,
    /// URL of the Prometheus server that knows the metric, such as `http://prometheus.monitoring.svc:9090`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^https?://[^\s]+$"))]
    pub prometheus_address: Option<String>,
}

/// Where leads are kept while the store is away: a volume that goes with the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spool {
    /// Size of the volume, such as `512Mi` or `1Gi`. A full one is answered 503.
    #[serde(default = "one_gi")]
    #[schemars(length(min = 3, max = 8), regex(pattern = r"^[1-9][0-9]{0,4}(Mi|Gi)$"))]
    pub size_limit: String,
    /// Seconds that a pod which has to end waits for the store, to bring it the leads it keeps. What it keeps then goes with the pod, and its log tells
    /// how many leads that were. The pod's grace period is 20 seconds longer; the deletion of its namespace can take as long.
    #[serde(default = "hundred")]
    #[schemars(range(min = 0, max = 3600))]
    pub patience_seconds: i32,
}

impl Spool {
    /// What the spool may hold, in bytes: a sixteenth less than the volume, since a pod that goes over its volume's limit is evicted.
    pub fn max_bytes(&self) -> u64 {
        let size = self.size_limit.as_str();
        let (number, unit) = size.split_at(size.len().saturating_sub(2));
        let unit: u64 = if unit == "Gi" { 1 << 30 } else { 1 << 20 };
        let bytes = number.parse::<u64>().unwrap_or(1).saturating_mul(unit);
        bytes - bytes / 16
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { size_limit: one_gi(), patience_seconds: hundred() }
    }
}

fn one_gi() -> String {
    "1Gi".to_owned()
}
fn hundred() -> i32 {
    100
}
fn two() -> i32 {
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_stays_below_its_volume() {
        let max = |size: &str| Spool { size_limit: size.to_owned(), ..Spool::default() }.max_bytes();
        assert_eq!(max("1Gi"), 1_006_632_960);
        assert_eq!(max("16Mi"), 15 << 20);
    }
}

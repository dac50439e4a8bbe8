//! The pods of an Exchange: how many, and what is different about them.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::expose::Expose;

/// The pods that take leads in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingest {
    #[serde(flatten)]
    pub workload: Workload,
    /// The way in from outside the cluster. Not given: sources reach ingest inside the cluster only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose: Option<Expose>,
}

/// The pods of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// How many pods run. Not given: 2. With the embedded store one pod does all the work, whatever is given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: Option<i32>,
}

/// Schema of a map of annotations: bounded.
pub(super) fn annotation_map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "maxLength": 8192}
    })
}

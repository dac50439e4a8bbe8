//! `LeadSource`: who may post leads, and how these are read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::KeysFrom;

/// Who may post leads to `/v1/sources/{name}/leads`, with which keys, and how the leads are read.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "LeadSource",
    plural = "leadsources",
    singular = "leadsource",
    shortname = "ls",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "LeadSourceStatus",
    doc = "Who may post leads to /v1/sources/{name}/leads, with which keys, and how the leads are read.",
    printcolumn = r#"{"name":"Format","type":"string","jsonPath":".spec.format"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".status.url"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct LeadSourceSpec {
    /// The one format in which the source posts; another content type is answered 415. Not given: both, told apart by the request's `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How the source shows who it is.
    pub auth: SourceAuth,
    /// Canonical fields without which a lead is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub require: Vec<String>,
    /// Canonical field → the path under which this source sends it, such as `location.zip: property.zip`. Looked at before the field's own name and its aliases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "path_map")]
    pub map: BTreeMap<String, String>,
    /// Country of phone numbers and postal codes that name none, by its ISO 3166 code.
    #[serde(default = "us")]
    #[schemars(length(min = 2, max = 2), regex(pattern = r"^[A-Z]{2}$"))]
    pub default_country: String,
    /// When a lead counts as one that the source has sent before. Not given: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<Deduplicate>,
    /// The most leads that one ingest pod takes from the source; more are answered 429 with `Retry-After`. Not given: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// When a post is answered.
    #[serde(default)]
    pub answer: Answer,
}

/// Formats of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// `application/json`: an object, nested or with dotted keys.
    JSON,
    /// `application/x-www-form-urlencoded`: dotted or bracketed keys.
    Form,
}

/// How a source shows who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceAuth {
    /// The Secret with the source's keys: the value of every entry is a valid key, so a rotation is an edit of the Secret. Sources send a key as
    /// `Authorization: Bearer KEY` or `X-Api-Key: KEY`.
    pub keys_from: KeysFrom,
}

/// When a lead counts as sent before. An empty field never makes a duplicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deduplicate {
    /// Canonical fields to compare.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub by: Vec<String>,
    /// Whether one equal field is enough, or all must be.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// Days that a lead is remembered. 0: for ever.
    #[schemars(range(min = 0, max = 3650))]
    pub within_days: i32,
}

/// How many of the fields must be equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Match {
    /// One equal field is enough.
    #[default]
    Any,
    /// All fields must be equal.
    All,
}

/// A rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Leads a second, lasting.
    #[schemars(range(min = 1, max = 100_000))]
    pub per_second: i32,
    /// Leads at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: i32,
}

/// When a post is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `Durable`: as soon as the lead is safe on disk. `Settled`: with the outcome, when there is one within `waitSeconds`. A request's `Prefer: wait=N` (RFC 7240) asks for the same.
    #[serde(default)]
    pub when: AnswerWhen,
    /// The longest wait for an outcome; also bounds `Prefer: wait=N`.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 60))]
    pub wait_seconds: i32,
}

impl Default for Answer {
    fn default() -> Self {
        Self { when: AnswerWhen::default(), wait_seconds: ten() }
    }
}

/// When a post is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AnswerWhen {
    #[default]
    Durable,
    Settled,
}

/// Status of a lead source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeadSourceStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What became of the object, one entry a type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Where the source posts: the address of the Exchange and the path of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub url: Option<String>,
}

/// A map of field paths: bounded.
fn path_map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 200,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 128}
    })
}

fn us() -> String {
    "US".to_owned()
}
fn ten() -> i32 {
    10
}

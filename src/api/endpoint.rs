//! `Endpoint`: where leads are delivered, how its answers are read, and when it is left alone.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::ValueFrom;

/// Where leads are delivered: the request, how the answer is read, retries, and the circuit breaker.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "Endpoint",
    plural = "leadendpoints",
    singular = "leadendpoint",
    shortname = "lep",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "EndpointStatus",
    doc = "Where leads are delivered: the request, how the answer is read, retries, and the circuit breaker.",
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".spec.http.url"}"#,
    printcolumn = r#"{"name":"Circuit","type":"string","jsonPath":".status.circuit.state"}"#,
    printcolumn = r#"{"name":"Retry at","type":"string","priority":1,"jsonPath":".status.circuit.retryAt"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSpec {
    /// Delivery by HTTP.
    pub http: HttpDelivery,
    /// Seconds that one request may take, from connecting to the last byte of the answer.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 120))]
    pub timeout_seconds: i32,
    /// How often one lead is tried at this endpoint before the next candidate gets it.
    #[serde(default)]
    pub retry: Retry,
    /// The most requests under way at once from one router. More wait their turn, so that a slow endpoint delays only itself.
    #[serde(default = "sixteen")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_in_flight: i32,
    /// When the endpoint is left alone, and for how long.
    #[serde(default)]
    pub breaker: Breaker,
    /// Manual override: `Auto` follows the breaker, `Paused` sends nothing, `Forced` sends regardless of failures.
    #[serde(default)]
    pub circuit: CircuitMode,
}

/// Delivery by an HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpDelivery {
    /// Where the request goes. Private, loopback and link-local addresses are refused unless the Exchange allows them.
    #[schemars(length(min = 10, max = 2048), regex(pattern = r"^https?://[^\s{}]+$"))]
    #[x_kube(validation = ("isURL(self)", "must be an absolute http or https URL"))]
    pub url: String,
    /// The request's method.
    #[serde(default)]
    pub method: HttpMethod,
    /// Headers of the request, by name. Values may hold `{{ path }}`. `Content-Type`, `Authorization`, `Host` and `Idempotency-Key` are set by LeadFlow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "header_map")]
    pub headers: BTreeMap<String, String>,
    /// How the endpoint knows us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// How the body is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The body: an object whose strings may hold `{{ path }}`, where path is a field of the lead (`lead.contact.email`, `lead.id`, `lead.source`),
    /// of the recipient (`recipient.name`, `.display_name`, `.email`, `.phone`, `.contract`) or `delivery.key`. A string that is nothing but one
    /// `{{ path }}` takes the value with its type; a key whose value is absent from the lead is left out. Not given: all of the lead's fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_object")]
    pub body: Option<serde_json::Value>,
    /// How the answer is read. What no rule matches is decided by its status: 2xx is accepted; 408, 425, 429 and 5xx are failures, tried again; the rest is refused.
    #[serde(default)]
    pub response: Response,
}

/// The methods that a delivery can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpMethod {
    #[default]
    POST,
    PUT,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// `application/json`
    #[default]
    JSON,
    /// `application/x-www-form-urlencoded`; the body is then a flat object.
    Form,
}

/// How the endpoint knows us: one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.bearer) != has(self.basic)", "must give exactly one of `bearer` and `basic`"))]
pub struct Auth {
    /// `Authorization: Bearer …` (RFC 6750).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Bearer>,
    /// `Authorization: Basic …` (RFC 7617).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
}

/// Bearer authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bearer {
    /// Where the token is kept. A change of the Secret takes effect within a second.
    pub token_from: ValueFrom,
}

/// Basic authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Basic {
    /// Where the user name is kept.
    pub username_from: ValueFrom,
    /// Where the password is kept.
    pub password_from: ValueFrom,
}

/// How an answer is read. Rules are tried in the order duplicate, refused, accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The lead was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AnswerRule>,
    /// The endpoint has this very delivery already; it counts as taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<AnswerRule>,
    /// The endpoint does not want the lead; the next candidate gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<AnswerRule>,
    /// Where the far side's id of the lead stands in the answer. It is stored with the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<FromAnswer>,
    /// Where the reason of a refusal stands in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FromAnswer>,
}

/// What an answer looks like: every part that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.status) || has(self.body)", "must give `status`, `body` or both"))]
pub struct AnswerRule {
    /// Status codes (`"409"`) and ranges of them (`"200-299"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 7), regex(pattern = r"^[1-5][0-9]{2}(-[1-5][0-9]{2})?$")))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub status: Option<Vec<String>>,
    /// A value that the JSON body must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyTest>,
}

/// A test of one value of a JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BodyTest {
    /// JSON pointer (RFC 6901) to the value, such as `/result/status`.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^/"))]
    pub json_pointer: String,
    /// The value, as text, is one of these: `"true"` also matches the boolean.
    #[schemars(length(min = 1, max = 32), inner(length(max = 256)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub is: Vec<String>,
}

/// Where a value stands in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FromAnswer {
    /// JSON pointer (RFC 6901) into the body, such as `/id`.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^/"))]
    pub json_pointer: String,
}

/// How often one lead is tried at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Requests in all, the first one counted.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    pub attempts: i32,
    /// Seconds after the first request within which the last one may start. `Retry-After` is honoured within them.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 3600))]
    pub within_seconds: i32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: three(), within_seconds: thirty() }
    }
}

/// When an endpoint is left alone: on failures in a row, or on a share of failed or slow calls in the last 30 seconds.
/// Timeouts, refused connections, 5xx and answers that can't be read are failures; a lead that is refused is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// Failures in a row that trip the circuit.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 1000))]
    pub consecutive_failures: i32,
    /// Percentage of failed calls in the last 30 seconds that trips the circuit, once there are `minimumCalls`.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: i32,
    /// Calls in the last 30 seconds below which percentages are not looked at.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 10_000))]
    pub minimum_calls: i32,
    /// Seconds above which a call counts as slow. Not given: no call does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 120))]
    pub slow_seconds: Option<i32>,
    /// Percentage of slow calls in the last 30 seconds that trips the circuit, once there are `minimumCalls`.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 100))]
    pub slow_percent: i32,
    /// Seconds that the endpoint is left alone after the first trip. Each trip without a recovery between doubles them, up to 300, and up to a fifth is added by chance.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub open_seconds: i32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            consecutive_failures: five(),
            failure_percent: fifty(),
            minimum_calls: twenty(),
            slow_seconds: None,
            slow_percent: fifty(),
            open_seconds: thirty(),
        }
    }
}

/// Manual override of a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CircuitMode {
    /// Follow the breaker.
    #[default]
    Auto,
    /// Send nothing; leads go to the next candidate.
    Paused,
    /// Send regardless of failures.
    Forced,
}

/// Status of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What became of the object, one entry a type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The circuit as the routers last reported it; written on transitions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit: Option<Circuit>,
}

/// A circuit, as a router saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Circuit {
    /// `Serving` sends, `Tripped` leaves the endpoint alone until `retryAt`, `Probing` sends one lead to see.
    pub state: CircuitState,
    /// Why it is so.
    pub reason: CircuitReason,
    /// When it became so.
    pub since: Time,
    /// When the endpoint is tried again; with `Tripped` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Time>,
    /// The router that reported it.
    #[schemars(length(max = 253))]
    pub reported_by: String,
}

/// States of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum CircuitState {
    Serving,
    Tripped,
    Probing,
}

/// Why a circuit is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum CircuitReason {
    /// Failures in a row.
    ConsecutiveFailures,
    /// The share of failed calls.
    FailureRate,
    /// The share of slow calls.
    SlowCalls,
    /// A probe failed.
    ProbeFailed,
    /// The time of being left alone is over; a probe is under way.
    ProbeDue,
    /// Probes succeeded.
    Recovered,
}

/// A header map: bounded.
fn header_map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 1024}
    })
}

/// An object of any shape.
fn free_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn three() -> i32 {
    3
}
fn five() -> i32 {
    5
}
fn ten() -> i32 {
    10
}
fn sixteen() -> i32 {
    16
}
fn twenty() -> i32 {
    20
}
fn thirty() -> i32 {
    30
}
fn fifty() -> i32 {
    50
}

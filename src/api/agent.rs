//! `Agent`: a salesperson, what they take, and how much at once.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::availability::{Hours, TimeOff};
use super::cap::{Cap, Target};
use super::shared::{Filter, ObjectStatus};

/// A salesperson: which leads they take, how many at once, and where these are delivered.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "Agent",
    plural = "agents",
    singular = "agent",
    shortname = "lag",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "ObjectStatus",
    doc = "A salesperson: which leads they take, how many at once, and where these are delivered.",
    printcolumn = r#"{"name":"Display name","type":"string","jsonPath":".spec.displayName"}"#,
    printcolumn = r#"{"name":"Deliver to","type":"string","jsonPath":".spec.deliverTo"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// The person's name, as endpoints are told it (`{{ recipient.display_name }}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub display_name: Option<String>,
    /// How the person is reached; for use in endpoint templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<AgentContact>,
    /// Tests that a lead must pass, all of them. They are indexed: thousands of agents cost nothing. No tests: every lead passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub accepts: Vec<Filter>,
    /// CEL condition over `lead` for what `accepts` cannot say; true takes the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
    /// How much the person can work on at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Limits by calendar window, all of which hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["per".into(), "counts".into()]))]
    pub caps: Vec<Cap>,
    /// How much the person should get, for the method Attainment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// When the person takes leads. Not given: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Days off, and who stands in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub time_off: Vec<TimeOff>,
    /// True stops leads to the person until it is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Whether the person calls leads by phone. One who does gets none in quiet hours when a policy says so (`quietHours`).
    #[serde(default = "yes")]
    pub calls: bool,
    /// What the person can do beyond others, such as `Spanish`; policies can ask for skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub skills: Vec<String>,
    /// IANA time zone of the person's calendar, such as `America/New_York`; the Exchange's when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// Rank for the method Priority: the highest number goes first.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i32,
    /// Share for the method Weighted, relative to the other candidates' weights. 0 gets nothing by that method.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: i32,
    /// What is known of the person's results, for the method Score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
    /// Name of the Endpoint that the leads go to. Its answer decides whether the lead counts as taken.
    #[schemars(length(min = 1, max = 253))]
    pub deliver_to: String,
}

/// How an agent is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentContact {
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254))]
    pub email: Option<String>,
    /// Phone number in E.164 form, such as `+13105550100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 20), regex(pattern = r"^\+[0-9]{2,18}$"))]
    pub phone: Option<String>,
}

/// How much an agent can work on at once. A lead is open from its acceptance until it is closed (`leadflow close`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.openLeads) || has(self.openWeight)", "must give `openLeads`, `openWeight` or both"))]
pub struct Capacity {
    /// The most leads that are open with the agent at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub open_leads: Option<i64>,
    /// The most weight of leads that are open with the agent at a time; see `weightByGrade`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000_000))]
    pub open_weight: Option<i64>,
    /// What an open lead weighs, by its grade. A grade that is not here, and a lead without one, weighs 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "weights")]
    pub weight_by_grade: BTreeMap<String, i64>,
}

/// What is known of an agent's results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// Share of leads that the agent converts, from `"0"` to `"1"`; `recipient.conversionRate` in Score expressions.
    #[schemars(length(min = 1, max = 16), regex(pattern = r"^(0(\.[0-9]+)?|1(\.0+)?)$"))]
    pub conversion_rate: String,
}

pub(crate) fn one() -> i32 {
    1
}
pub(crate) fn yes() -> bool {
    true
}

fn weights(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "integer", "format": "int64", "minimum": 0, "maximum": 1_000_000}
    })
}

//! `RoutingPolicy`: who gets which lead.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{ObjectStatus, Selector};

/// Who gets which lead: the leads it takes, and the tiers of recipients that are tried in order.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "leadflow.dev",
    version = "v1alpha1",
    kind = "RoutingPolicy",
    plural = "routingpolicies",
    singular = "routingpolicy",
    shortname = "rp",
    category = "leadflow",
    namespaced,
    derive = "PartialEq",
    status = "ObjectStatus",
    doc = "Who gets which lead: the leads it takes, and the tiers of recipients that are tried in order.",
    printcolumn = r#"{"name":"Precedence","type":"integer","jsonPath":".spec.precedence"}"#,
    printcolumn = r#"{"name":"Recipients","type":"integer","jsonPath":".spec.maxRecipients"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Programmed","type":"string","jsonPath":".status.conditions[?(@.type==\"Programmed\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct RoutingPolicySpec {
    /// Which policy takes a lead that several would: the highest number; then the oldest policy; then the first name.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub precedence: i32,
    /// Which leads the policy takes. Not given: all.
    #[serde(default)]
    pub takes: Takes,
    /// The most recipients that get one lead. 1: the lead is exclusive.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 20))]
    pub max_recipients: i32,
    /// Seconds from a lead's arrival (or its re-run) within which it must be settled; after them it goes to the unmatched queue.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 86_400))]
    pub within_seconds: i32,
    /// What happens when an endpoint may or may not have taken the lead, because its answer never came: `Settle` repeats the very same request, with
    /// the same idempotency key, and offers the lead to nobody else before it is answered; `NextCandidate` moves on, so two recipients may have it.
    #[serde(default)]
    pub after_timeout: AfterTimeout,
    /// Groups of recipients, tried in order. The next tier is asked when the one before had nobody, or not enough, to take the lead.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub tiers: Vec<Tier>,
}

/// Which leads a policy takes: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Takes {
    /// Labels of the LeadSource that the lead came by. Not given: every source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Selector>,
    /// CEL condition over `lead`; true takes it. A lead that lacks a field which the condition reads is not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
}

/// One step of a policy's waterfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// Name of the tier within the policy.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Who is in the tier.
    pub to: Recipients,
    /// CEL condition over `lead` under which the tier is used. Not given: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
    /// In which order the tier's recipients are asked.
    pub method: Method,
}

/// Who is in a tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.agents) || has(self.buyers)", "must give `agents`, `buyers` or both"))]
pub struct Recipients {
    /// Agents; `{}` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Group>,
    /// Contracts of buyers; `{}` is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyers: Option<Group>,
}

/// Some objects of one kind: those that the selector chooses, and of these the named ones when names are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Chooses by labels. Not given: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Names of objects. Not given: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Set)]
    pub names: Option<Vec<String>>,
}

/// In which order recipients are asked. Ties go to the one that was assigned least recently, then by a fixed hash of policy, tier and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("(self.type == 'Score') == has(self.score)", "must give `score` for type 'Score', and for no other"))]
pub struct Method {
    /// `Priority`: the highest `priority` first. `RoundRobin`: each in turn. `Weighted`: in turn, by share of `weight`. `Score`: the highest score first.
    #[serde(rename = "type")]
    pub kind: MethodType,
    /// How recipients are scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum MethodType {
    Priority,
    RoundRobin,
    Weighted,
    Score,
}

/// How recipients are scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// CEL expression over `lead` and `recipient` that gives a number, such as `recipient.conversionRate * 10.0 - recipient.load`. The recipient has `name`,
    /// `conversionRate`, `load` (open leads), `price`, `priority`, `weight`. All its numbers are decimals: write `10.0`, not `10`, beside them.
    #[schemars(length(min = 1, max = 1024))]
    pub expression: String,
}

/// What happens when an endpoint's answer never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AfterTimeout {
    #[default]
    Settle,
    NextCandidate,
}

fn one() -> i32 {
    1
}
fn sixty() -> i32 {
    60
}

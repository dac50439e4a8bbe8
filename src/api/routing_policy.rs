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
    /// `Live` decides and delivers. `Shadow` decides the leads that it takes beside the live policy and records what it would have done, for
    /// `leadflow explain`; it delivers nothing and takes no places.
    #[serde(default)]
    pub mode: Mode,
    /// Which policy takes a lead that several would: the highest number; then the oldest policy; then the first name.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub precedence: i32,
    /// Which leads the policy takes. Not given: all.
    #[serde(default)]
    pub takes: Takes,
    /// How leads are scored and graded, for `lead.score` and `lead.grade`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Scoring>,
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
    /// Skills that agents need for some leads. Contracts of buyers are not asked for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["skill".into()]))]
    pub skills: Vec<SkillNeeded>,
    /// What happens to leads while the law where they live forbids to call them. Not given: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Groups of recipients, tried in order. The next tier is asked when the one before had nobody, or not enough, to take the lead.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub tiers: Vec<Tier>,
    /// Who is asked when no tier had anybody to take the lead, before it goes to the unmatched queue; in the order of `priority`. Their own tests, hours
    /// and caps hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

/// Whether a policy delivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    #[default]
    Live,
    Shadow,
}

/// Points for what a lead says, and grades for the sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scoring {
    /// The sum of the points of those whose condition holds is `lead.score`.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<ScoreRule>,
    /// Grades by the least score that gives each; the best that the score reaches is `lead.grade`. A score below all has no grade.
    /// Not given: A from 60, B from 40, C from 20, D below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["grade".into()]))]
    pub grades: Vec<GradeFrom>,
}

/// Points for one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScoreRule {
    /// Name of the rule, as explanations show it.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// CEL condition over `lead`. A lead that lacks a field which the condition reads gets no points by it.
    #[schemars(length(min = 1, max = 1024))]
    pub when: String,
    /// What is added to the score; may be negative.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub points: i64,
}

/// One grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradeFrom {
    /// The grade's name, such as `A`.
    #[schemars(length(min = 1, max = 16), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9+-]*$"))]
    pub grade: String,
    /// The least score that gives the grade.
    #[schemars(range(min = -100_000_000, max = 100_000_000))]
    pub at_least: i64,
}

/// A skill that agents need for some leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillNeeded {
    /// The skill, as agents list it.
    #[schemars(length(min = 1, max = 63))]
    pub skill: String,
    /// CEL condition over `lead` under which the skill is needed. Not given: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
    /// Seconds from the lead's arrival after which an agent without the skill will do. Not given: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2_592_000))]
    pub relax_after_seconds: Option<i32>,
}

/// What happens to leads while the law where they live forbids to call them. Where a lead lives is told by its ZIP, else its phone's area code, else its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    /// Whose law: `US`, the federal and state calling windows of `docs/quiet-hours.md`.
    pub jurisdictions: Jurisdictions,
    /// `Wait`: the lead waits until it may be called. `WithoutCalls`: it goes to recipients that don't call (`calls: false`), and waits when there are none.
    #[serde(default)]
    pub when_closed: WhenClosed,
}

/// Whose law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Jurisdictions {
    US,
}

/// What a lead does in quiet hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenClosed {
    #[default]
    Wait,
    WithoutCalls,
}

/// Who is asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// The recipients.
    pub to: Recipients,
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
    /// The most recipients of this tier that get one lead. Not given: as many as the policy allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20))]
    pub limit: Option<i32>,
    /// What follows when somebody of this tier took the lead. `Continue`: the next tiers are asked until the lead has `maxRecipients`. `Stop`: they are not.
    #[serde(default)]
    pub if_sold: IfSold,
    /// `CompareWithShared` sells the lead to one recipient alone when the best exclusive price is at least what the best shared prices together come to,
    /// as many as the lead may still have; otherwise to these. `AsRanked` goes by the method alone.
    #[serde(default)]
    pub exclusive: Exclusive,
}

/// What follows a sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IfSold {
    #[default]
    Continue,
    Stop,
}

/// How exclusive and shared sales are weighed against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Exclusive {
    #[default]
    AsRanked,
    CompareWithShared,
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
#[x_kube(
    validation = ("(self.type == 'Sticky') == has(self.sticky)", "must give `sticky` for type 'Sticky', and for no other"),
    validation = (
        "(self.type == 'Score' || (has(self.sticky) && has(self.sticky.otherwise) && self.sticky.otherwise == 'Score')) == has(self.score)",
        "must give `score` for type 'Score', and for no other"
    ),
    validation = (
        "!has(self.leastLoaded) || self.type == 'LeastLoaded' || (has(self.sticky) && has(self.sticky.otherwise) && self.sticky.otherwise == 'LeastLoaded')",
        "`leastLoaded` needs type 'LeastLoaded'"
    )
)]
pub struct Method {
    /// `Priority`: the highest `priority` first. `RoundRobin`: each in turn. `Weighted`: in turn, by share of `weight`. `Attainment`: whoever is furthest
    /// behind its `target`. `HighestPrice`: who pays most for this lead. `Score`: the highest score first. `LeastLoaded`: who has the least open work.
    /// `Sticky`: who has a lead of this person or company already; nobody else, unless `sticky.otherwise` says by which method.
    #[serde(rename = "type")]
    pub kind: MethodType,
    /// How recipients are scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// How the known owner is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// What load is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_loaded: Option<LeastLoaded>,
    /// For turns (`RoundRobin`, `Weighted`): `KeepPlace` gives a recipient that comes back from absence its place in the rotation and nothing of what it
    /// missed. `CatchUp` gives it the missed turns first.
    #[serde(default)]
    pub after_absence: AfterAbsence,
}

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum MethodType {
    Priority,
    RoundRobin,
    Weighted,
    Attainment,
    HighestPrice,
    Score,
    LeastLoaded,
    Sticky,
}

/// How the known owner of a lead is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sticky {
    /// Fields by which a person or company is known again: an equal value of any of them will do, the first field counting most.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 128)))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Atomic)]
    pub by: Vec<String>,
    /// For how many days after the last lead an owner stays known. Not given: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3650))]
    pub within_days: Option<i32>,
    /// The method by which the tier's others are ranked behind the owner. Not given: nobody else is asked in this tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<OtherwiseType>,
}

/// The methods that can stand behind Sticky.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OtherwiseType {
    Priority,
    RoundRobin,
    Weighted,
    Attainment,
    HighestPrice,
    Score,
    LeastLoaded,
}

/// What load is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeastLoaded {
    /// `OpenLeads`: how many leads are open. `OpenWeight`: how much they weigh together. `ShareOfCapacity`: the part of the capacity that is used.
    pub by: LoadBy,
}

/// What load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LoadBy {
    #[default]
    OpenLeads,
    OpenWeight,
    ShareOfCapacity,
}

/// What a recipient gets of the turns that it missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AfterAbsence {
    #[default]
    KeepPlace,
    CatchUp,
}

/// How recipients are scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// CEL expression over `lead` and `recipient` that gives a number, such as `recipient.conversionRate * 10.0 - recipient.load`. The recipient has `name`,
    /// `conversionRate`, `load` (open leads), `openWeight`, `capacity` (0 when there is none), `sold` (leads taken today), `price`, `priority`, `weight`. All its numbers are decimals: write `10.0`, not `10`, beside them.
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

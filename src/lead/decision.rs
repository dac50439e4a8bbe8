//! What was decided, why, and from what: enough to decide it again, to the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::Money;
use super::{LeadId, RecipientKey, UnmatchedReason};

/// The full record of one decision. It holds no value of the lead's fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub lead: LeadId,
    /// Digest of the rules (see `table::Table::digest`), in hex.
    pub rules: String,
    /// What the decision saw besides rules and lead.
    pub inputs: Inputs,
    /// The policy that took the lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The policy is a shadow: nothing came of the decision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// Policies that were looked at before, and why they did not take the lead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// What the lead came to by the policy's scoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Scored>,
    /// The stages, tier by tier.
    pub tiers: Vec<TierTrace>,
    /// Whom to ask, in order, until one of them took the lead; then it is decided anew who else gets it.
    pub candidates: Vec<Candidate>,
    /// Why nobody is a candidate, when so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<UnmatchedReason>,
    /// When waiting may help: the first time at which somebody who was out of reach for a cap or a breaker may be back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// What a lead came to by a policy's scoring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    pub points: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The rules that gave points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fired: Vec<String>,
}

/// What a decision sees besides rules and lead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    pub now: Timestamp,
    /// Recipients that had this lead offered before and are not asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<RecipientKey>,
    /// Who took the lead already (shared leads).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<TakenIn>,
    /// Who had leads of this person or company before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<KnownOwner>,
    /// Endpoints that could not be delivered to, of recipients that would have been asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unavailable: BTreeMap<String, Unavailable>,
    /// Hints of other routers were not heeded, because nobody would have been left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hints_ignored: bool,
    /// What was read of places used and turns, in the order in which it was asked for (see `flow::decide::tape`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<i64>,
}

/// One recipient that took the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenIn {
    pub tier: String,
    /// Nobody else may have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
}

/// Who had a lead with the same value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownOwner {
    pub field: String,
    pub recipient: RecipientKey,
    /// When it took the last such lead.
    pub at: Timestamp,
}

/// Why an endpoint could not be delivered to, as the router knew it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// When it may be back; unknown for one that is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Another router says so. Such hints never take a policy's last candidate.
    pub hint: bool,
}

/// How far a recipient has come in a tier's rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Virtual time after the recipient's last turn; see `docs/methods.md`.
    pub position: i64,
    /// Sequence number of its last assignment by this tier; 0 is never.
    pub last: i64,
}

/// A policy that did not take the lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    pub policy: String,
    pub why: PassedOverWhy,
}

/// Why a policy did not take a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PassedOverWhy {
    /// The source's labels do not fit.
    OtherSource,
    /// `takes.when` is false.
    ConditionFalse,
    /// `takes.when` could not be evaluated on this lead, most often for a missing field.
    ConditionFailed,
}

/// What a tier's stages left over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierTrace {
    pub tier: String,
    pub method: String,
    /// Whether the tier's own condition let it run.
    pub used: bool,
    /// Recipients in the tier.
    pub members: u32,
    /// Each stage, in order, with how many recipients it removed.
    pub stages: Vec<Stage>,
    /// Who stood in for whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<StandIn>,
    /// How many were left.
    pub left: u32,
    /// One exclusive sale weighed against several shared ones, in hundredths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The best waits for its cap to have room, and the lead with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<RecipientKey>,
    /// The first of these, best first, with what was compared.
    pub ranked: Vec<Ranked>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Such as `accepts location.zip`, `when`, `away`, `open leads`, `cap day`, `circuit`, `asked before`.
    pub name: Arc<str>,
    pub removed: u32,
}

/// A recipient that could not be asked, and who stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandIn {
    pub absent: RecipientKey,
    pub stands_in: RecipientKey,
}

/// The best exclusive price, and what the best shared prices come to together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<i64>,
    pub shared: i64,
}

/// One recipient as the method compared it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    pub recipient: RecipientKey,
    /// What the method compares; the greater goes first. For turns, the virtual time, negated.
    pub value: f64,
    /// Why the recipient could not be scored, when so; it goes last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Somebody to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub recipient: RecipientKey,
    pub tier: String,
    pub endpoint: String,
    /// What it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Nobody else gets the lead when it takes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
}

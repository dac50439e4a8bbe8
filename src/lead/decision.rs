//! What was decided, why, and from what: enough to decide it again, to the same bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Policies that were looked at before, and why they did not take the lead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// The stages, tier by tier.
    pub tiers: Vec<TierTrace>,
    /// Whom to ask, in order: as many as are wanted and a few to spare. When these are used up it is decided anew.
    pub candidates: Vec<Candidate>,
    /// Why nobody is a candidate, when so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<UnmatchedReason>,
    /// When waiting may help: the first time at which somebody who was out of reach for a cap or a breaker may be back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// What a decision sees besides rules and lead. Only recipients that got past the filters are listed, and of these only what differs from nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    pub now: Timestamp,
    /// Recipients that had this lead offered before and are not asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<RecipientKey>,
    /// Recipients that already took the lead (shared leads).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub taken: u32,
    /// Places used, by recipient and window (`open`, `day:2026-11-22`, `month:2026-11`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<RecipientKey, BTreeMap<String, i64>>,
    /// Turn positions, by `policy/tier` and recipient.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub turns: BTreeMap<String, BTreeMap<RecipientKey, Turn>>,
    /// Virtual time of each `policy/tier`: where its last turn began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<String, i64>,
    /// Endpoints that could not be delivered to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unavailable: BTreeMap<String, Unavailable>,
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
    /// How many were left.
    pub left: u32,
    /// The first of these, best first, with what was compared.
    pub ranked: Vec<Ranked>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Such as `accepts location.zip`, `when`, `open leads`, `cap day`, `circuit`, `tried`.
    pub name: String,
    pub removed: u32,
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
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

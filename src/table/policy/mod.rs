//! A RoutingPolicy, compiled: who gets which lead.
//!
//! [`compile`] makes it of the custom resource; [`method`] are the orders in which recipients are asked, [`scoring`] the points and grades of leads.

pub mod compile;
pub mod method;
pub mod scoring;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::bits::Bits;
use super::expression::Expression;
use crate::api::routing_policy::{AfterTimeout, Mode, WhenClosed};
use crate::api::shared::Selector;

pub use method::{Method, Order};
pub use scoring::Scoring;

/// Who gets which lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    pub mode: Mode,
    pub sources: Option<Selector>,
    pub when: Option<Expression>,
    pub scoring: Option<Scoring>,
    pub max_recipients: u32,
    pub within: SignedDuration,
    pub after_timeout: AfterTimeout,
    pub skills: Vec<SkillNeeded>,
    pub quiet_hours: Option<WhenClosed>,
    pub tiers: Vec<Tier>,
    /// Asked when no tier had anybody.
    pub fallback: Option<Tier>,
}

/// A skill that agents need for some leads.
#[derive(Clone, Debug, PartialEq)]
pub struct SkillNeeded {
    pub skill: String,
    /// The name of its stage in explanations.
    pub stage: String,
    pub when: Option<Expression>,
    /// How long after a lead's arrival it is needed; none is for ever.
    pub relax_after: Option<SignedDuration>,
}

/// One step of the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    pub name: String,
    /// `policy/tier`: names the tier's rotation in the store.
    pub rotation: String,
    /// A fixed number made of that, for ties.
    pub hash: u64,
    pub members: Bits,
    pub when: Option<Expression>,
    pub method: Method,
    /// The most of the tier that get one lead.
    pub limit: Option<u32>,
    /// Whether a sale here ends the waterfall.
    pub stops: bool,
    /// Whether the best exclusive price is compared with the shared ones together.
    pub compares: bool,
}

impl Policy {
    /// Whether the policy takes leads of a source with these labels.
    pub fn takes_source(&self, labels: &BTreeMap<String, String>) -> bool {
        self.sources.as_ref().is_none_or(|selector| selector.matches(labels))
    }

    /// All tiers, the fallback last.
    pub fn all_tiers(&self) -> impl Iterator<Item = &Tier> {
        self.tiers.iter().chain(&self.fallback)
    }

    /// A tier by its name.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.all_tiers().find(|tier| tier.name == name)
    }
}

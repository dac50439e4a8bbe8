//! Who gets a lead: the pure function at the heart.
//!
//! [`decide`] sees rules, the lead and what is known of the [`world`] (places used, turns, circuits, time), and nothing else. It writes down what it saw on
//! a [`tape`], so [`again`] comes to the same bytes from the record. A decision goes through [`deciding`] a policy's tiers; each tier has its
//! [`stages`], which leave some recipients, [`stand_ins`] for those that can't be asked, and a [`ranking`]; [`exclusive`] sales may be weighed against shared
//! ones.

mod deciding;
mod exclusive;
mod left;
mod ranking;
mod stages;
mod stand_ins;
pub mod tape;
#[cfg(test)]
pub(crate) mod tests;
pub mod world;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::routing_policy::Mode;
use crate::lead::decision::{Inputs, KnownOwner, PassedOver, PassedOverWhy, TakenIn, Unavailable};
use crate::lead::{Decision, Lead, RecipientKey};
use crate::table::Table;
use crate::table::expression::LeadFacts;
use crate::table::policy::Policy;

use deciding::Deciding;
pub use left::Left;
use tape::{Recording, Replaying};
pub use world::{Full, World};

/// Virtual time of one turn at weight 1.
pub const TURN: i64 = 1_000_000_000;

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub table: &'a Table,
    pub lead: &'a Lead,
    pub now: Timestamp,
    /// Recipients that were asked in this run, or have the lead.
    pub tried: &'a [RecipientKey],
    /// Who has the lead.
    pub taken: &'a [TakenIn],
    /// Who had leads of this person or company before; see [`sticky_fields`].
    pub owners: &'a [KnownOwner],
    /// Endpoints that can't be delivered to.
    pub unavailable: &'a BTreeMap<String, Unavailable>,
}

/// Decides by the policy that takes the lead.
pub fn decide(question: &Question<'_>, world: &mut impl World) -> Decision {
    let facts = LeadFacts::of(question.lead, &question.table.schema);
    let (policy, passed_over) = policy(question.table, question.lead, &facts);
    by(question, policy, passed_over, world)
}

/// Decides by a given policy, such as a shadow.
pub fn decide_by(question: &Question<'_>, policy: &Policy, world: &mut impl World) -> Decision {
    by(question, Some(policy), Vec::new(), world)
}

fn by(question: &Question<'_>, policy: Option<&Policy>, passed_over: Vec<PassedOver>, world: &mut impl World) -> Decision {
    let heeding = Deciding::new(question, policy, false, Recording::of(&mut *world)).run(&passed_over);
    let only_hints = heeding.candidates.is_empty() && heeding.inputs.unavailable.values().any(|unavailable| unavailable.hint);
    if only_hints { Deciding::new(question, policy, true, Recording::of(world)).run(&passed_over) } else { heeding }
}

/// Decides again from a decision's record, by the rules and the lead of then.
pub fn again(table: &Table, lead: &Lead, record: &Decision) -> Decision {
    let Inputs { now, tried, taken, owners, unavailable, hints_ignored, read } = &record.inputs;
    let question = Question { table, lead, now: *now, tried, taken, owners, unavailable };
    let facts = LeadFacts::of(lead, &table.schema);
    let (policy, passed_over) = match &record.policy {
        Some(name) if record.shadow => (table.policy(name).map(AsRef::as_ref), Vec::new()),
        _ => policy(table, lead, &facts),
    };
    Deciding::new(&question, policy, *hints_ignored, Recording::of(&mut Replaying::of(table, *now, read))).run(&passed_over)
}

/// The policy that takes a lead, and those passed over before it.
pub fn policy<'t>(table: &'t Table, lead: &Lead, facts: &LeadFacts<'_>) -> (Option<&'t Policy>, Vec<PassedOver>) {
    let mut passed_over = Vec::new();
    for policy in table.policies.iter().filter(|policy| policy.mode == Mode::Live) {
        match takes(table, policy, lead, facts) {
            Ok(()) => return (Some(policy), passed_over),
            Err(why) => passed_over.push(PassedOver { policy: policy.name.clone(), why }),
        }
    }
    (None, passed_over)
}

/// The shadow policies that take a lead.
pub fn shadows<'t>(table: &'t Table, lead: &Lead) -> Vec<&'t Policy> {
    let mut shadows = table.policies.iter().filter(|policy| policy.mode == Mode::Shadow).peekable();
    if shadows.peek().is_none() {
        return Vec::new();
    }
    let facts = LeadFacts::of(lead, &table.schema);
    shadows.map(AsRef::as_ref).filter(|policy| takes(table, policy, lead, &facts).is_ok()).collect()
}

/// Whether a policy takes a lead, or why not.
pub fn takes(table: &Table, policy: &Policy, lead: &Lead, facts: &LeadFacts<'_>) -> Result<(), PassedOverWhy> {
    static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();
    let labels = table.sources.get(&lead.source).map_or(&NO_LABELS, |source| &source.labels);
    if !policy.takes_source(labels) {
        return Err(PassedOverWhy::OtherSource);
    }
    match policy.when.as_ref().map_or(Ok(true), |when| when.holds(facts)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(PassedOverWhy::ConditionFalse),
        Err(_) => Err(PassedOverWhy::ConditionFailed),
    }
}

/// The fields by which any tier of the table knows owners again, each once.
pub fn sticky_fields(table: &Table) -> Vec<&str> {
    use crate::table::policy::Method;
    let tiers = table.policies.iter().flat_map(|policy| &policy.tiers);
    let mut fields: Vec<&str> = tiers
        .filter_map(|tier| match &tier.method {
            Method::Sticky { by, .. } => Some(by.iter().map(String::as_str)),
            Method::Order(_) => None,
        })
        .flatten()
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

//! `leadflow why-not`: why a recipient did not get a lead: the first test that failed and every other, with the values compared.
//!
//! [`judge`] goes through the tests of a decision's record for one recipient; [`filters`] says filters in words, [`text`] writes the answer. [`command`] is the
//! tool itself.

pub mod command;
mod filters;
pub mod judge;
#[cfg(test)]
mod tests;
pub mod text;

pub use judge::{Asked, WhyNot, judge};

use crate::lead::{Decision, Lead, RecipientKey};
use crate::store::{LeadFile, RuleObject};
use crate::table::{Table, compile, digest};
use crate::tools::explanation::Explanation;

/// The last decision that was made by a live policy.
pub fn last_decision(decisions: &[Decision]) -> Option<&Decision> {
    decisions.iter().rfind(|decision| !decision.shadow)
}

/// The answer from what is on record of a lead: by the rules of its last decision, or else by those in force.
///
/// # Errors
/// Says so when the rules on record can't be read.
pub fn of_file(
    file: LeadFile,
    lead: &Lead,
    rules: Option<Vec<RuleObject>>,
    in_force: &Table,
    recipient: &RecipientKey,
) -> Result<WhyNot, String> {
    let unreadable = |error| format!("the rules on record can't be read: {error}");
    let explanation = Explanation::new(file, lead, &in_force.schema);
    let objects = match &rules {
        Some(rules) => digest::objects(rules).map_err(unreadable)?,
        None => digest::objects(in_force.objects.iter().map(AsRef::as_ref)).map_err(unreadable)?,
    };
    let then = rules.map(|_| compile(&objects).0);
    let decision = last_decision(&explanation.decisions);
    let table = then.as_ref().unwrap_or(in_force);
    Ok(judge(&Asked { table, objects: &objects, lead, decision, deliveries: &explanation.deliveries, recipient }))
}

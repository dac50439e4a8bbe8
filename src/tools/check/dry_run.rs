//! Every CEL expression, tried on sample leads of the sources that it will see.

use std::collections::BTreeSet;

use super::finding::{Code, Finding, Level};
use super::samples::Samples;
use crate::lead::Lead;
use crate::table::expression::{Expression, Fault, LeadFacts, RecipientFacts, Use};
use crate::table::schema::Schema;
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::parties::parties;
use crate::tools::precedence::sources;

/// An expression where it stands.
struct Written<'a> {
    object: ObjectRef,
    field: String,
    text: &'a str,
    uses: Use,
    /// Sources whose leads it may see.
    sources: BTreeSet<&'a str>,
    /// What becomes of a lead on which it fails.
    otherwise: &'static str,
}

/// Expressions that fail on some of the samples.
pub fn expressions(objects: &Objects, schema: &Schema, samples: &Samples) -> Vec<Finding> {
    let leads: Vec<_> = samples.leads.iter().map(|lead| (lead.source.as_str(), lead)).collect();
    written(objects).iter().filter_map(|expression| expression.tried(schema, &leads, samples.given)).collect()
}

fn written(objects: &Objects) -> Vec<Written<'_>> {
    let mut written = Vec::new();
    for (name, policy) in &objects.policies {
        let spec = &policy.spec;
        let object = ObjectRef { kind: Kind::RoutingPolicy, name: name.clone() };
        let sources: BTreeSet<_> = sources(objects, &spec.takes).into_iter().collect();
        let mut add = |field: String, text, uses, otherwise| {
            written.push(Written { object: object.clone(), field, text, uses, sources: sources.clone(), otherwise });
        };
        if let Some(when) = &spec.takes.when {
            add("spec.takes.when".to_owned(), when.as_str(), Use::BeforeScore, "such a lead is not taken by the policy");
        }
        for (at, rule) in spec.score.iter().flat_map(|score| &score.rules).enumerate() {
            add(format!("spec.score.rules[{at}].when"), &rule.when, Use::BeforeScore, "such a lead gets no points by it");
        }
        for (at, skill) in spec.skills.iter().enumerate() {
            if let Some(when) = &skill.when {
                add(format!("spec.skills[{at}].when"), when, Use::Condition, "the skill is not needed for such a lead");
            }
        }
        for (at, tier) in spec.tiers.iter().enumerate() {
            if let Some(when) = &tier.when {
                add(format!("spec.tiers[{at}].when"), when, Use::Condition, "the tier is not used for such a lead");
            }
            if let Some(score) = &tier.method.score {
                add(
                    format!("spec.tiers[{at}].method.score.expression"),
                    &score.expression,
                    Use::Score,
                    "who can't be scored is asked last",
                );
            }
        }
    }
    for party in parties(objects) {
        let Some(text) = party.when() else { continue };
        let asking = objects.policies.values().filter(|policy| party.is_asked_by(&policy.spec));
        let sources = asking.flat_map(|policy| sources(objects, &policy.spec.takes)).collect();
        let otherwise = "the recipient is not asked for such a lead";
        written.push(Written { object: party.object(), field: party.field("when"), text, uses: Use::Condition, sources, otherwise });
    }
    written
}

impl Written<'_> {
    /// One that does not compile is told as an invalid rule.
    fn tried(&self, schema: &Schema, leads: &[(&str, &Lead)], given: bool) -> Option<Finding> {
        let expression = Expression::compile(self.text, &self.field, self.uses, schema).ok()?;
        let seen = leads.iter().filter(|(source, _)| self.sources.contains(source));
        let (mut tried, mut failed, mut first) = (0usize, 0usize, None);
        for (source, lead) in seen {
            tried += 1;
            let facts = LeadFacts::of(lead, schema);
            // What grade a lead will have is the policy's business: here it has one.
            let facts = if self.uses == Use::BeforeScore { facts } else { facts.with_score(0, Some("A")) };
            if let Err(error) = run(&expression, self.uses, &facts) {
                failed += 1;
                first.get_or_insert((error, *source));
            }
        }
        let (error, source) = first?;
        let message = if given {
            format!("fails on {failed} of {tried} sample leads, first because {error}: {}", self.otherwise)
        } else {
            format!("fails on a lead with only what '{source}' requires, because {error}: {}", self.otherwise)
        };
        let finding = Finding::of(Code::ExpressionFails, &self.object, self.field.clone(), message)
            .fix("ask first whether the lead has the field, as in `has(lead.a.b) && …`, or let the source require it");
        Some(if given { finding } else { finding.level(Level::Note) })
    }
}

fn run(expression: &Expression, uses: Use, lead: &LeadFacts<'_>) -> Result<(), String> {
    match uses {
        Use::BeforeScore | Use::Condition => expression.holds(lead).map(|_| ()).map_err(told),
        Use::Score => {
            let recipient = RecipientFacts {
                name: "sample",
                conversion_rate: 0.5,
                capacity: 1.0,
                price: 1.0,
                weight: 1.0,
                ..RecipientFacts::default()
            };
            expression.score(lead, &recipient).map(|_| ()).map_err(told)
        }
    }
}

/// The fault, without any value of the lead.
fn told(fault: Fault<'_>) -> String {
    match fault {
        Fault::Missing(field) => format!("the lead has no '{field}'"),
        Fault::Cel(_) => Fault::Kinds.to_string(),
        other => other.to_string(),
    }
}

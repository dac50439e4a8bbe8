//! A RoutingPolicy of the API, made into rules.

use std::collections::HashSet;

use jiff::SignedDuration;

use super::{Method, Order, Policy, Scoring, SkillNeeded, Tier};
use crate::api::RoutingPolicy;
use crate::api::routing_policy::{Exclusive, Group, IfSold, Recipients};
use crate::api::shared::Selector;
use crate::table::Problem;
use crate::table::bits::Bits;
use crate::table::expression::{Expressions, Use};
use crate::table::recipient::{Recipient, Role, condition};
use crate::table::row::Row;
use crate::table::schema::Schema;

/// The name of the last tier.
pub const FALLBACK: &str = "fallback";

/// Compiles a policy over these recipients.
pub fn compile(
    policy: &RoutingPolicy,
    schema: &Schema,
    expressions: &mut Expressions,
    recipients: &Row<Recipient>,
) -> Result<Policy, Problem> {
    let name = policy.metadata.name.clone().unwrap_or_default();
    let spec = &policy.spec;
    let mut tiers = Vec::new();
    for (at, tier) in spec.tiers.iter().enumerate() {
        let field = |rest: &str| format!("spec.tiers[{at}].{rest}");
        if spec.tiers[..at].iter().any(|earlier| earlier.name == tier.name) {
            return Err(Problem::new(field("name"), format!("'{}' is the name of an earlier tier", tier.name)));
        }
        if tier.name == FALLBACK && spec.fallback.is_some() {
            return Err(Problem::new(field("name"), "'fallback' is what `spec.fallback` is called; choose another name"));
        }
        let rotation = format!("{name}/{}", tier.name);
        tiers.push(Tier {
            name: tier.name.clone(),
            hash: hash(&rotation),
            rotation,
            members: members(&tier.to, &field("to"), recipients)?,
            when: condition(tier.when.as_deref(), &field("when"), schema, expressions)?,
            method: Method::compile(&tier.method, &field("method"), schema, expressions)?,
            limit: tier.limit.and_then(|limit| u32::try_from(limit).ok()),
            stops: tier.if_sold == IfSold::Stop,
            compares: tier.exclusive == Exclusive::CompareWithShared,
        });
    }
    let fallback = spec.fallback.as_ref().map(|fallback| {
        let rotation = format!("{name}/{FALLBACK}");
        Ok(Tier {
            name: FALLBACK.to_owned(),
            hash: hash(&rotation),
            rotation,
            members: members(&fallback.to, "spec.fallback.to", recipients)?,
            when: None,
            method: Method::Order(Order::Priority),
            limit: None,
            stops: false,
            compares: false,
        })
    });
    let mut skills = Vec::new();
    for (at, needed) in spec.skills.iter().enumerate() {
        skills.push(SkillNeeded {
            skill: needed.skill.clone(),
            stage: format!("skill {}", needed.skill),
            when: condition(needed.when.as_deref(), &format!("spec.skills[{at}].when"), schema, expressions)?,
            relax_after: needed.relax_after_seconds.map(|seconds| SignedDuration::from_secs(i64::from(seconds))),
        });
    }
    let when = spec.takes.when.as_deref().map(|text| expressions.compile(text, "spec.takes.when", Use::BeforeScore, schema));
    Ok(Policy {
        mode: spec.mode,
        sources: spec.takes.sources.clone(),
        when: when.transpose()?,
        scoring: spec.score.as_ref().map(|scoring| Scoring::compile(scoring, schema, expressions)).transpose()?,
        max_recipients: u32::try_from(spec.max_recipients).unwrap_or(1).max(1),
        within: SignedDuration::from_secs(i64::from(spec.within_seconds)),
        after_timeout: spec.after_timeout,
        skills,
        quiet_hours: spec.quiet_hours.as_ref().map(|quiet| quiet.when_closed),
        tiers,
        fallback: fallback.transpose()?,
        name,
    })
}

fn members(to: &Recipients, field: &str, recipients: &Row<Recipient>) -> Result<Bits, Problem> {
    if to.agents.is_none() && to.buyers.is_none() {
        return Err(Problem::new(field, "must give `agents`, `buyers` or both"));
    }
    let (agents, buyers) = (Chosen::by(to.agents.as_ref()), Chosen::by(to.buyers.as_ref()));
    let mut members = Bits::none(recipients.len());
    for (number, recipient) in (0..).zip(recipients.iter()) {
        let group = if recipient.role == Role::Agent { &agents } else { &buyers };
        if group.as_ref().is_some_and(|group| group.has(recipient)) {
            members.add(number);
        }
    }
    Ok(members)
}

/// Some objects of one kind.
struct Chosen<'a> {
    selector: Option<&'a Selector>,
    names: Option<HashSet<&'a str>>,
}

impl<'a> Chosen<'a> {
    fn by(group: Option<&'a Group>) -> Option<Self> {
        let names = |group: &'a Group| group.names.as_ref().map(|names| names.iter().map(String::as_str).collect());
        group.map(|group| Self { selector: group.selector.as_ref(), names: names(group) })
    }

    fn has(&self, recipient: &Recipient) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(recipient.name.as_str()))
            && self.selector.is_none_or(|selector| selector.matches(&recipient.labels))
    }
}

fn hash(rotation: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(rotation.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

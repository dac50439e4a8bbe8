//! A RoutingPolicy, compiled.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Problem;
use super::bits::Bits;
use super::expression::{Expression, Use};
use super::recipient::{Recipient, Role, condition};
use super::schema::Schema;
use crate::api::RoutingPolicy;
use crate::api::routing_policy::{AfterTimeout, Group, Method as Spec, MethodType, Recipients};
use crate::api::shared::Selector;

/// Who gets which lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    pub sources: Option<Selector>,
    pub when: Option<Expression>,
    pub max_recipients: u32,
    pub within: SignedDuration,
    pub after_timeout: AfterTimeout,
    pub tiers: Vec<Tier>,
}

/// One step of the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    pub name: String,
    /// `policy/tier`: names the tier's rotation in the store.
    pub rotation: String,
    pub members: Bits,
    pub when: Option<Expression>,
    pub method: Method,
}

/// In which order recipients are asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// The highest `priority` first.
    Priority,
    /// In turn, all alike.
    RoundRobin,
    /// In turn, by share of weight.
    Weighted,
    /// The highest score first.
    Score(Expression),
}

impl Method {
    /// The name that users write.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Priority => "Priority",
            Self::RoundRobin => "RoundRobin",
            Self::Weighted => "Weighted",
            Self::Score(_) => "Score",
        }
    }
}

impl Policy {
    pub fn compile(policy: &RoutingPolicy, schema: &Schema, recipients: &[Recipient]) -> Result<Self, Problem> {
        let name = policy.metadata.name.clone().unwrap_or_default();
        let spec = &policy.spec;
        let tiers = spec.tiers.iter().enumerate().map(|(at, tier)| {
            let field = |rest: &str| format!("spec.tiers[{at}].{rest}");
            if spec.tiers[..at].iter().any(|earlier| earlier.name == tier.name) {
                return Err(Problem::new(field("name"), format!("'{}' is the name of an earlier tier", tier.name)));
            }
            Ok(Tier {
                name: tier.name.clone(),
                rotation: format!("{name}/{}", tier.name),
                members: members(&tier.to, &field("to"), recipients)?,
                when: condition(tier.when.as_deref(), &field("when"), schema)?,
                method: method(&tier.method, &field("method"), schema)?,
            })
        });
        Ok(Self {
            sources: spec.takes.sources.clone(),
            when: spec
                .takes
                .when
                .as_deref()
                .map(|text| Expression::compile(text, "spec.takes.when", Use::BeforeScore, schema))
                .transpose()?,
            max_recipients: u32::try_from(spec.max_recipients).unwrap_or(1).max(1),
            within: SignedDuration::from_secs(i64::from(spec.within_seconds)),
            after_timeout: spec.after_timeout,
            tiers: tiers.collect::<Result<_, _>>()?,
            name,
        })
    }

    /// Whether the policy takes leads of a source with these labels.
    pub fn takes_source(&self, labels: &BTreeMap<String, String>) -> bool {
        self.sources.as_ref().is_none_or(|selector| selector.matches(labels))
    }
}

fn members(to: &Recipients, field: &str, recipients: &[Recipient]) -> Result<Bits, Problem> {
    if to.agents.is_none() && to.buyers.is_none() {
        return Err(Problem::new(field, "must give `agents`, `buyers` or both"));
    }
    let chosen = |group: &Option<Group>, recipient: &Recipient| {
        group.as_ref().is_some_and(|group| {
            group.selector.as_ref().is_none_or(|selector| selector.matches(&recipient.labels))
                && group.names.as_ref().is_none_or(|names| names.contains(&recipient.name))
        })
    };
    let mut members = Bits::none(recipients.len());
    for (number, recipient) in recipients.iter().enumerate() {
        let group = if recipient.role == Role::Agent { &to.agents } else { &to.buyers };
        if chosen(group, recipient) {
            members.add(number as u32);
        }
    }
    Ok(members)
}

fn method(method: &Spec, field: &str, schema: &Schema) -> Result<Method, Problem> {
    match (method.kind, &method.score) {
        (MethodType::Priority, None) => Ok(Method::Priority),
        (MethodType::RoundRobin, None) => Ok(Method::RoundRobin),
        (MethodType::Weighted, None) => Ok(Method::Weighted),
        (MethodType::Score, Some(score)) => {
            Expression::compile(&score.expression, &format!("{field}.score.expression"), Use::Score, schema).map(Method::Score)
        }
        _ => Err(Problem::new(field, "must give `score` for type 'Score', and for no other")),
    }
}

//! Agents and contracts as their manifests have them, for tools that speak of rules without compiling them.

use std::collections::BTreeMap;

use crate::api::agent::Agent;
use crate::api::availability::TimeOff;
use crate::api::buyer::{Buyer, Contract};
use crate::api::cap::{Cap, RecipientRef};
use crate::api::routing_policy::{Group, Recipients, RoutingPolicySpec};
use crate::api::shared::{Filter, Selector};
use crate::lead::RecipientKey;
use crate::table::{Kind, ObjectRef, Objects};

/// An agent, or one contract of a buyer.
#[derive(Clone, Copy)]
pub enum Party<'a> {
    Agent {
        name: &'a str,
        agent: &'a Agent,
    },
    /// `at` is the contract's place in the buyer's list.
    Contract {
        name: &'a str,
        buyer: &'a Buyer,
        at: usize,
        contract: &'a Contract,
    },
}

/// All agents by name, then all contracts by buyer and place.
pub fn parties(objects: &Objects) -> Vec<Party<'_>> {
    let agents = objects.agents.iter().map(|(name, agent)| Party::Agent { name, agent });
    let contracts = objects.buyers.iter().flat_map(|(name, buyer)| {
        buyer.spec.contracts.iter().enumerate().map(move |(at, contract)| Party::Contract { name, buyer, at, contract })
    });
    agents.chain(contracts).collect()
}

impl<'a> Party<'a> {
    /// Name of the Agent or Buyer.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Agent { name, .. } | Self::Contract { name, .. } => name,
        }
    }

    /// `sarah-lee`, or `acme-solar/northeast`.
    pub fn short(&self) -> String {
        match self {
            Self::Agent { name, .. } => (*name).to_owned(),
            Self::Contract { name, contract, .. } => format!("{name}/{}", contract.name),
        }
    }

    pub fn key(&self) -> RecipientKey {
        match self {
            Self::Agent { name, .. } => RecipientKey::agent(name),
            Self::Contract { name, contract, .. } => RecipientKey::contract(name, &contract.name),
        }
    }

    pub fn is_agent(&self) -> bool {
        matches!(self, Self::Agent { .. })
    }

    /// The manifest that it stands in.
    pub fn object(&self) -> ObjectRef {
        let kind = if self.is_agent() { Kind::Agent } else { Kind::Buyer };
        ObjectRef { kind, name: self.name().to_owned() }
    }

    /// The path of one of its fields, such as `spec.contracts[1].accepts`; of the contract itself when `field` is empty.
    pub fn field(&self, field: &str) -> String {
        let base = match self {
            Self::Agent { .. } => "spec".to_owned(),
            Self::Contract { at, .. } => format!("spec.contracts[{at}]"),
        };
        if field.is_empty() { base } else { format!("{base}.{field}") }
    }

    fn labels(&self) -> Option<&'a BTreeMap<String, String>> {
        match self {
            Self::Agent { agent, .. } => agent.metadata.labels.as_ref(),
            Self::Contract { buyer, .. } => buyer.metadata.labels.as_ref(),
        }
    }

    pub fn accepts(&self) -> &'a [Filter] {
        match self {
            Self::Agent { agent, .. } => &agent.spec.accepts,
            Self::Contract { contract, .. } => &contract.accepts,
        }
    }

    pub fn when(&self) -> Option<&'a str> {
        match self {
            Self::Agent { agent, .. } => agent.spec.when.as_deref(),
            Self::Contract { contract, .. } => contract.when.as_deref(),
        }
    }

    pub fn caps(&self) -> &'a [Cap] {
        match self {
            Self::Agent { agent, .. } => &agent.spec.caps,
            Self::Contract { contract, .. } => &contract.caps,
        }
    }

    pub fn time_off(&self) -> &'a [TimeOff] {
        match self {
            Self::Agent { agent, .. } => &agent.spec.time_off,
            Self::Contract { contract, .. } => &contract.time_off,
        }
    }

    pub fn paused(&self) -> bool {
        match self {
            Self::Agent { agent, .. } => agent.spec.paused,
            Self::Contract { contract, .. } => contract.paused,
        }
    }

    pub fn weight(&self) -> i32 {
        match self {
            Self::Agent { agent, .. } => agent.spec.weight,
            Self::Contract { contract, .. } => contract.weight,
        }
    }

    /// Whether it has a target, for the method Attainment.
    pub fn has_target(&self) -> bool {
        match self {
            Self::Agent { agent, .. } => agent.spec.target.is_some(),
            Self::Contract { contract, .. } => contract.target.is_some(),
        }
    }

    /// Whether a tier with this `to` has it.
    pub fn is_in(&self, to: &Recipients) -> bool {
        let group = if self.is_agent() { &to.agents } else { &to.buyers };
        group.as_ref().is_some_and(|group| self.is_in_group(group))
    }

    /// Whether a policy may ask it, in a tier or at last.
    pub fn is_asked_by(&self, policy: &RoutingPolicySpec) -> bool {
        let tiers = policy.tiers.iter().map(|tier| &tier.to);
        tiers.chain(policy.fallback.iter().map(|fallback| &fallback.to)).any(|to| self.is_in(to))
    }

    fn is_in_group(&self, group: &Group) -> bool {
        group.selector.as_ref().is_none_or(|selector| self.is_chosen(selector))
            && group.names.as_ref().is_none_or(|names| names.iter().any(|name| name == self.name()))
    }

    /// Whether its labels are what the selector chooses.
    pub fn is_chosen(&self, selector: &Selector) -> bool {
        chooses(selector, self.labels())
    }

    /// Whether a reference names it.
    pub fn is_named(&self, reference: &RecipientRef) -> bool {
        match self {
            Self::Agent { name, .. } => reference.agent.as_deref() == Some(*name),
            Self::Contract { name, contract, .. } => {
                reference.buyer.as_deref() == Some(*name) && reference.contract.as_deref() == Some(contract.name.as_str())
            }
        }
    }
}

/// Whether a selector chooses an object with these labels.
pub fn chooses(selector: &Selector, labels: Option<&BTreeMap<String, String>>) -> bool {
    match labels {
        Some(labels) => selector.matches(labels),
        None => selector.matches(&BTreeMap::new()),
    }
}

//! Custom resources → table. Pure: the operator and every router call it on the same objects and get the same.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::compiler::Compiler;
use super::endpoint::EndpointRules;
use super::index::Index;
use super::policy::Policy;
use super::recipient::{Recipient, time_zone};
use super::row::Row;
use super::schema::Schema;
use super::source::Source;
use super::traits::Traits;
use super::{ObjectRef, Objects, Problem};
use crate::api::condition::Reason;
use crate::api::{Exchange, exchange};
use crate::lead::RecipientKey;
use crate::store::RuleObject;

/// Everything that leads are judged by, at one moment. Immutable; tables of one [`Compiler`] share what did not change between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Hash of the objects that it was made of, in hex: equal tables everywhere have equal digests.
    pub digest: String,
    pub exchange: ExchangeRules,
    pub schema: Schema,
    pub sources: HashMap<String, Arc<Source>>,
    pub endpoints: Arc<HashMap<String, Arc<EndpointRules>>>,
    /// In the order in which they may take a lead.
    pub policies: Vec<Arc<Policy>>,
    /// By number, the number that the index uses: agents by name, then contracts by buyer.
    pub recipients: Row<Recipient>,
    pub numbers: Arc<HashMap<RecipientKey, u32>>,
    pub index: Index,
    /// Names of the index's fields as stages, in its order.
    pub stages: Vec<Arc<str>>,
    pub traits: Traits,
    /// The objects themselves, for the record of decisions.
    pub objects: Row<RuleObject>,
}

/// The exchange's own rules.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeRules {
    /// Name of the Exchange; empty while there is none.
    pub name: String,
    pub time_zone: TimeZone,
    /// Private networks that deliveries may go to.
    pub allow: Vec<IpNet>,
    /// Name of the Secret with the encryption keys.
    pub encryption: String,
}

impl Default for ExchangeRules {
    fn default() -> Self {
        Self { name: String::new(), time_zone: TimeZone::UTC, allow: Vec::new(), encryption: String::new() }
    }
}

/// An object that the table was made without.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    pub object: ObjectRef,
    pub problem: Problem,
    pub reason: Reason,
}

/// Makes the table of all objects that are valid, and names the others. Who compiles again and again keeps a [`Compiler`].
pub fn compile(objects: &Objects) -> (Table, Vec<Rejected>) {
    let (table, rejected) = Compiler::default().compile(objects);
    (Arc::unwrap_or_clone(table), rejected)
}

impl Table {
    /// The recipient of a key.
    pub fn recipient(&self, key: &RecipientKey) -> Option<&Arc<Recipient>> {
        self.recipients.get(*self.numbers.get(key)? as usize)
    }

    /// A policy by its name.
    pub fn policy(&self, name: &str) -> Option<&Arc<Policy>> {
        self.policies.iter().find(|policy| policy.name == name)
    }
}

pub(super) fn exchange_rules(exchange: &Exchange) -> Result<ExchangeRules, Problem> {
    let exchange::ExchangeSpec { delivery, encryption, .. } = &exchange.spec;
    let allow = delivery.allow_addresses.iter().enumerate().map(|(at, network)| {
        IpNet::from_str(network).map_err(|_| {
            Problem::new(
                format!("spec.delivery.allowAddresses[{at}]"),
                format!("'{network}' is no network in CIDR form, such as 10.0.0.0/8"),
            )
        })
    });
    Ok(ExchangeRules {
        name: exchange.metadata.name.clone().unwrap_or_default(),
        time_zone: time_zone(Some(&exchange.spec.time_zone), "spec.timeZone", &TimeZone::UTC)?,
        allow: allow.collect::<Result<_, _>>()?,
        encryption: encryption.keys_from.secret_ref.name.clone(),
    })
}

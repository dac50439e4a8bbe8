//! Custom resources → table. Pure: the operator and every router call it on the same objects and get the same.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::digest;
use super::endpoint::{self, EndpointRules};
use super::index::Index;
use super::policy::Policy;
use super::recipient::{Recipient, time_zone};
use super::schema::{self, Schema};
use super::source::{self, Source};
use super::{Kind, ObjectRef, Objects, Problem};
use crate::api::condition::Reason;
use crate::api::{Exchange, exchange};
use crate::lead::RecipientKey;
use crate::store::RuleObject;

/// Everything that leads are judged by, at one moment. Immutable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Hash of the objects that it was made of, in hex: equal tables everywhere have equal digests.
    pub digest: String,
    pub exchange: ExchangeRules,
    pub schema: Schema,
    pub sources: HashMap<String, Arc<Source>>,
    pub endpoints: HashMap<String, Arc<EndpointRules>>,
    /// In the order in which they may take a lead.
    pub policies: Vec<Arc<Policy>>,
    /// By number, the number that the index uses.
    pub recipients: Vec<Arc<Recipient>>,
    pub numbers: HashMap<RecipientKey, u32>,
    pub index: Index,
    /// The objects themselves, for the record of decisions.
    pub objects: Vec<RuleObject>,
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

/// Makes the table of all objects that are valid, and names the others.
pub fn compile(objects: &Objects) -> (Table, Vec<Rejected>) {
    let mut rejected = Vec::new();
    let mut refuse = |kind: Kind, name: &str, problem: Problem, reason: Reason| {
        rejected.push(Rejected { object: ObjectRef { kind, name: name.to_owned() }, problem, reason });
    };
    let (digest, rule_objects) = digest::of(objects);
    let mut table = Table { digest, objects: rule_objects, ..Table::default() };

    let chosen = objects.exchange();
    for (name, exchange) in &objects.exchanges {
        if chosen.is_none_or(|chosen| !Arc::ptr_eq(chosen, exchange)) {
            let message =
                format!("the namespace belongs to the Exchange '{}'", chosen.and_then(|c| c.metadata.name.as_deref()).unwrap_or_default());
            refuse(Kind::Exchange, name, Problem::new("metadata.name", message), Reason::Conflicted);
        }
    }
    let Some(exchange) = chosen else {
        for object in all(objects) {
            refuse(object.kind, &object.name, Problem::new("metadata.namespace", "the namespace has no Exchange"), Reason::NoExchange);
        }
        return (table, rejected);
    };
    let name = exchange.metadata.name.clone().unwrap_or_default();
    match exchange_rules(exchange).and_then(|rules| Ok((rules, schema::compile(&exchange.spec.schema)?))) {
        Ok((rules, schema)) => (table.exchange, table.schema) = (rules, schema),
        Err(problem) => {
            refuse(Kind::Exchange, &name, problem, Reason::Invalid);
            for object in all(objects) {
                refuse(
                    object.kind,
                    &object.name,
                    Problem::new("metadata.namespace", format!("the Exchange '{name}' is invalid")),
                    Reason::NoExchange,
                );
            }
            return (table, rejected);
        }
    }

    for (name, object) in &objects.sources {
        match source::compile(object, &table.schema) {
            Ok(source) => drop(table.sources.insert(name.clone(), Arc::new(source))),
            Err(problem) => refuse(Kind::LeadSource, name, problem, Reason::Invalid),
        }
    }
    for (name, object) in &objects.endpoints {
        match endpoint::compile(object, &table.schema) {
            Ok(endpoint) => drop(table.endpoints.insert(name.clone(), Arc::new(endpoint))),
            Err(problem) => refuse(Kind::Endpoint, name, problem, Reason::Invalid),
        }
    }

    let mut tests = Vec::new();
    let zone = table.exchange.time_zone.clone();
    let agents =
        objects.agents.iter().map(|(name, agent)| (Kind::Agent, name, Recipient::agent(agent, &table.schema, &zone).map(|one| vec![one])));
    let buyers = objects.buyers.iter().map(|(name, buyer)| (Kind::Buyer, name, Recipient::contracts(buyer, &table.schema, &zone)));
    for (kind, name, compiled) in agents.chain(buyers) {
        let recipients = match compiled {
            Ok(recipients) => recipients,
            Err(problem) => {
                refuse(kind, name, problem, Reason::Invalid);
                continue;
            }
        };
        if let Some((at, missing)) = recipients.iter().enumerate().find(|(_, (r, _))| !table.endpoints.contains_key(r.endpoint.as_ref())) {
            let field = if kind == Kind::Agent { "spec.deliverTo".to_owned() } else { format!("spec.contracts[{at}].deliverTo") };
            refuse(
                kind,
                name,
                Problem::new(field, format!("there is no valid Endpoint '{}'", missing.0.endpoint)),
                Reason::EndpointNotFound,
            );
            continue;
        }
        for (recipient, test) in recipients {
            table.numbers.insert(recipient.key.clone(), table.recipients.len() as u32);
            table.recipients.push(Arc::new(recipient));
            tests.push(test);
        }
    }
    table.index = Index::build(&tests);

    let plain: Vec<Recipient> = table.recipients.iter().map(|recipient| Recipient::clone(recipient)).collect();
    let mut ordered: Vec<_> = objects.policies.values().collect();
    ordered.sort_by_key(|policy| {
        let age = policy.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (std::cmp::Reverse(policy.spec.precedence), age, policy.metadata.name.clone())
    });
    for policy in ordered {
        match Policy::compile(policy, &table.schema, &plain) {
            Ok(policy) => table.policies.push(Arc::new(policy)),
            Err(problem) => refuse(Kind::RoutingPolicy, policy.metadata.name.as_deref().unwrap_or_default(), problem, Reason::Invalid),
        }
    }
    (table, rejected)
}

fn exchange_rules(exchange: &Exchange) -> Result<ExchangeRules, Problem> {
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

/// Names all objects that belong to the Exchange.
fn all(objects: &Objects) -> impl Iterator<Item = ObjectRef> + '_ {
    let named = |kind: Kind| move |name: &String| ObjectRef { kind, name: name.clone() };
    (objects.sources.keys().map(named(Kind::LeadSource)))
        .chain(objects.agents.keys().map(named(Kind::Agent)))
        .chain(objects.buyers.keys().map(named(Kind::Buyer)))
        .chain(objects.endpoints.keys().map(named(Kind::Endpoint)))
        .chain(objects.policies.keys().map(named(Kind::RoutingPolicy)))
}

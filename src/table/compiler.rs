//! Compiles table after table, and does again only what changed.
//!
//! A table is the same as one that [`compile`](super::compile()) makes of the same objects from nothing. One recipient changed in place costs a look at each
//! object, not a compilation of it; an added or removed one builds the index anew; another schema or time zone of the Exchange compiles all.

use std::collections::HashMap;
use std::sync::Arc;

use super::compile::{ExchangeRules, exchange_rules};
use super::endpoint::{self, EndpointRules};
use super::index::{Index, Subject, Tests};
use super::pieces::Pieces;
use super::policy::{self, Policy};
use super::recipient::{self, Recipient, filters};
use super::schema::{self, Schema};
use super::source::{self, Source};
use super::texts::Texts;
use super::traits::Traits;
use super::{Kind, ObjectRef, Objects, Problem, Rejected, Table, digest};
use crate::api::condition::Reason;
use crate::api::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};

/// Changed recipients up to which the index is changed rather than built anew.
const FEW: usize = 32;

type Recipients = Vec<Arc<Recipient>>;

/// What is kept from table to table.
#[derive(Default)]
pub struct Compiler {
    exchange: Option<Arc<Exchange>>,
    texts: Texts,
    sources: Pieces<LeadSource, Arc<Source>>,
    endpoints: Pieces<Endpoint, Arc<EndpointRules>>,
    agents: Pieces<Agent, Recipients>,
    buyers: Pieces<Buyer, Recipients>,
    policies: Pieces<RoutingPolicy, Arc<Policy>>,
    table: Arc<Table>,
}

impl Compiler {
    /// Makes the table of all objects that are valid, and names the others.
    pub fn compile(&mut self, objects: &Objects) -> (Arc<Table>, Vec<Rejected>) {
        let mut rejected = others_than_chosen(objects);
        let problem = match objects.exchange() {
            None => "the namespace has no Exchange".to_owned(),
            Some(exchange) => match self.rules(exchange) {
                Ok((rules, schema)) => {
                    self.follow(objects, rules, schema, &mut rejected);
                    self.exchange = Some(Arc::clone(exchange));
                    return (Arc::clone(&self.table), rejected);
                }
                Err(problem) => {
                    let name = exchange.metadata.name.clone().unwrap_or_default();
                    rejected.push(refused(Kind::Exchange, &name, problem, Reason::Invalid));
                    format!("the Exchange '{name}' is invalid")
                }
            },
        };
        rejected.extend(all(objects).map(|object| Rejected {
            object,
            problem: Problem::new("metadata.namespace", problem.clone()),
            reason: Reason::NoExchange,
        }));
        let (digest, objects) = digest::of(objects);
        *self = Self { table: Arc::new(Table { digest, objects, ..Table::default() }), ..Self::default() };
        (Arc::clone(&self.table), rejected)
    }

    /// The Exchange's rules and schema. An equal schema keeps its identity, so that expressions stay known.
    fn rules(&self, exchange: &Arc<Exchange>) -> Result<(ExchangeRules, Schema), Problem> {
        if self.exchange.as_ref().is_some_and(|known| Arc::ptr_eq(known, exchange)) {
            return Ok((self.table.exchange.clone(), self.table.schema.clone()));
        }
        let rules = exchange_rules(exchange)?;
        let schema = schema::compile(&exchange.spec.schema)?;
        Ok((rules, if schema == self.table.schema { self.table.schema.clone() } else { schema }))
    }

    /// Makes the next table.
    fn follow(&mut self, objects: &Objects, exchange: ExchangeRules, schema: Schema, rejected: &mut Vec<Rejected>) {
        let Self { sources, endpoints, agents, buyers, policies, texts, .. } = self;
        let before = Arc::clone(&self.table);
        let afresh = self.exchange.is_none() || schema != before.schema || exchange.time_zone != before.exchange.time_zone;
        let zone = &exchange.time_zone;
        sources.follow(
            &objects.sources,
            afresh,
            |object| digest::rule(Kind::LeadSource, &object.metadata, &object.spec),
            |object| source::compile(object, &schema).map(Arc::new),
        );
        let mut endpoints_stay = endpoints.follow(
            &objects.endpoints,
            afresh,
            |object| digest::rule(Kind::Endpoint, &object.metadata, &object.spec),
            |object| endpoint::compile(object, &schema).map(Arc::new),
        );
        let agents_stay = agents.follow(
            &objects.agents,
            afresh,
            |object| digest::rule(Kind::Agent, &object.metadata, &object.spec),
            |object| recipient::agent(object, &schema, texts, zone).map(|(recipient, _)| vec![Arc::new(recipient)]),
        );
        let buyers_stay = buyers.follow(
            &objects.buyers,
            afresh,
            |object| digest::rule(Kind::Buyer, &object.metadata, &object.spec),
            |object| {
                let contracts = recipient::contracts(object, &schema, texts, zone)?;
                Ok(contracts.into_iter().map(|(recipient, _)| Arc::new(recipient)).collect())
            },
        );

        let mut table = Table { exchange, schema, ..Table::default() };
        table.sources = sources.valid(Kind::LeadSource, rejected).collect();
        endpoints_stay &= !afresh && endpoints.changed().next().is_none();
        table.endpoints = if endpoints_stay { Arc::clone(&before.endpoints) } else { Arc::default() };
        let valid: HashMap<_, _> = endpoints.valid(Kind::Endpoint, rejected).collect();
        if !endpoints_stay {
            table.endpoints = Arc::new(valid);
        }

        let roll = Roll { agents, buyers, schema: &table.schema, endpoints: &table.endpoints };
        table.recipients = roll.call(rejected);
        let places_stay = agents_stay && buyers_stay && !afresh && same_keys(&before.recipients, &table.recipients);
        let changed: Vec<u32> = if places_stay { different(&before.recipients, &table.recipients) } else { Vec::new() };
        if places_stay && changed.len() <= FEW {
            table.index = roll.changed_index(&before, &changed).unwrap_or_else(|| roll.index(table.recipients.len()));
            table.numbers = Arc::clone(&before.numbers);
            table.traits = changed.iter().fold(before.traits.clone(), |traits, number| {
                traits.changed(*number, &before.recipients[*number as usize], &table.recipients[*number as usize])
            });
        } else {
            table.index = roll.index(table.recipients.len());
            table.numbers = Arc::new((0..).zip(&table.recipients).map(|(number, one)| (one.key.clone(), number)).collect());
            table.traits = Traits::of(&table.recipients);
        }

        table.stages = table.index.subjects().map(|subject| stage(subject, &table.schema)).collect();
        let members_stay = places_stay
            && changed.iter().all(|number| before.recipients[*number as usize].labels == table.recipients[*number as usize].labels);
        policies.follow(
            &objects.policies,
            !members_stay,
            |object| digest::rule(Kind::RoutingPolicy, &object.metadata, &object.spec),
            |object| policy::compile::compile(object, &table.schema, &mut texts.expressions, &table.recipients).map(Arc::new),
        );
        let mut ordered: Vec<_> = policies.iter().filter_map(|piece| Some((&piece.object, piece.outcome.as_ref().ok()?))).collect();
        ordered.sort_by_key(|(object, _)| {
            let age = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (std::cmp::Reverse(object.spec.precedence), age, object.metadata.name.clone())
        });
        table.policies = ordered.into_iter().map(|(_, policy)| Arc::clone(policy)).collect();
        rejected.extend(policies.refused(Kind::RoutingPolicy));

        let exchanges = objects.exchanges.values().map(|object| Arc::new(digest::rule(Kind::Exchange, &object.metadata, &object.spec)));
        let rest = (sources.rules()).chain(agents.rules()).chain(buyers.rules()).chain(endpoints.rules()).chain(policies.rules());
        table.objects = exchanges.chain(rest).collect();
        table.digest = digest::over(&table.objects);
        texts.forget_unused();
        self.table = Arc::new(table);
    }
}

/// All objects that recipients are made of, by which the recipients are called up.
struct Roll<'a> {
    agents: &'a Pieces<Agent, Recipients>,
    buyers: &'a Pieces<Buyer, Recipients>,
    schema: &'a Schema,
    endpoints: &'a HashMap<String, Arc<EndpointRules>>,
}

impl Roll<'_> {
    /// The recipients, in the order of their numbers.
    fn call(&self, rejected: &mut Vec<Rejected>) -> Recipients {
        let mut recipients = Recipients::new();
        let agents = self.agents.iter().map(|piece| (Kind::Agent, &piece.name, &piece.outcome));
        let buyers = self.buyers.iter().map(|piece| (Kind::Buyer, &piece.name, &piece.outcome));
        for (kind, name, outcome) in agents.chain(buyers) {
            let made = match outcome {
                Ok(made) => made,
                Err(problem) => {
                    rejected.push(refused(kind, name, problem.clone(), Reason::Invalid));
                    continue;
                }
            };
            match made.iter().position(|recipient| !self.is_delivered(recipient)) {
                None => recipients.extend(made.iter().map(Arc::clone)),
                Some(at) => {
                    let field = if kind == Kind::Agent { "spec.deliverTo".to_owned() } else { format!("spec.contracts[{at}].deliverTo") };
                    let problem = Problem::new(field, format!("there is no valid Endpoint '{}'", made[at].endpoint));
                    rejected.push(refused(kind, name, problem, Reason::EndpointNotFound));
                }
            }
        }
        recipients
    }

    fn is_delivered(&self, recipient: &Recipient) -> bool {
        self.endpoints.contains_key(recipient.endpoint.as_ref())
    }

    /// The index over all of them.
    fn index(&self, size: usize) -> Index {
        let of = |made: &Recipients, tests: Vec<Tests>| if made.iter().all(|one| self.is_delivered(one)) { tests } else { Vec::new() };
        let agents =
            self.agents.iter().filter_map(|piece| Some(of(piece.outcome.as_ref().ok()?, tests_of_agent(&piece.object, self.schema))));
        let buyers =
            self.buyers.iter().filter_map(|piece| Some(of(piece.outcome.as_ref().ok()?, tests_of_buyer(&piece.object, self.schema))));
        Index::build(size, agents.chain(buyers).flatten())
    }

    /// The index before, with the tests of these recipients changed; none when it has to be built anew.
    fn changed_index(&self, before: &Table, changed: &[u32]) -> Option<Index> {
        let mut index = before.index.clone();
        let mut changed = changed.iter().copied().peekable();
        let agents = self.agents.changed().filter_map(|piece| {
            let (object, outcome) = piece.before.as_ref()?;
            let was = outcome.as_ref().ok()?.iter().zip(tests_of_agent(object, self.schema));
            Some(
                was.zip(tests_of_agent(&piece.object, self.schema))
                    .map(|((made, was), is)| (made.key.clone(), was, is))
                    .collect::<Vec<_>>(),
            )
        });
        let buyers = self.buyers.changed().filter_map(|piece| {
            let (object, outcome) = piece.before.as_ref()?;
            let was = outcome.as_ref().ok()?.iter().zip(tests_of_buyer(object, self.schema));
            Some(
                was.zip(tests_of_buyer(&piece.object, self.schema))
                    .map(|((made, was), is)| (made.key.clone(), was, is))
                    .collect::<Vec<_>>(),
            )
        });
        for (key, was, is) in agents.chain(buyers).flatten() {
            if let Some(number) = before.numbers.get(&key) {
                index = index.changed(*number, &was, &is)?;
                changed.next_if_eq(number);
            }
        }
        // Who changed without its object having changed can't be told from here.
        changed.next().is_none().then_some(index)
    }
}

/// The name of a field's stage in explanations.
fn stage(subject: Subject, schema: &Schema) -> Arc<str> {
    match subject {
        Subject::Field(slot) => schema.names().get(usize::from(slot)).map_or("accepts".into(), |name| format!("accepts {name}").into()),
        Subject::Grade => "accepts lead.grade".into(),
        Subject::Score => "accepts lead.score".into(),
        Subject::Source => "accepts lead.source".into(),
    }
}

/// The tests of an agent that was compiled by this schema.
fn tests_of_agent(agent: &Agent, schema: &Schema) -> Vec<Tests> {
    filters::tests(&agent.spec.accepts, "", schema).into_iter().collect()
}

/// The tests of a buyer's contracts, in their order.
fn tests_of_buyer(buyer: &Buyer, schema: &Schema) -> Vec<Tests> {
    buyer.spec.contracts.iter().filter_map(|contract| filters::tests(&contract.accepts, "", schema).ok()).collect()
}

fn same_keys(before: &[Arc<Recipient>], after: &[Arc<Recipient>]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(one, other)| Arc::ptr_eq(one, other) || one.key == other.key)
}

/// Places at which recipients were made anew.
fn different(before: &[Arc<Recipient>], after: &[Arc<Recipient>]) -> Vec<u32> {
    (0..).zip(before.iter().zip(after)).filter(|(_, (one, other))| !Arc::ptr_eq(one, other)).map(|(number, _)| number).collect()
}

pub(super) fn refused(kind: Kind, name: &str, problem: Problem, reason: Reason) -> Rejected {
    Rejected { object: ObjectRef { kind, name: name.to_owned() }, problem, reason }
}

/// Exchanges beside the one that the namespace belongs to.
fn others_than_chosen(objects: &Objects) -> Vec<Rejected> {
    let chosen = objects.exchange();
    let others = objects.exchanges.iter().filter(|(_, exchange)| chosen.is_none_or(|chosen| !Arc::ptr_eq(chosen, exchange)));
    let of = chosen.and_then(|chosen| chosen.metadata.name.as_deref()).unwrap_or_default();
    let problem = Problem::new("metadata.name", format!("the namespace belongs to the Exchange '{of}'"));
    others.map(|(name, _)| refused(Kind::Exchange, name, problem.clone(), Reason::Conflicted)).collect()
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

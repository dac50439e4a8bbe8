//! Compiles table after table, and does again only what changed.
//!
//! A table is the same as one that [`compile`](super::compile()) makes of the same objects from nothing. One recipient changed in place costs a look at each
//! object, not a compilation of it; an added or removed one builds the index anew; another schema or time zone of the Exchange compiles all.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::compile::{ExchangeRules, exchange_rules};
use super::endpoint::{self, EndpointRules};
use super::index::{Index, Subject, Tests};
use super::pieces::Pieces;
use super::policy::{self, Policy};
use super::recipient::{self, Recipient, filters};
use super::row::Row;
use super::schema::{self, Schema};
use super::source::{self, Source};
use super::texts::Texts;
use super::traits::Traits;
use super::{Kind, ObjectRef, Objects, Problem, Rejected, Table, digest};
use crate::api::condition::Reason;
use crate::api::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};

/// Changed recipients up to which the index is changed rather than built anew.
const FEW: usize = 32;

/// What an Agent or a Buyer came to.
#[derive(Debug)]
struct Made {
    recipients: SmallVec<[Arc<Recipient>; 1]>,
    /// The first whose Endpoint is not there.
    undelivered: Option<usize>,
}

impl Made {
    fn of(recipients: impl IntoIterator<Item = recipient::Compiled>, endpoints: &Endpoints) -> Self {
        let mut made = Self { recipients: recipients.into_iter().map(|(recipient, _)| Arc::new(recipient)).collect(), undelivered: None };
        made.look(endpoints);
        made
    }

    fn look(&mut self, endpoints: &Endpoints) {
        self.undelivered = self.recipients.iter().position(|recipient| !endpoints.contains_key(recipient.endpoint.as_ref()));
    }
}

type Endpoints = HashMap<String, Arc<EndpointRules>>;

/// What is kept from table to table.
#[derive(Default)]
pub struct Compiler {
    exchange: Option<Arc<Exchange>>,
    texts: Texts,
    sources: Pieces<LeadSource, Arc<Source>>,
    endpoints: Pieces<Endpoint, Arc<EndpointRules>>,
    agents: Pieces<Agent, Made>,
    buyers: Pieces<Buyer, Made>,
    policies: Pieces<RoutingPolicy, Arc<Policy>>,
    table: Arc<Table>,
    /// Hashes of the stretches of `table.objects`.
    sums: Vec<[u8; 32]>,
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
        let mut table = Table { exchange, schema, ..Table::default() };
        let (schema, zone) = (&table.schema, &table.exchange.time_zone);

        sources.follow(
            &objects.sources,
            afresh,
            |object| digest::rule(Kind::LeadSource, &object.metadata, &object.spec),
            |object| source::compile(object, schema).map(Arc::new),
        );
        rejected.extend(sources.refused(Kind::LeadSource));
        table.sources = sources.valid().collect();
        let same_names = endpoints.follow(
            &objects.endpoints,
            afresh,
            |object| digest::rule(Kind::Endpoint, &object.metadata, &object.spec),
            |object| endpoint::compile(object, schema).map(Arc::new),
        );
        rejected.extend(endpoints.refused(Kind::Endpoint));
        if same_names && endpoints.changed().next().is_none() {
            table.endpoints = Arc::clone(&before.endpoints);
        } else {
            table.endpoints = Arc::new(endpoints.valid().collect());
            let made = agents.outcomes().chain(buyers.outcomes());
            made.for_each(|made| made.look(&table.endpoints));
        }
        let agents_stay = agents.follow(
            &objects.agents,
            afresh,
            |object| digest::rule(Kind::Agent, &object.metadata, &object.spec),
            |object| Ok(Made::of([recipient::agent(object, schema, texts, zone)?], &table.endpoints)),
        );
        let buyers_stay = buyers.follow(
            &objects.buyers,
            afresh,
            |object| digest::rule(Kind::Buyer, &object.metadata, &object.spec),
            |object| Ok(Made::of(recipient::contracts(object, schema, texts, zone)?, &table.endpoints)),
        );

        let roll = Roll { agents, buyers, schema };
        table.recipients = Row::sharing(&before.recipients, roll.call(rejected));
        let differ = if agents_stay && buyers_stay && !afresh { table.recipients.different(&before.recipients) } else { Vec::new() };
        let pairs = || differ.iter().map(|at| (*at, &before.recipients[*at as usize], &table.recipients[*at as usize]));
        let places_stay = agents_stay
            && buyers_stay
            && !afresh
            && before.recipients.len() == table.recipients.len()
            && pairs().all(|(_, was, is)| was.key == is.key);
        let index = if places_stay && differ.len() <= FEW { roll.changed_index(&before, &differ) } else { None };
        if let Some(index) = index {
            table.index = index;
            table.numbers = Arc::clone(&before.numbers);
            table.traits = pairs().fold(before.traits.clone(), |traits, (number, was, is)| traits.changed(number, was, is));
        } else {
            table.index = roll.index(table.recipients.len());
            table.numbers = Arc::new((0..).zip(table.recipients.iter()).map(|(number, one)| (one.key.clone(), number)).collect());
            table.traits = Traits::of(&table.recipients);
        }
        table.stages = table.index.subjects().map(|subject| stage(subject, schema)).collect();

        let members_stay = places_stay && pairs().all(|(_, was, is)| was.labels == is.labels);
        policies.follow(
            &objects.policies,
            !members_stay,
            |object| digest::rule(Kind::RoutingPolicy, &object.metadata, &object.spec),
            |object| policy::compile::compile(object, schema, &mut texts.expressions, &table.recipients).map(Arc::new),
        );
        rejected.extend(policies.refused(Kind::RoutingPolicy));
        table.policies = in_order(policies);
        texts.forget_unused();

        let exchanges: Vec<_> =
            objects.exchanges.values().map(|object| Arc::new(digest::rule(Kind::Exchange, &object.metadata, &object.spec))).collect();
        let rest = (sources.rules()).chain(agents.rules()).chain(buyers.rules()).chain(endpoints.rules()).chain(policies.rules());
        table.objects = Row::sharing(&before.objects, exchanges.iter().chain(rest));
        self.sums = digest::sums(&table.objects, &before.objects, &self.sums);
        table.digest = digest::over(&self.sums);
        self.table = Arc::new(table);
    }
}

/// The valid policies, in the order in which they may take a lead.
fn in_order(policies: &Pieces<RoutingPolicy, Arc<Policy>>) -> Vec<Arc<Policy>> {
    let mut ordered: Vec<_> = policies.iter().filter_map(|piece| Some((&piece.object, piece.outcome.as_ref().ok()?))).collect();
    ordered.sort_by_key(|(object, _)| {
        let age = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (std::cmp::Reverse(object.spec.precedence), age, object.metadata.name.clone())
    });
    ordered.into_iter().map(|(_, policy)| Arc::clone(policy)).collect()
}

/// All objects that recipients are made of, by which the recipients are called up.
struct Roll<'a> {
    agents: &'a Pieces<Agent, Made>,
    buyers: &'a Pieces<Buyer, Made>,
    schema: &'a Schema,
}

impl<'a> Roll<'a> {
    /// The recipients, in the order of their numbers.
    fn call(&self, rejected: &mut Vec<Rejected>) -> Vec<&'a Arc<Recipient>> {
        let mut recipients = Vec::new();
        let agents = self.agents.iter().map(|piece| (Kind::Agent, &piece.name, &piece.outcome));
        let buyers = self.buyers.iter().map(|piece| (Kind::Buyer, &piece.name, &piece.outcome));
        for (kind, name, outcome) in agents.chain(buyers) {
            match outcome {
                Ok(Made { recipients: made, undelivered: None }) => recipients.extend(made),
                Ok(Made { recipients: made, undelivered: Some(at) }) => {
                    let field = if kind == Kind::Agent { "spec.deliverTo".to_owned() } else { format!("spec.contracts[{at}].deliverTo") };
                    let problem = Problem::new(field, format!("there is no valid Endpoint '{}'", made[*at].endpoint));
                    rejected.push(refused(kind, name, problem, Reason::EndpointNotFound));
                }
                Err(problem) => rejected.push(refused(kind, name, problem.clone(), Reason::Invalid)),
            }
        }
        recipients
    }

    /// The index over all of them.
    fn index(&self, size: usize) -> Index {
        let is_in = |outcome: &Result<Made, Problem>| outcome.as_ref().is_ok_and(|made| made.undelivered.is_none());
        let agents = self.agents.iter().filter(|piece| is_in(&piece.outcome)).map(|piece| tests_of_agent(&piece.object, self.schema));
        let buyers = self.buyers.iter().filter(|piece| is_in(&piece.outcome)).map(|piece| tests_of_buyer(&piece.object, self.schema));
        Index::build(size, agents.chain(buyers).flatten())
    }

    /// The index before, with the tests of these recipients changed; none when it has to be built anew.
    fn changed_index(&self, before: &Table, differ: &[u32]) -> Option<Index> {
        let mut index = before.index.clone();
        let mut differ = differ.iter().copied().peekable();
        let changes = |was: &Made, before: Vec<Tests>, after: Vec<Tests>| {
            let tests = before.into_iter().zip(after);
            was.recipients.iter().zip(tests).map(|(made, (was, is))| (made.key.clone(), was, is)).collect::<Vec<_>>()
        };
        let agents = self.agents.changed().filter_map(|piece| {
            let (object, was) = piece.before.as_deref()?;
            Some(changes(was.as_ref().ok()?, tests_of_agent(object, self.schema), tests_of_agent(&piece.object, self.schema)))
        });
        let buyers = self.buyers.changed().filter_map(|piece| {
            let (object, was) = piece.before.as_deref()?;
            Some(changes(was.as_ref().ok()?, tests_of_buyer(object, self.schema), tests_of_buyer(&piece.object, self.schema)))
        });
        for (key, was, is) in agents.chain(buyers).flatten() {
            if let Some(number) = before.numbers.get(&key) {
                index = index.changed(*number, &was, &is)?;
                differ.next_if_eq(number);
            }
        }
        // Who differs without its object having changed can't be told from here.
        differ.next().is_none().then_some(index)
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

//! Rules, leads and a router's standing, for the tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::flow::decide::{Question, decide};
use crate::flow::standing::Standing;
use crate::lead::decision::{KnownOwner, TakenIn, Unavailable};
use crate::lead::{Candidate, Decision, Lead, LeadId, RecipientKey, Value};
use crate::store::{Hold, TurnAt, Used};
use crate::table::recipient::Terms;
use crate::table::{Objects, Rejected, Table, compile};

/// What the rules of `tests/data/decide` were written for.
pub const NOW: &str = "2026-11-22T18:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn objects(yaml: &str) -> Objects {
    objects_of(serde_saphyr::from_multiple(yaml).expect("the rules are YAML"))
}

pub fn objects_of(documents: Vec<serde_json::Value>) -> Objects {
    let mut objects = Objects::default();
    for document in documents {
        let name = document["metadata"]["name"].as_str().expect("a name").to_owned();
        fn of<T: serde::de::DeserializeOwned>(document: serde_json::Value) -> Arc<T> {
            Arc::new(serde_json::from_value(document).expect("an object"))
        }
        match document["kind"].as_str().expect("a kind") {
            "Exchange" => drop(objects.exchanges.insert(name, of(document))),
            "LeadSource" => drop(objects.sources.insert(name, of(document))),
            "Agent" => drop(objects.agents.insert(name, of(document))),
            "Buyer" => drop(objects.buyers.insert(name, of(document))),
            "Endpoint" => drop(objects.endpoints.insert(name, of(document))),
            _ => drop(objects.policies.insert(name, of(document))),
        }
    }
    objects
}

pub fn table(yaml: &str) -> Arc<Table> {
    table_of(&objects(yaml))
}

pub fn table_of(objects: &Objects) -> Arc<Table> {
    let (table, rejected) = compile(objects);
    assert_eq!(rejected, Vec::<Rejected>::new());
    Arc::new(table)
}

/// The brokerage of `tests/data/decide`.
pub fn brokerage() -> Arc<Table> {
    table(include_str!("../../../../tests/data/decide/brokerage.yaml"))
}

pub fn lead(zip: &str, price: i64, kind: &str) -> Lead {
    fields(&[("location.zip", zip.into()), ("home.type", kind.into()), ("home.price_max", price.into())])
}

/// A lead of these fields: strings are text, numbers decimals.
pub fn fields(fields: &[(&str, serde_json::Value)]) -> Lead {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        number => Value::Decimal(Decimal::from(number.as_i64().expect("a whole number"))),
    };
    let fields = fields.iter().map(|(name, one)| ((*name).to_owned(), value(one))).collect();
    Lead { id: LeadId(uuid::Uuid::nil()), source: "web".to_owned(), arrived_at: at(NOW), fields }
}

/// A router: it decides, and counts what it assigns.
pub struct Router {
    pub table: Arc<Table>,
    pub standing: Standing,
    pub now: Timestamp,
    pub tried: Vec<RecipientKey>,
    pub taken: Vec<TakenIn>,
    pub owners: Vec<KnownOwner>,
    pub unavailable: BTreeMap<String, Unavailable>,
}

impl Router {
    pub fn new(table: &Arc<Table>) -> Self {
        Self::at(table, NOW)
    }

    pub fn at(table: &Arc<Table>, now: &str) -> Self {
        let now = at(now);
        Self {
            standing: Standing::new(Arc::clone(table), now),
            table: Arc::clone(table),
            now,
            tried: Vec::new(),
            taken: Vec::new(),
            owners: Vec::new(),
            unavailable: BTreeMap::new(),
        }
    }

    /// With places used, by recipient and window.
    pub fn used(mut self, counts: &[(&str, &str, i64)]) -> Self {
        let used: Vec<Used> = counts
            .iter()
            .map(|(recipient, window, count)| Used {
                recipient: RecipientKey((*recipient).into()),
                window: (*window).to_owned(),
                count: *count,
            })
            .collect();
        self.standing.refresh(self.now, &used, Vec::new());
        self
    }

    pub fn turns(mut self, turns: Vec<TurnAt>) -> Self {
        self.standing.refresh(self.now, &[], turns);
        self
    }

    pub fn tried(mut self, keys: &[&str]) -> Self {
        self.tried = keys.iter().map(|key| RecipientKey((*key).into())).collect();
        self
    }

    pub fn taken(mut self, tiers: &[&str]) -> Self {
        self.taken = tiers.iter().map(|tier| TakenIn { tier: (*tier).to_owned(), exclusive: false }).collect();
        self
    }

    pub fn down(mut self, endpoint: &str, until: Option<&str>, hint: bool) -> Self {
        self.unavailable.insert(endpoint.to_owned(), Unavailable { until: until.map(at), hint });
        self
    }

    pub fn goes_to(&mut self, now: Timestamp) {
        self.now = self.standing.advance(now);
    }

    pub fn ask(&mut self, lead: &Lead) -> Decision {
        let Self { table, now, tried, taken, owners, unavailable, .. } = self;
        let question = Question { table, lead, now: *now, tried, taken, owners, unavailable };
        decide(&question, &mut self.standing)
    }

    /// Decides, and counts the first candidate as having the lead. Its key, when there is one.
    pub fn assign(&mut self, lead: &Lead) -> Option<String> {
        let decision = self.ask(lead);
        let first = decision.candidates.first()?;
        self.take(&decision, first);
        Some(first.recipient.to_string())
    }

    /// Counts a candidate of a decision as having the lead. Returns the places that it takes.
    pub fn take(&mut self, decision: &Decision, candidate: &Candidate) -> Vec<Hold> {
        let policy = self.table.policy(decision.policy.as_deref().expect("a policy")).expect("the policy");
        let number = self.table.numbers[&candidate.recipient];
        let turn = self.standing.turn_for(policy.tier(&candidate.tier).expect("the tier"), number);
        let grade = decision.score.as_ref().and_then(|score| score.grade.as_deref());
        let holds = self.table.recipients[number as usize].holds(self.now, Terms { grade, exclusive: candidate.exclusive });
        self.standing.assume(&candidate.recipient, &holds, Some(&turn));
        holds
    }
}

/// Keys of a decision's candidates, best first.
pub fn names(decision: &Decision) -> Vec<&str> {
    decision.candidates.iter().map(|candidate| candidate.recipient.as_str()).collect()
}

/// A stage of a tier: how many it removed.
pub fn removed(decision: &Decision, tier: usize, stage: &str) -> u32 {
    decision.tiers[tier].stages.iter().find(|one| *one.name == *stage).map_or(0, |one| one.removed)
}

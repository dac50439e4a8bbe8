//! The custom resources of one namespace, as a set.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};

/// The kinds that rules are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Exchange,
    LeadSource,
    Agent,
    Buyer,
    Endpoint,
    RoutingPolicy,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Exchange, Self::LeadSource, Self::Agent, Self::Buyer, Self::Endpoint, Self::RoutingPolicy];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "Exchange",
            Self::LeadSource => "LeadSource",
            Self::Agent => "Agent",
            Self::Buyer => "Buyer",
            Self::Endpoint => "Endpoint",
            Self::RoutingPolicy => "RoutingPolicy",
        }
    }
}

/// Names an object of the namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    pub kind: Kind,
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

/// All custom resources of a namespace, by name. Cheap to clone: objects are shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    pub exchanges: BTreeMap<String, Arc<Exchange>>,
    pub sources: BTreeMap<String, Arc<LeadSource>>,
    pub agents: BTreeMap<String, Arc<Agent>>,
    pub buyers: BTreeMap<String, Arc<Buyer>>,
    pub endpoints: BTreeMap<String, Arc<Endpoint>>,
    pub policies: BTreeMap<String, Arc<RoutingPolicy>>,
}

impl Objects {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.exchanges.len() + self.sources.len() + self.agents.len() + self.buyers.len() + self.endpoints.len() + self.policies.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The namespace's one Exchange: the oldest, then the first by name.
    pub fn exchange(&self) -> Option<&Arc<Exchange>> {
        self.exchanges.values().min_by_key(|exchange| {
            let age = exchange.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (age, exchange.metadata.name.clone())
        })
    }
}

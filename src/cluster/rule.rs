//! One custom resource of any kind, for code that treats all kinds alike.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::core::{ApiResource, NamespaceResourceScope};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::endpoint::{Circuit, EndpointStatus};
use crate::api::exchange::{Component, ExchangeStatus};
use crate::api::lead_source::LeadSourceStatus;
use crate::api::shared::ObjectStatus;
use crate::api::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};
use crate::table::{Kind, ObjectRef, Objects};

/// The status of any kind, as it was last seen on the API server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Of the object.
    pub uid: String,
    /// Of the object; grows with each change.
    pub resource_version: u64,
    pub generation: Option<i64>,
    pub observed_generation: Option<i64>,
    pub conditions: Vec<Condition>,
    pub told: Told,
    /// Of an Endpoint.
    pub circuit: Option<Circuit>,
}

/// What a status tells beside conditions and circuit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Told {
    /// Of an Exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of an Exchange.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Of an Exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Of a LeadSource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// An object without its status.
#[derive(Clone, Debug)]
pub enum Rule {
    Exchange(Arc<Exchange>),
    LeadSource(Arc<LeadSource>),
    Agent(Arc<Agent>),
    Buyer(Arc<Buyer>),
    Endpoint(Arc<Endpoint>),
    RoutingPolicy(Arc<RoutingPolicy>),
}

impl Rule {
    pub fn insert(self, objects: &mut Objects, name: String) {
        match self {
            Self::Exchange(object) => drop(objects.exchanges.insert(name, object)),
            Self::LeadSource(object) => drop(objects.sources.insert(name, object)),
            Self::Agent(object) => drop(objects.agents.insert(name, object)),
            Self::Buyer(object) => drop(objects.buyers.insert(name, object)),
            Self::Endpoint(object) => drop(objects.endpoints.insert(name, object)),
            Self::RoutingPolicy(object) => drop(objects.policies.insert(name, object)),
        }
    }

    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Exchange(object) => &object.metadata,
            Self::LeadSource(object) => &object.metadata,
            Self::Agent(object) => &object.metadata,
            Self::Buyer(object) => &object.metadata,
            Self::Endpoint(object) => &object.metadata,
            Self::RoutingPolicy(object) => &object.metadata,
        }
    }

    /// The object's generation; 0 where no API server counts them.
    pub fn generation(&self) -> i64 {
        self.metadata().generation.unwrap_or_default()
    }

    /// The object as JSON, with what tells it from others and nothing that changes without its rules.
    pub fn written(&self) -> Result<Value, serde_json::Error> {
        let mut value = match self {
            Self::Exchange(object) => serde_json::to_value(object),
            Self::LeadSource(object) => serde_json::to_value(object),
            Self::Agent(object) => serde_json::to_value(object),
            Self::Buyer(object) => serde_json::to_value(object),
            Self::Endpoint(object) => serde_json::to_value(object),
            Self::RoutingPolicy(object) => serde_json::to_value(object),
        }?;
        let ObjectMeta { name, namespace, uid, generation, labels, creation_timestamp, .. } = self.metadata().clone();
        value["metadata"] =
            serde_json::to_value(ObjectMeta { name, namespace, uid, generation, labels, creation_timestamp, ..ObjectMeta::default() })?;
        Ok(value)
    }

    /// An object of JSON.
    pub fn read(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        fn object<T: DeserializeOwned>(value: Value) -> Result<Arc<T>, serde_json::Error> {
            serde_json::from_value(value).map(Arc::new)
        }
        Ok(match kind {
            Kind::Exchange => Self::Exchange(object(value)?),
            Kind::LeadSource => Self::LeadSource(object(value)?),
            Kind::Agent => Self::Agent(object(value)?),
            Kind::Buyer => Self::Buyer(object(value)?),
            Kind::Endpoint => Self::Endpoint(object(value)?),
            Kind::RoutingPolicy => Self::RoutingPolicy(object(value)?),
        })
    }
}

/// An object of a set.
pub fn get(objects: &Objects, object: &ObjectRef) -> Option<Rule> {
    let name = &object.name;
    match object.kind {
        Kind::Exchange => objects.exchanges.get(name).cloned().map(Rule::Exchange),
        Kind::LeadSource => objects.sources.get(name).cloned().map(Rule::LeadSource),
        Kind::Agent => objects.agents.get(name).cloned().map(Rule::Agent),
        Kind::Buyer => objects.buyers.get(name).cloned().map(Rule::Buyer),
        Kind::Endpoint => objects.endpoints.get(name).cloned().map(Rule::Endpoint),
        Kind::RoutingPolicy => objects.policies.get(name).cloned().map(Rule::RoutingPolicy),
    }
}

/// Takes an object out of a set.
pub fn remove(objects: &mut Objects, object: &ObjectRef) {
    match object.kind {
        Kind::Exchange => drop(objects.exchanges.remove(&object.name)),
        Kind::LeadSource => drop(objects.sources.remove(&object.name)),
        Kind::Agent => drop(objects.agents.remove(&object.name)),
        Kind::Buyer => drop(objects.buyers.remove(&object.name)),
        Kind::Endpoint => drop(objects.endpoints.remove(&object.name)),
        Kind::RoutingPolicy => drop(objects.policies.remove(&object.name)),
    }
}

/// The metadata of an object of a set.
pub fn metadata<'a>(objects: &'a Objects, object: &ObjectRef) -> Option<&'a ObjectMeta> {
    let name = &object.name;
    match object.kind {
        Kind::Exchange => objects.exchanges.get(name).map(|o| &o.metadata),
        Kind::LeadSource => objects.sources.get(name).map(|o| &o.metadata),
        Kind::Agent => objects.agents.get(name).map(|o| &o.metadata),
        Kind::Buyer => objects.buyers.get(name).map(|o| &o.metadata),
        Kind::Endpoint => objects.endpoints.get(name).map(|o| &o.metadata),
        Kind::RoutingPolicy => objects.policies.get(name).map(|o| &o.metadata),
    }
}

/// Every object of a set, kind by kind.
pub fn names(objects: &Objects) -> Vec<ObjectRef> {
    fn all<T>(kind: Kind, map: &std::collections::BTreeMap<String, T>) -> impl Iterator<Item = ObjectRef> + use<'_, T> {
        map.keys().map(move |name| ObjectRef { kind, name: name.clone() })
    }
    all(Kind::Exchange, &objects.exchanges)
        .chain(all(Kind::LeadSource, &objects.sources))
        .chain(all(Kind::Agent, &objects.agents))
        .chain(all(Kind::Buyer, &objects.buyers))
        .chain(all(Kind::Endpoint, &objects.endpoints))
        .chain(all(Kind::RoutingPolicy, &objects.policies))
        .collect()
}

/// How the API server calls a kind.
pub fn resource(kind: Kind) -> ApiResource {
    match kind {
        Kind::Exchange => ApiResource::erase::<Exchange>(&()),
        Kind::LeadSource => ApiResource::erase::<LeadSource>(&()),
        Kind::Agent => ApiResource::erase::<Agent>(&()),
        Kind::Buyer => ApiResource::erase::<Buyer>(&()),
        Kind::Endpoint => ApiResource::erase::<Endpoint>(&()),
        Kind::RoutingPolicy => ApiResource::erase::<RoutingPolicy>(&()),
    }
}

/// A kind that rules are made of.
pub trait RuleKind: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Sized {
    const KIND: Kind;

    /// Splits an object from its status.
    fn split(self) -> (Rule, Seen);
}

/// What all status types have, taken from their fields.
trait Status {
    fn seen(self) -> Seen;
}

impl Status for ObjectStatus {
    fn seen(self) -> Seen {
        Seen { observed_generation: self.observed_generation, conditions: self.conditions, ..Seen::default() }
    }
}

impl Status for EndpointStatus {
    fn seen(self) -> Seen {
        let common = Seen { observed_generation: self.observed_generation, conditions: self.conditions, ..Seen::default() };
        Seen { circuit: self.circuit, ..common }
    }
}

impl Status for ExchangeStatus {
    fn seen(self) -> Seen {
        let told = Told { address: self.address, components: self.components, version: self.version, url: None };
        Seen { observed_generation: self.observed_generation, conditions: self.conditions, told, ..Seen::default() }
    }
}

impl Status for LeadSourceStatus {
    fn seen(self) -> Seen {
        let told = Told { url: self.url, ..Told::default() };
        Seen { observed_generation: self.observed_generation, conditions: self.conditions, told, ..Seen::default() }
    }
}

macro_rules! rule_kind {
    ($kind:ident) => {
        impl RuleKind for $kind {
            const KIND: Kind = Kind::$kind;

            fn split(mut self) -> (Rule, Seen) {
                let status = self.status.take().map(Status::seen).unwrap_or_default();
                let seen = Seen { uid: self.uid().unwrap_or_default(), resource_version: resource_version(&self.metadata), ..status };
                let seen = Seen { generation: self.metadata.generation, ..seen };
                // Large, and of no use here.
                self.metadata.managed_fields = None;
                (Rule::$kind(Arc::new(self)), seen)
            }
        }
    };
}

rule_kind!(Exchange);
rule_kind!(LeadSource);
rule_kind!(Agent);
rule_kind!(Buyer);
rule_kind!(Endpoint);
rule_kind!(RoutingPolicy);

/// The version as the number that it is; 0 where a server has other ways.
pub fn resource_version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or_default()
}

//! What objects refer to: Secrets and Endpoints, by name. Nothing is read here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Entries, Kind, ObjectRef, Objects};
use crate::api::endpoint::Auth;
use crate::api::shared::SecretKeyRef;
use crate::api::{Endpoint, Exchange, LeadSource};

/// The parts of the data plane that read Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Ingest,
    Router,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Ingest, Self::Router];

    /// As the command line, labels and names of objects write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Router => "router",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one object refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    pub secrets: Vec<SecretUse>,
    pub endpoints: BTreeSet<String>,
}

/// A Secret that an object refers to, what must be in it, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Name of the Secret.
    pub name: String,
    pub entries: Needed,
    pub roles: &'static [Role],
}

/// What must be in a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// This key.
    Key(String),
    /// At least one key, whatever its name.
    Any,
    /// `index`, and at least one other.
    EncryptionKeys,
}

impl Needed {
    /// What is missing of it, if anything is: the end of a sentence that begins with the Secret's name.
    pub fn missing(&self, entries: &Entries) -> Option<String> {
        match self {
            Self::Key(key) if !entries.contains_key(key) => Some(format!("has no key '{key}'")),
            Self::Any if entries.is_empty() => Some("has no keys; it must have at least one".to_owned()),
            Self::EncryptionKeys if !entries.contains_key(INDEX_KEY) => Some(format!("has no key '{INDEX_KEY}'")),
            Self::EncryptionKeys if entries.len() < 2 => Some(format!("has no key beside '{INDEX_KEY}'; it must have one that encrypts")),
            _ => None,
        }
    }
}

/// The entry of the encryption Secret that keys the look-up hashes.
const INDEX_KEY: &str = "index";
const BOTH: &[Role] = &[Role::Ingest, Role::Router];
const INGEST: &[Role] = &[Role::Ingest];
const ROUTER: &[Role] = &[Role::Router];

/// What each object refers to; objects that refer to nothing are left out.
pub fn references(objects: &Objects) -> BTreeMap<ObjectRef, References> {
    let exchanges = objects.exchanges.iter().map(|(name, exchange)| (Kind::Exchange, name, of_exchange(exchange)));
    let sources = objects.sources.iter().map(|(name, source)| (Kind::LeadSource, name, of_source(source)));
    let endpoints = objects.endpoints.iter().map(|(name, endpoint)| (Kind::Endpoint, name, of_endpoint(endpoint)));
    let agents = objects.agents.iter().map(|(name, agent)| (Kind::Agent, name, to_endpoints([&agent.spec.deliver_to])));
    let buyers = objects.buyers.iter().map(|(name, buyer)| {
        let endpoints = buyer.spec.contracts.iter().map(|contract| &contract.deliver_to);
        (Kind::Buyer, name, to_endpoints(endpoints))
    });
    exchanges
        .chain(sources)
        .chain(endpoints)
        .chain(agents)
        .chain(buyers)
        .filter(|(_, _, references)| *references != References::default())
        .map(|(kind, name, references)| (ObjectRef { kind, name: name.clone() }, references))
        .collect()
}

/// Names of the Secrets that a role reads: those that objects refer to, less what only `rejected` ones do. An Exchange that is not the namespace's
/// own counts for nothing.
pub fn secrets_of(role: Role, objects: &Objects, rejected: &BTreeSet<ObjectRef>) -> BTreeSet<String> {
    let exchange = objects.exchange().and_then(|exchange| exchange.metadata.name.clone());
    references(objects)
        .into_iter()
        .filter(|(object, _)| !rejected.contains(object))
        .filter(|(object, _)| object.kind != Kind::Exchange || exchange.as_ref() == Some(&object.name))
        .flat_map(|(_, references)| references.secrets)
        .filter(|secret| secret.roles.contains(&role))
        .map(|secret| secret.name)
        .collect()
}

fn of_exchange(exchange: &Exchange) -> References {
    let encryption = &exchange.spec.encryption.keys_from.secret_ref;
    let mut secrets = vec![SecretUse { name: encryption.name.clone(), entries: Needed::EncryptionKeys, roles: BOTH }];
    if let Some(postgresql) = &exchange.spec.store.postgresql {
        secrets.push(key(&postgresql.url_from.secret_key_ref, BOTH));
    }
    References { secrets, endpoints: BTreeSet::new() }
}

fn of_source(source: &LeadSource) -> References {
    let name = source.spec.auth.keys_from.secret_ref.name.clone();
    References { secrets: vec![SecretUse { name, entries: Needed::Any, roles: INGEST }], endpoints: BTreeSet::new() }
}

fn of_endpoint(endpoint: &Endpoint) -> References {
    let Some(Auth { bearer, basic }) = &endpoint.spec.http.auth else {
        return References::default();
    };
    let bearer = bearer.iter().map(|bearer| &bearer.token_from);
    let basic = basic.iter().flat_map(|basic| [&basic.username_from, &basic.password_from]);
    let secrets = bearer.chain(basic).map(|value| key(&value.secret_key_ref, ROUTER)).collect();
    References { secrets, endpoints: BTreeSet::new() }
}

fn to_endpoints<'a>(names: impl IntoIterator<Item = &'a String>) -> References {
    References { secrets: Vec::new(), endpoints: names.into_iter().cloned().collect() }
}

fn key(at: &SecretKeyRef, roles: &'static [Role]) -> SecretUse {
    SecretUse { name: at.name.clone(), entries: Needed::Key(at.key.clone()), roles }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use zeroize::Zeroizing;

    use super::*;

    fn object<K: DeserializeOwned>(kind: &str, name: &str, spec: Value) -> Arc<K> {
        let json = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        Arc::new(serde_json::from_value(json).unwrap())
    }

    fn objects() -> Objects {
        let mut objects = Objects::default();
        let store = json!({"postgresql": {"urlFrom": {"secretKeyRef": {"name": "pg", "key": "uri"}}}});
        let exchange = json!({"store": store, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}}});
        objects.exchanges.insert("house".into(), object("Exchange", "house", exchange));
        let source = json!({"auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}});
        objects.sources.insert("form".into(), object("LeadSource", "form", source));
        let token = json!({"bearer": {"tokenFrom": {"secretKeyRef": {"name": "crm", "key": "token"}}}});
        let endpoint = json!({"http": {"url": "https://crm.example.com/leads", "auth": token}});
        objects.endpoints.insert("crm".into(), object("Endpoint", "crm", endpoint));
        let open = json!({"http": {"url": "https://open.example.com/leads"}});
        objects.endpoints.insert("open".into(), object("Endpoint", "open", open));
        objects.agents.insert("sarah".into(), object("Agent", "sarah", json!({"deliverTo": "crm"})));
        objects
    }

    fn named(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn entries(keys: &[&str]) -> Entries {
        keys.iter().map(|key| ((*key).to_owned(), Zeroizing::new(vec![1]))).collect()
    }

    #[test]
    fn each_role_reads_what_it_needs_and_no_more() {
        let none = BTreeSet::new();
        assert_eq!(secrets_of(Role::Ingest, &objects(), &none), named(&["form-keys", "keys", "pg"]));
        assert_eq!(secrets_of(Role::Router, &objects(), &none), named(&["crm", "keys", "pg"]));
    }

    #[test]
    fn a_rejected_object_gives_access_to_nothing() {
        let rejected = BTreeSet::from([ObjectRef { kind: Kind::Endpoint, name: "crm".into() }]);
        assert_eq!(secrets_of(Role::Router, &objects(), &rejected), named(&["keys", "pg"]));
    }

    #[test]
    fn a_second_exchange_gives_access_to_nothing() {
        let mut objects = objects();
        let other = json!({"store": {"embedded": {}}, "encryption": {"keysFrom": {"secretRef": {"name": "other-keys"}}}});
        objects.exchanges.insert("later".into(), object("Exchange", "later", other));
        assert!(!secrets_of(Role::Router, &objects, &BTreeSet::new()).contains("other-keys"));
    }

    #[test]
    fn an_agent_refers_to_its_endpoint_and_an_open_endpoint_to_nothing() {
        let references = references(&objects());
        let agent = &references[&ObjectRef { kind: Kind::Agent, name: "sarah".into() }];
        assert_eq!(agent.endpoints, named(&["crm"]));
        assert!(!references.contains_key(&ObjectRef { kind: Kind::Endpoint, name: "open".into() }));
    }

    #[test]
    fn what_a_secret_lacks_is_named() {
        assert_eq!(Needed::Key("token".into()).missing(&entries(&["other"])).unwrap(), "has no key 'token'");
        assert_eq!(Needed::Key("token".into()).missing(&entries(&["token"])), None);
        assert!(Needed::Any.missing(&entries(&[])).is_some());
        assert!(Needed::EncryptionKeys.missing(&entries(&["2026-01"])).is_some());
        assert!(Needed::EncryptionKeys.missing(&entries(&["index"])).is_some());
        assert_eq!(Needed::EncryptionKeys.missing(&entries(&["index", "2026-01"])), None);
    }
}

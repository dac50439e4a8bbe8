//! Events of watches in, sets of objects by namespace out. No IO, no time.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::rule::{self, Rule, Seen};
use crate::api::endpoint::Circuit;
use crate::table::{Kind, ObjectRef, Objects};

/// An event of one watch.
#[derive(Debug)]
pub enum Event {
    /// A list begins.
    Begin,
    /// An object of the list.
    Listed(Item),
    /// The list is complete: what was not in it is gone.
    Complete,
    /// An object was made or changed.
    Changed(Item),
    /// An object is gone.
    Gone { namespace: String, name: String },
}

/// An object, or what is known of one that can't be decoded.
#[derive(Debug)]
pub struct Item {
    pub namespace: String,
    pub name: String,
    pub metadata: ObjectMeta,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Rule { rule: Rule, seen: Box<Seen> },
    Undecodable { problem: String },
}

/// One watch: a kind, in a namespace or everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchId {
    pub kind: Kind,
    pub part: Option<String>,
}

/// The objects of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// Rules, without status.
    pub objects: Objects,
    /// Status, as last seen.
    pub seen: BTreeMap<ObjectRef, Seen>,
    /// Objects that can't be decoded.
    pub undecodable: BTreeMap<ObjectRef, Undecodable>,
}

/// An object that can't be decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecodable {
    pub uid: String,
    pub problem: String,
}

/// What an event amounted to.
#[derive(Debug, Default, PartialEq)]
pub struct Change {
    /// Namespaces whose rules are different now. A change of nothing but status is none.
    pub rules: BTreeSet<String>,
    /// Namespaces in which a status is different now.
    pub status: BTreeSet<String>,
    /// Circuits that are reported differently now: namespace, endpoint, circuit.
    pub circuits: Vec<(String, String, Circuit)>,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Index {
    namespaces: BTreeMap<String, Namespace>,
    /// By watch: `None` while its first list is not complete, and what the list under way has shown so far.
    watches: BTreeMap<WatchId, Watch>,
}

#[derive(Debug, Default)]
struct Watch {
    complete: bool,
    listing: BTreeSet<(String, String)>,
}

impl Index {
    pub fn new(watches: impl IntoIterator<Item = WatchId>) -> Self {
        Self { namespaces: BTreeMap::new(), watches: watches.into_iter().map(|id| (id, Watch::default())).collect() }
    }

    /// Whether the first list of every watch was complete.
    pub fn complete(&self) -> bool {
        self.watches.values().all(|watch| watch.complete)
    }

    /// The status of an object, as last seen.
    pub fn seen(&self, namespace: &str, object: &ObjectRef) -> Option<&Seen> {
        self.namespaces.get(namespace)?.seen.get(object)
    }

    /// The status of every object, with its namespace.
    pub fn statuses(&self) -> impl Iterator<Item = (&str, &ObjectRef, &Seen)> {
        self.namespaces
            .iter()
            .flat_map(|(namespace, space)| space.seen.iter().map(move |(object, seen)| (namespace.as_str(), object, seen)))
    }

    /// All that is known of a namespace. Objects are shared, not copied.
    pub fn namespace(&self, name: &str) -> Namespace {
        self.namespaces.get(name).cloned().unwrap_or_default()
    }

    pub fn take(&mut self, id: &WatchId, event: Event) -> Change {
        let mut change = Change::default();
        match event {
            Event::Begin => self.watch(id).listing.clear(),
            Event::Listed(item) => {
                self.watch(id).listing.insert((item.namespace.clone(), item.name.clone()));
                self.put(id.kind, item, &mut change);
            }
            Event::Complete => {
                let watch = self.watch(id);
                watch.complete = true;
                let listed = std::mem::take(&mut watch.listing);
                self.keep_only(id, &listed, &mut change);
            }
            Event::Changed(item) => self.put(id.kind, item, &mut change),
            Event::Gone { namespace, name } => self.remove(&namespace, &ObjectRef { kind: id.kind, name }, &mut change),
        }
        change
    }

    /// Notes a status that was just written, ahead of the watch.
    pub fn written(&mut self, namespace: &str, object: &ObjectRef, seen: Seen) {
        if let Some(known) = self.namespaces.get_mut(namespace).and_then(|space| space.seen.get_mut(object))
            && known.uid == seen.uid
            && known.resource_version < seen.resource_version
        {
            *known = seen;
        }
    }

    fn watch(&mut self, id: &WatchId) -> &mut Watch {
        self.watches.entry(id.clone()).or_default()
    }

    fn put(&mut self, kind: Kind, item: Item, change: &mut Change) {
        let object = ObjectRef { kind, name: item.name.clone() };
        let space = self.namespaces.entry(item.namespace.clone()).or_default();
        match item.content {
            Content::Undecodable { problem } => {
                rule::remove(&mut space.objects, &object);
                let uid = item.metadata.uid.clone().unwrap_or_default();
                // Its status can't be read here: what was read, or written, of it before stays.
                let mut seen = space.seen.remove(&object).filter(|known| known.uid == uid).unwrap_or_default();
                seen.uid.clone_from(&uid);
                seen.generation = seen.generation.max(item.metadata.generation);
                seen.resource_version = seen.resource_version.max(rule::resource_version(&item.metadata));
                space.seen.insert(object.clone(), seen);
                let broken = Undecodable { uid, problem };
                if space.undecodable.insert(object, broken.clone()).as_ref() != Some(&broken) {
                    change.rules.insert(item.namespace);
                }
            }
            Content::Rule { rule, seen } => {
                let mended = space.undecodable.remove(&object).is_some();
                if mended || rule::metadata(&space.objects, &object).is_none_or(|known| differs(known, &item.metadata)) {
                    change.rules.insert(item.namespace.clone());
                    rule.insert(&mut space.objects, item.name.clone());
                }
                let known = space.seen.get(&object);
                if known.is_some_and(|known| known.uid == seen.uid && known.resource_version > seen.resource_version) {
                    return;
                }
                let circuit = known.and_then(|known| known.circuit.as_ref());
                if let Some(reported) = seen.circuit.as_ref().filter(|reported| circuit != Some(*reported)) {
                    change.circuits.push((item.namespace.clone(), item.name, reported.clone()));
                }
                let same_status = |known: &Seen| {
                    (known.observed_generation, &known.conditions, &known.told) == (seen.observed_generation, &seen.conditions, &seen.told)
                };
                if !known.is_some_and(same_status) {
                    change.status.insert(item.namespace);
                }
                space.seen.insert(object, *seen);
            }
        }
    }

    fn remove(&mut self, namespace: &str, object: &ObjectRef, change: &mut Change) {
        let Some(space) = self.namespaces.get_mut(namespace) else {
            return;
        };
        rule::remove(&mut space.objects, object);
        space.undecodable.remove(object);
        space.seen.remove(object);
        change.rules.insert(namespace.to_owned());
        if space.objects.is_empty() && space.undecodable.is_empty() {
            self.namespaces.remove(namespace);
        }
    }

    fn keep_only(&mut self, id: &WatchId, listed: &BTreeSet<(String, String)>, change: &mut Change) {
        let in_part = |namespace: &str| id.part.as_deref().is_none_or(|part| part == namespace);
        let gone: Vec<_> = self
            .namespaces
            .iter()
            .filter(|(namespace, _)| in_part(namespace))
            .flat_map(|(namespace, space)| space.seen.keys().map(move |object| (namespace, object)))
            .filter(|(namespace, object)| object.kind == id.kind && !listed.contains(&((*namespace).clone(), object.name.clone())))
            .map(|(namespace, object)| (namespace.clone(), object.clone()))
            .collect();
        for (namespace, object) in gone {
            self.remove(&namespace, &object, change);
        }
    }
}

/// Whether an object's rules may be different: another object, another spec, or other labels, which selectors look at.
fn differs(known: &ObjectMeta, new: &ObjectMeta) -> bool {
    (&known.uid, known.generation, &known.labels) != (&new.uid, new.generation, &new.labels)
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;

//! Which objects of a namespace count, and why the others do not. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compiled::{Compile, Compiled};
use crate::api::Exchange;
use crate::api::condition::Reason;
use crate::cluster::index::Namespace;
use crate::cluster::last_good::{LastGood, Records};
use crate::cluster::rule;
use crate::table::{Kind, ObjectRef, Objects};

/// The verdict on the objects of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// What was judged.
    pub given: Objects,
    /// What the rules are made of: the same, with the last good version of objects that are broken.
    pub objects: Objects,
    /// Digest of the rules that come of it.
    pub digest: String,
    /// Objects that do not count, or not as they are.
    pub rejected: BTreeMap<ObjectRef, Rejection>,
    /// Those of them of which an earlier version runs, with its generation.
    pub fallen_back: BTreeMap<ObjectRef, i64>,
}

/// Why an object does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reason: Reason,
    pub message: String,
}

impl Judged {
    /// The objects that are there, decodable or not.
    pub fn names(&self) -> BTreeSet<ObjectRef> {
        rule::names(&self.given).into_iter().chain(self.rejected.keys().cloned()).collect()
    }

    /// Objects that the rules are made without.
    pub fn rejected_names(&self) -> BTreeSet<ObjectRef> {
        self.rejected.keys().filter(|object| !self.fallen_back.contains_key(*object)).cloned().collect()
    }

    /// The version of a broken Exchange that keeps running.
    pub fn good_exchange(&self, name: &str) -> Option<&Arc<Exchange>> {
        let object = ObjectRef { kind: Kind::Exchange, name: name.to_owned() };
        self.fallen_back.contains_key(&object).then(|| self.objects.exchanges.get(name))?
    }

    /// Why the rules are made without an object.
    pub fn left_out(&self, object: &ObjectRef) -> Option<&Rejection> {
        self.rejected.get(object).filter(|_| !self.fallen_back.contains_key(object))
    }
}

/// Judges the objects of one namespace, by what is remembered and recorded of better times.
pub fn judge(space: Namespace, last_good: &mut LastGood, records: &Records, compile: Compile) -> Judged {
    let settled = last_good.settle(&space.objects, &space.undecodable, records, |objects| {
        let Compiled { digest, rejected } = compile(objects);
        (digest, rejected)
    });
    let mut rejected: BTreeMap<ObjectRef, Rejection> = BTreeMap::new();
    let undecodable = space.undecodable.into_iter().map(|(object, broken)| (object, Reason::Invalid, broken.problem));
    let by_compile = settled.rejected.into_iter().map(|rejected| (rejected.object, rejected.reason, rejected.problem.to_string()));
    // A dangling reference is told by `ResolvedRefs`, and heals by itself.
    let by_compile = by_compile.filter(|(_, reason, _)| !matches!(reason, Reason::EndpointNotFound | Reason::SecretNotFound));
    for (object, reason, message) in undecodable.chain(by_compile) {
        match rejected.get_mut(&object) {
            None => drop(rejected.insert(object, Rejection { reason, message })),
            // The first reason leads; further problems of its kind are told with it.
            Some(first) if first.reason == reason && first.message != message => first.message = format!("{}; {message}", first.message),
            Some(_) => {}
        }
    }
    for (object, generation) in &settled.fallen_back {
        if let Some(rejection) = rejected.get_mut(object) {
            rejection.message = format!("Fall Back: generation {generation} keeps running; {}", rejection.message);
        }
    }
    Judged { given: space.objects, objects: settled.used, digest: settled.compiled, rejected, fallen_back: settled.fallen_back }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

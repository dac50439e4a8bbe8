//! Which objects of a namespace count, and why the others do not. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::compiled::Compile;
use crate::api::condition::Reason;
use crate::cluster::index::Namespace;
use crate::cluster::rule;
use crate::table::{ObjectRef, Objects};

/// The verdict on the objects of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// What was judged.
    pub objects: Objects,
    /// Digest of the rules that come of it.
    pub digest: String,
    /// Objects that do not count.
    pub rejected: BTreeMap<ObjectRef, Rejection>,
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
        rule::names(&self.objects).into_iter().chain(self.rejected.keys().cloned()).collect()
    }

    pub fn rejected_names(&self) -> BTreeSet<ObjectRef> {
        self.rejected.keys().cloned().collect()
    }
}

/// Judges the objects of one namespace.
pub fn judge(space: Namespace, compile: Compile) -> Judged {
    let compiled = compile(&space.objects);
    let mut rejected: BTreeMap<ObjectRef, Rejection> = BTreeMap::new();
    let undecodable = space.undecodable.into_iter().map(|(object, problem)| (object, Reason::Invalid, problem));
    let by_compile = compiled.rejected.into_iter().map(|(object, problem, reason)| (object, reason, problem.to_string()));
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
    Judged { objects: space.objects, digest: compiled.digest, rejected }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

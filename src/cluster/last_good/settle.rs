//! Objects as they are → the rules, with the last good version in the place of what is broken. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Records;
use crate::api::condition::Reason;
use crate::cluster::index::Undecodable;
use crate::cluster::rule::{self, Rule};
use crate::table::{ObjectRef, Objects, Rejected};

/// What one process remembers of one namespace.
#[derive(Debug, Default)]
pub struct LastGood {
    /// What the rules were made of last.
    used: Objects,
    /// What of it can't be used.
    invalid: BTreeSet<ObjectRef>,
    /// Generations of records, by the uid of their object, after which the object was good again.
    over: BTreeMap<String, i64>,
}

/// The objects of a namespace, settled.
#[derive(Debug)]
pub struct Settled<T> {
    /// What became of them.
    pub compiled: T,
    /// What the rules are made of.
    pub used: Objects,
    /// What is wrong with objects as they are, whether they are left out or an earlier version runs.
    pub rejected: Vec<Rejected>,
    /// Objects of which an earlier version runs, with its generation.
    pub fallen_back: BTreeMap<ObjectRef, i64>,
}

impl LastGood {
    /// Compiles the objects, and those that are invalid in their last good version. That is the recorded one where there is a record, so that all
    /// processes take the same, else the one that this process ran last.
    pub fn settle<T>(
        &mut self,
        objects: &Objects,
        undecodable: &BTreeMap<ObjectRef, Undecodable>,
        records: &Records,
        mut compile: impl FnMut(&Objects) -> (T, Vec<Rejected>),
    ) -> Settled<T> {
        let mut used = objects.clone();
        let mut fallen_back = BTreeMap::new();
        for (object, broken) in undecodable {
            if let Some(good) = self.good(object, &broken.uid, records) {
                fallen_back.insert(object.clone(), good.generation());
                good.insert(&mut used, object.name.clone());
            }
        }
        let mut problems: Vec<Rejected> = Vec::new();
        // Each object is put in another version once, and put back once at most.
        let mut hopeless = BTreeSet::new();
        let (compiled, rejected) = loop {
            let (compiled, rejected) = compile(&used);
            let mut again = false;
            for object in invalid(&rejected) {
                if fallen_back.remove(&object).is_some() {
                    restore(&mut used, &object, objects);
                    problems.retain(|problem| problem.object != object);
                    again |= hopeless.insert(object);
                } else if !hopeless.contains(&object)
                    && let Some(good) = self.good_instead(&object, objects, records)
                {
                    problems.extend(rejected.iter().filter(|rejected| rejected.object == object).cloned());
                    fallen_back.insert(object.clone(), good.generation());
                    good.insert(&mut used, object.name);
                    again = true;
                }
            }
            if !again {
                break (compiled, rejected);
            }
        };
        self.used = used.clone();
        self.invalid = invalid(&rejected);
        let judged = |object: &ObjectRef| !rejected.iter().any(|one| one.object == *object && one.reason != Reason::EndpointNotFound);
        self.note_mended(records, |object| objects_has(objects, object) && !fallen_back.contains_key(object) && judged(object));
        problems.extend(rejected);
        Settled { compiled, used, rejected: problems, fallen_back }
    }

    /// The last good version of an object that can be decoded, if it is another than the one that is there.
    fn good_instead(&self, object: &ObjectRef, objects: &Objects, records: &Records) -> Option<Rule> {
        let now = rule::metadata(objects, object)?;
        let good = self.good(object, now.uid.as_deref()?, records)?;
        (Some(good.generation()) != now.generation).then_some(good)
    }

    fn good(&self, object: &ObjectRef, uid: &str, records: &Records) -> Option<Rule> {
        let recorded = records.get(uid).filter(|record| self.over.get(uid) != Some(&record.generation()));
        let remembered =
            || rule::get(&self.used, object).filter(|rule| !self.invalid.contains(object) && rule.metadata().uid.as_deref() == Some(uid));
        recorded.filter(|record| record.object == *object).map(|record| record.rule.clone()).or_else(remembered)
    }

    /// A record of an object that is good again must not be taken once more when it is broken again before the record is gone.
    fn note_mended(&mut self, records: &Records, good: impl Fn(&ObjectRef) -> bool) {
        self.over.retain(|uid, _| records.contains_key(uid));
        for (uid, record) in records.iter().filter(|(_, record)| good(&record.object)) {
            self.over.insert(uid.clone(), record.generation());
        }
    }
}

fn invalid(rejected: &[Rejected]) -> BTreeSet<ObjectRef> {
    rejected.iter().filter(|rejected| rejected.reason == Reason::Invalid).map(|rejected| rejected.object.clone()).collect()
}

fn objects_has(objects: &Objects, object: &ObjectRef) -> bool {
    rule::metadata(objects, object).is_some()
}

/// Puts an object back as it is; one that can't be decoded is left out.
fn restore(used: &mut Objects, object: &ObjectRef, objects: &Objects) {
    match rule::get(objects, object) {
        Some(given) => given.insert(used, object.name.clone()),
        None => rule::remove(used, object),
    }
}

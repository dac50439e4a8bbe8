//! What the operator knows of the cluster, as its tasks share it. Each part has one writer; no lock is held across an await.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::Stream;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::child::{ChildKind, Children, Watched};
use super::error::Category;
use super::judge::Judged;
use super::programmed::Leases;
use super::propagation::Propagation;
use crate::cluster::rules::SharedIndex;
use crate::cluster::scope::Scope;
use crate::cluster::secrets::AllFound;

/// Why the objects of an Exchange are not as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub category: Category,
    pub message: String,
}

/// A namespace and a name.
pub type Named = (String, String);

/// Everything that is known.
pub struct World {
    pub index: SharedIndex,
    child_watches: Vec<Watched>,
    children: Mutex<Children>,
    leases: Mutex<Leases>,
    judged: Mutex<BTreeMap<String, Arc<Judged>>>,
    secrets: Mutex<BTreeMap<String, watch::Receiver<Arc<AllFound>>>>,
    trouble: Mutex<BTreeMap<Named, Trouble>>,
    unjudged: Mutex<BTreeMap<String, Timestamp>>,
    propagation: Mutex<Propagation>,
    outdated: Mutex<BTreeMap<&'static str, String>>,
    /// Rules changed.
    pub judge: Notify,
    /// Something changed that a status may tell of.
    pub statuses: Notify,
    reconciles: watch::Sender<u64>,
}

impl World {
    pub fn new(scope: &Scope) -> Self {
        let child_watches = ChildKind::ALL.into_iter().flat_map(|kind| scope.parts().into_iter().map(move |part| Watched { kind, part }));
        Self {
            index: SharedIndex::new(scope),
            child_watches: child_watches.collect(),
            children: Mutex::default(),
            leases: Mutex::default(),
            judged: Mutex::default(),
            secrets: Mutex::default(),
            trouble: Mutex::default(),
            unjudged: Mutex::default(),
            propagation: Mutex::default(),
            outdated: Mutex::default(),
            judge: Notify::new(),
            statuses: Notify::new(),
            reconciles: watch::Sender::new(0),
        }
    }

    pub fn children(&self) -> MutexGuard<'_, Children> {
        lock(&self.children)
    }

    pub fn leases(&self) -> MutexGuard<'_, Leases> {
        lock(&self.leases)
    }

    pub fn child_watches(&self) -> &[Watched] {
        &self.child_watches
    }

    /// Whether all objects that Exchanges consist of have been seen.
    pub fn children_complete(&self) -> bool {
        self.children().complete(&self.child_watches)
    }

    /// Something changed that Exchanges' objects, or statuses, depend on.
    pub fn stir(&self) {
        self.reconciles.send_modify(|count| *count += 1);
        self.statuses.notify_one();
    }

    /// An item whenever all Exchanges are to be looked at.
    pub fn stirred(&self) -> impl Stream<Item = ()> + Send + use<> {
        futures::stream::unfold(self.reconciles.subscribe(), |mut count| async move {
            count.changed().await.ok()?;
            Some(((), count))
        })
    }

    /// Rules of these namespaces changed, and that was seen `now`.
    pub fn rules_changed(&self, namespaces: BTreeSet<String>, now: Timestamp) {
        let mut unjudged = lock(&self.unjudged);
        for namespace in namespaces {
            unjudged.entry(namespace).or_insert(now);
        }
        drop(unjudged);
        self.judge.notify_one();
    }

    /// Namespaces whose rules changed, and when that was seen first.
    pub fn take_unjudged(&self) -> BTreeMap<String, Timestamp> {
        std::mem::take(&mut lock(&self.unjudged))
    }

    /// The verdict on a namespace, once there is one.
    pub fn judged(&self, namespace: &str) -> Option<Arc<Judged>> {
        lock(&self.judged).get(namespace).cloned()
    }

    /// Namespaces with a verdict.
    pub fn namespaces(&self) -> Vec<String> {
        lock(&self.judged).keys().cloned().collect()
    }

    /// Notes a verdict on rules whose change was `seen`.
    pub fn set_judged(&self, namespace: String, judged: Judged, seen: Timestamp) {
        let digest = judged.digest.clone();
        let before = lock(&self.judged).insert(namespace.clone(), Arc::new(judged));
        // Of the first verdict it is not known when its rules came.
        if before.is_some_and(|before| before.digest != digest) {
            self.propagation().changed(&namespace, seen);
        }
    }

    pub fn propagation(&self) -> MutexGuard<'_, Propagation> {
        lock(&self.propagation)
    }

    /// Definitions that are older than the program, by kind, and what is wrong with them.
    pub fn outdated(&self) -> BTreeMap<&'static str, String> {
        lock(&self.outdated).clone()
    }

    pub fn set_outdated(&self, outdated: BTreeMap<&'static str, String>) {
        *lock(&self.outdated) = outdated;
        self.statuses.notify_one();
    }

    pub fn set_secrets(&self, namespace: String, found: watch::Receiver<Arc<AllFound>>) {
        lock(&self.secrets).insert(namespace, found);
    }

    pub fn forget(&self, namespace: &str) {
        lock(&self.judged).remove(namespace);
        lock(&self.secrets).remove(namespace);
        lock(&self.trouble).retain(|(space, _), _| space != namespace);
    }

    /// What is known of the Secrets of a namespace.
    pub fn secrets(&self, namespace: &str) -> Arc<AllFound> {
        lock(&self.secrets).get(namespace).map(|found| Arc::clone(&found.borrow())).unwrap_or_default()
    }

    /// Notes how the last reconcile of an Exchange went; says whether that is news.
    pub fn set_trouble(&self, exchange: Named, trouble: Option<Trouble>) -> bool {
        let mut known = lock(&self.trouble);
        let before = known.get(&exchange).cloned();
        match &trouble {
            Some(trouble) => drop(known.insert(exchange, trouble.clone())),
            None => drop(known.remove(&exchange)),
        }
        drop(known);
        let news = before != trouble;
        if news {
            self.statuses.notify_one();
        }
        news
    }

    pub fn trouble(&self, namespace: &str, exchange: &str) -> Option<Trouble> {
        lock(&self.trouble).get(&(namespace.to_owned(), exchange.to_owned())).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

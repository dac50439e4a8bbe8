//! Following the records of good versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use tokio::sync::watch;

use super::record::{KIND, Record, Records};
use crate::cluster::scope::{Scope, api};
use crate::cluster::watching::watching;

/// Records by namespace.
pub type ByNamespace = BTreeMap<String, Records>;

/// The records of all namespaces of a scope, as they are now.
pub struct Recorded {
    /// The first value is a placeholder: the first `changed()` brings the first complete set, or what is known when they can't be read.
    pub records: watch::Receiver<Arc<ByNamespace>>,
    /// Does the work; ends only when something is wrong.
    pub run: BoxFuture<'static, &'static str>,
}

/// By part of the scope: what is known, and whether the first list was complete.
#[derive(Default)]
struct Part {
    known: BTreeMap<(String, String), (String, Record)>,
    listing: BTreeSet<(String, String)>,
    /// The first list is complete, or failed: nobody waits for it any longer.
    looked: bool,
}

/// Watches the records of a scope.
pub fn watch_records(client: Client, scope: &Scope) -> Recorded {
    let (news, records) = watch::channel(Arc::default());
    let scope = scope.clone();
    Recorded { records, run: async move { follow(client, scope, news).await }.boxed() }
}

async fn follow(client: Client, scope: Scope, news: watch::Sender<Arc<ByNamespace>>) -> &'static str {
    let mut parts: BTreeMap<Option<String>, Part> = scope.parts().into_iter().map(|part| (part, Part::default())).collect();
    let streams = scope.parts().into_iter().map(|part| {
        let ours = watcher::Config::default().labels(KIND);
        watching(api::<ControllerRevision>(&client, part.as_deref()), ours).map(move |event| (part.clone(), event)).boxed()
    });
    let mut events = futures::stream::select_all(streams);
    while let Some((name, event)) = events.next().await {
        let part = parts.entry(name.clone()).or_default();
        if let Err(error) = &event {
            let namespace = name.as_deref().unwrap_or("all");
            tracing::warn!(namespace, %error, "the watch of good versions (ControllerRevisions) failed and is tried again");
        }
        if part.take(event.ok()) && parts.values().all(|part| part.looked) {
            news.send_replace(Arc::new(by_namespace(parts.values())));
        }
    }
    "the watch of good versions ended"
}

impl Part {
    /// Takes in an event, or a failure; says whether something may be different.
    fn take(&mut self, event: Option<watcher::Event<ControllerRevision>>) -> bool {
        match event {
            None => return !std::mem::replace(&mut self.looked, true),
            Some(watcher::Event::Init) => {
                self.listing.clear();
                return false;
            }
            Some(watcher::Event::InitApply(revision)) => {
                self.listing.insert(id(&revision));
                self.put(&revision);
                return false;
            }
            Some(watcher::Event::InitDone) => {
                let listed = std::mem::take(&mut self.listing);
                self.known.retain(|id, _| listed.contains(id));
                self.looked = true;
            }
            Some(watcher::Event::Apply(revision)) => self.put(&revision),
            Some(watcher::Event::Delete(revision)) => drop(self.known.remove(&id(&revision))),
        }
        true
    }

    fn put(&mut self, revision: &ControllerRevision) {
        match Record::read(revision) {
            Ok(record) => drop(self.known.insert(id(revision), record)),
            Err(problem) => {
                let (namespace, name) = id(revision);
                tracing::warn!(
                    namespace,
                    name,
                    problem,
                    "a ControllerRevision that should hold a good version can't be read and is left alone"
                );
            }
        }
    }
}

fn id(revision: &ControllerRevision) -> (String, String) {
    (revision.namespace().unwrap_or_default(), revision.name_any())
}

/// Of several records of one object the newest generation counts.
fn by_namespace<'a>(parts: impl Iterator<Item = &'a Part>) -> ByNamespace {
    let mut spaces = ByNamespace::new();
    for ((namespace, _), (uid, record)) in parts.flat_map(|part| &part.known) {
        let records = spaces.entry(namespace.clone()).or_default();
        if records.get(uid).is_none_or(|known| known.generation() < record.generation()) {
            records.insert(uid.clone(), record.clone());
        }
    }
    spaces
}

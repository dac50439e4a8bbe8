//! Watches of the custom resources.
//!
//! Nothing is said before the first lists of all kinds are complete; changes that come close together are said once; a change of nothing but status
//! changes no rules. An object that can't be decoded is left out, named in the log and counted; it stops no watch.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use prometheus::IntGauge;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::deadline::bounded;
use super::index::{Change, Content, Event, Index, Item, Undecodable, WatchId};
use super::rule::RuleKind;
use super::scope::{self, Scope};
use super::watching::watching;
use crate::api::endpoint::Circuit;
use crate::api::{Agent, Buyer, Endpoint, Exchange, LeadSource, RoutingPolicy};
use crate::table::{ObjectRef, Objects};

/// How long changes are gathered before they are said.
const GATHER: Duration = Duration::from_millis(20);
/// How often a lost API server is asked whether it is back.
const PROBE: Duration = Duration::from_secs(2);
/// How many reports of circuits may wait to be read. More are dropped: a report is a hint, and the next one says it better.
const CIRCUITS: usize = 1024;

/// The watches ended, which they never should.
#[derive(Debug, thiserror::Error)]
#[error("the watches of the custom resources ended")]
pub struct Ended;

/// The rules of one namespace, as a data-plane process follows them.
pub struct Watched {
    /// All objects, without status. The first value is a placeholder: the first `changed()` brings the first complete set.
    pub objects: watch::Receiver<Arc<Objects>>,
    /// Objects that can't be decoded; they are not among `objects`.
    pub undecodable: watch::Receiver<Arc<BTreeMap<ObjectRef, Undecodable>>>,
    /// Circuits of endpoints as some router reported them: the endpoint's name and its `status.circuit`.
    pub circuits: mpsc::Receiver<(String, Circuit)>,
    /// Does the work; ends only when something is wrong.
    pub run: BoxFuture<'static, Ended>,
}

/// Watches the custom resources of one namespace. `fresh` is 1 while that goes well.
pub fn watch_objects(client: Client, namespace: &str, fresh: IntGauge) -> Watched {
    let (objects, objects_out) = watch::channel(Arc::default());
    let (undecodable, undecodable_out) = watch::channel(Arc::default());
    let (circuits, circuits_out) = mpsc::channel(CIRCUITS);
    let scope = Scope::Namespaces(vec![namespace.to_owned()]);
    let index = SharedIndex::new(&scope);
    let ours = namespace.to_owned();
    let heard = index.clone();
    let run = run(client, scope, index, fresh, move |change, first| {
        if first || change.rules.contains(&ours) {
            let space = heard.lock().namespace(&ours);
            undecodable.send_replace(Arc::new(space.undecodable));
            objects.send_replace(Arc::new(space.objects));
        }
        for (_, endpoint, circuit) in change.circuits {
            if circuits.try_send((endpoint, circuit)).is_err() {
                tracing::debug!("a report of a circuit was not read in time and is dropped");
            }
        }
    });
    Watched { objects: objects_out, undecodable: undecodable_out, circuits: circuits_out, run: run.boxed() }
}

/// The index, as the watch and its readers share it. No lock is held across an await.
#[derive(Clone)]
pub struct SharedIndex(Arc<Mutex<Index>>);

impl SharedIndex {
    pub fn new(scope: &Scope) -> Self {
        let ids = crate::table::Kind::ALL.into_iter().flat_map(|kind| scope.parts().into_iter().map(move |part| WatchId { kind, part }));
        Self(Arc::new(Mutex::new(Index::new(ids))))
    }

    pub fn lock(&self) -> std::sync::MutexGuard<'_, Index> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the index, and says what changed: first everything at once, when all lists are complete (then the flag is true, and there may be nothing).
pub async fn run(client: Client, scope: Scope, index: SharedIndex, fresh: IntGauge, mut say: impl FnMut(Change, bool) + Send) -> Ended {
    let mut events = events(&client, &scope);
    let mut gathered = Change::default();
    let mut due: Option<Instant> = None;
    let mut first = true;
    let mut health = Health { fresh, started: false, broken: false, refused: Vec::new() };
    let mut probe = tokio::time::interval(PROBE);
    probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            next = events.next() => match next {
                None => return Ended,
                Some((id, Ok(event))) => {
                    let (change, complete) = {
                        let mut index = index.lock();
                        (index.take(&id, event), index.complete())
                    };
                    health.well(&id, complete);
                    gather(&mut gathered, change);
                    if complete && (first || gathered != Change::default()) {
                        due.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                }
                Some((id, Err(error))) => health.trouble(id, &error),
            },
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                say(std::mem::take(&mut gathered), std::mem::take(&mut first));
            }
            _ = probe.tick(), if health.broken => {
                if bounded(client.apiserver_version()).await.is_ok() {
                    health.reached();
                }
            }
        }
    }
}

/// Whether the rules can be followed.
struct Health {
    fresh: IntGauge,
    started: bool,
    /// The API server could not be reached.
    broken: bool,
    /// Watches that it refused.
    refused: Vec<WatchId>,
}

impl Health {
    fn well(&mut self, id: &WatchId, complete: bool) {
        self.started |= complete;
        self.refused.retain(|refused| refused != id);
        self.show();
    }

    fn reached(&mut self) {
        self.broken = false;
        self.show();
    }

    fn trouble(&mut self, id: WatchId, error: &watcher::Error) {
        tracing::warn!(kind = id.kind.as_str(), namespace = id.part.as_deref().unwrap_or("all"), %error, "a watch failed and is tried again");
        if is_refusal(error) {
            if !self.refused.contains(&id) {
                self.refused.push(id);
            }
        } else {
            self.broken = true;
        }
        self.show();
    }

    fn show(&self) {
        self.fresh.set(i64::from(self.started && !self.broken && self.refused.is_empty()));
    }
}

fn is_refusal(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => match error {
            kube::Error::Api(status) => status.is_forbidden() || status.is_not_found() || status.code == 401,
            _ => false,
        },
        WatchError(status) => status.is_forbidden(),
        NoResourceVersion => false,
    }
}

fn gather(gathered: &mut Change, change: Change) {
    gathered.rules.extend(change.rules);
    gathered.status.extend(change.status);
    gathered.circuits.extend(change.circuits);
}

type Events = BoxStream<'static, (WatchId, Result<Event, watcher::Error>)>;

fn events(client: &Client, scope: &Scope) -> SelectAll<Events> {
    let parts = scope.parts();
    let of_part = |part: &Option<String>| {
        [
            events_of::<Exchange>(client, part),
            events_of::<LeadSource>(client, part),
            events_of::<Agent>(client, part),
            events_of::<Buyer>(client, part),
            events_of::<Endpoint>(client, part),
            events_of::<RoutingPolicy>(client, part),
        ]
    };
    futures::stream::select_all(parts.iter().flat_map(of_part))
}

fn events_of<K>(client: &Client, part: &Option<String>) -> Events
where
    K: RuleKind + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let id = WatchId { kind: K::KIND, part: part.clone() };
    let api = scope::api::<DeserializeGuard<K>>(client, part.as_deref());
    let events = watching(api, watcher::Config::default());
    events.map(move |event| (id.clone(), event.map(translate))).boxed()
}

fn translate<K: RuleKind>(event: watcher::Event<DeserializeGuard<K>>) -> Event {
    match event {
        watcher::Event::Init => Event::Begin,
        watcher::Event::InitApply(object) => Event::Listed(item(object)),
        watcher::Event::InitDone => Event::Complete,
        watcher::Event::Apply(object) => Event::Changed(item(object)),
        watcher::Event::Delete(object) => Event::Gone { namespace: object.namespace().unwrap_or_default(), name: object.name_any() },
    }
}

fn item<K: RuleKind>(object: DeserializeGuard<K>) -> Item {
    let metadata = object.meta().clone();
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let content = match object.0 {
        Ok(object) => {
            let (rule, seen) = object.split();
            Content::Rule { rule, seen: Box::new(seen) }
        }
        Err(invalid) => {
            let kind = K::KIND.as_str();
            tracing::warn!(kind, namespace, name, problem = invalid.error, "an object can't be decoded and is left out");
            Content::Undecodable { problem: invalid.error }
        }
    };
    Item { namespace, name, metadata, content }
}

//! Watches of single Secrets, by name.
//!
//! The rights that this takes are `list` and `watch` on each Secret by its name: with `resourceNames`, the API server allows them only together with a
//! selector of that very name, so a Secret that nobody named can't be read. A round is: list the one object (which says at once when there is none),
//! then follow a watch from there. A watch from no version in particular would save the list, but needs an etcd that tells its progress (3.4.25).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use zeroize::Zeroizing;

use super::backoff::Backoff;
use super::deadline::{Failure, Meaning, bounded};
use super::rule::resource_version;
use crate::flow::ports::Dice;
use crate::table::{Entries, Secrets};

/// Seconds that one watch lasts.
const WATCH_SECONDS: u32 = 290;
/// A watch that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(300);
const BACKOFF: Backoff = Backoff { least: Duration::from_millis(250), most: Duration::from_secs(10) };
/// News that may wait to be gathered.
const NEWS: usize = 64;

/// What is kept of a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its entries.
    Values,
    /// The names of its entries; values are dropped as they come in.
    KeyNames,
}

/// What is known of a Secret that was asked for. One that is not among the found has not been read yet.
#[derive(Clone, PartialEq)]
pub enum Found {
    Present(Arc<Entries>),
    Absent,
    /// The API server does not let us read it.
    Forbidden,
}

/// By name.
pub type AllFound = BTreeMap<String, Found>;

/// A set of Secrets, as it is now.
pub struct SecretsWatch {
    names: watch::Sender<BTreeSet<String>>,
    /// What is known of each.
    pub found: watch::Receiver<Arc<AllFound>>,
}

impl SecretsWatch {
    /// Says which Secrets are wanted from now on. Others are forgotten.
    pub fn set_names(&self, names: BTreeSet<String>) {
        self.names.send_if_modified(|known| {
            let different = *known != names;
            *known = names;
            different
        });
    }

    /// Waits until each wanted Secret was read, is known to be absent, or refused; at most `patience`.
    pub async fn settled(&self, patience: Duration) {
        let mut found = self.found.clone();
        let known = found.wait_for(|found| self.names.borrow().iter().all(|name| found.contains_key(name)));
        if tokio::time::timeout(patience, known).await.is_err() {
            tracing::warn!("some Secrets have not been read yet");
        }
    }

    /// The Secrets that are there.
    pub fn secrets(&self) -> Secrets {
        present(&self.found.borrow())
    }
}

/// The Secrets that are there.
pub fn present(found: &AllFound) -> Secrets {
    let entries = |(name, found): (&String, &Found)| match found {
        Found::Present(entries) => Some((name.clone(), Arc::clone(entries))),
        Found::Absent | Found::Forbidden => None,
    };
    Secrets(found.iter().filter_map(entries).collect::<HashMap<_, _>>())
}

/// The watch of a set of Secrets ended, which it never should while it is in use.
#[derive(Debug, thiserror::Error)]
#[error("the watch of the Secrets ended")]
pub struct Ended;

/// Watches Secrets of one namespace, none at first. The future does the work and ends when the `SecretsWatch` is dropped.
pub fn watch_secrets(
    client: &Client,
    namespace: &str,
    keep: Keep,
    dice: Arc<dyn Dice>,
) -> (SecretsWatch, impl Future<Output = Ended> + Send + use<>) {
    let (names, wanted) = watch::channel(BTreeSet::new());
    let (found, found_out) = watch::channel(Arc::default());
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    (SecretsWatch { names, found: found_out }, run(api, keep, dice, wanted, found))
}

async fn run(
    api: Api<Secret>,
    keep: Keep,
    dice: Arc<dyn Dice>,
    mut wanted: watch::Receiver<BTreeSet<String>>,
    found: watch::Sender<Arc<AllFound>>,
) -> Ended {
    let (news, mut incoming) = mpsc::channel::<(String, Found)>(NEWS);
    let mut following: BTreeMap<String, AbortHandle> = BTreeMap::new();
    // Dropped with this future, and all that it holds ends.
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return Ended;
                }
                let names = wanted.borrow_and_update().clone();
                following.retain(|name, task| {
                    let keep = names.contains(name);
                    if !keep {
                        task.abort();
                    }
                    keep
                });
                for name in &names {
                    if !following.contains_key(name) {
                        let task = tasks.spawn(follow(api.clone(), name.clone(), keep, Arc::clone(&dice), news.clone()));
                        following.insert(name.clone(), task);
                    }
                }
                found.send_if_modified(|found| {
                    let before = found.len();
                    Arc::make_mut(found).retain(|name, _| names.contains(name));
                    found.len() != before
                });
            }
            Some((name, state)) = incoming.recv() => {
                // What a watch said just before it was ended counts no more.
                if following.contains_key(&name) {
                    found.send_if_modified(|found| {
                        // An API server that has just started refuses for a moment what it will allow: what was read before holds until
                        // it is known to be gone. Rights that are really withdrawn come with rules that name the Secret no more.
                        let passing = state == Found::Forbidden && matches!(found.get(&name), Some(Found::Present(_)));
                        let different = !passing && found.get(&name) != Some(&state);
                        if different {
                            Arc::make_mut(found).insert(name, state);
                        }
                        different
                    });
                }
            }
            Some(ended) = tasks.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    return Ended;
                }
            }
        }
    }
}

/// Follows one Secret for as long as somebody listens.
async fn follow(api: Api<Secret>, name: String, keep: Keep, dice: Arc<dyn Dice>, news: mpsc::Sender<(String, Found)>) {
    let mut failures = 0;
    while !news.is_closed() {
        match round(&api, &name, keep, &news).await {
            Ok(()) => failures = 0,
            Err(failure) => {
                failures += 1;
                if failure.meaning() == Meaning::Forbidden {
                    let _ = news.send((name.clone(), Found::Forbidden)).await;
                }
                tracing::warn!(secret = name, failures, error = %failure, "a Secret can't be watched; it is tried again");
            }
        }
        tokio::time::sleep(BACKOFF.after(failures.max(1), dice.roll())).await;
    }
}

async fn round(api: &Api<Secret>, name: &str, keep: Keep, news: &mpsc::Sender<(String, Found)>) -> Result<(), Failure> {
    let by_name = format!("metadata.name={name}");
    let listed = bounded(api.list(&ListParams::default().fields(&by_name))).await?;
    let from = listed.metadata.resource_version.unwrap_or_default();
    let mut version = 0;
    let first = match listed.items.into_iter().next() {
        Some(secret) => {
            version = resource_version(&secret.metadata);
            Found::Present(entries(secret, keep))
        }
        None => Found::Absent,
    };
    let _ = news.send((name.to_owned(), first)).await;
    let events = bounded(api.watch(&WatchParams::default().fields(&by_name).timeout(WATCH_SECONDS), &from)).await?;
    let mut events = std::pin::pin!(events);
    while let Ok(Some(event)) = tokio::time::timeout(SILENCE, events.next()).await {
        let (secret, gone) = match event? {
            WatchEvent::Added(secret) | WatchEvent::Modified(secret) => (secret, false),
            WatchEvent::Deleted(secret) => (secret, true),
            WatchEvent::Bookmark(_) => continue,
            // The server's history does not reach back far enough: begin again.
            WatchEvent::Error(status) if status.code == 410 => return Ok(()),
            WatchEvent::Error(status) => return Err(kube::Error::Api(status.boxed()).into()),
        };
        let new = resource_version(&secret.metadata);
        if new != 0 && new <= version {
            continue;
        }
        version = new;
        let state = if gone { Found::Absent } else { Found::Present(entries(secret, keep)) };
        let _ = news.send((name.to_owned(), state)).await;
    }
    Ok(())
}

fn entries(secret: Secret, keep: Keep) -> Arc<Entries> {
    let data = secret.data.unwrap_or_default().into_iter();
    let entries = data.map(|(key, value)| {
        let value = Zeroizing::new(value.0);
        let kept = if keep == Keep::Values { value } else { Zeroizing::default() };
        (key, kept)
    });
    Arc::new(entries.collect())
}

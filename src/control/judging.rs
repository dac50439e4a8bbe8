//! Judges the rules of a namespace when they change, and says which Secrets are to be watched for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::compiled::Compile;
use super::judge::judge;
use super::world::World;
use crate::cluster::last_good::LastGood;
use crate::cluster::last_good::watch::ByNamespace;
use crate::cluster::secrets::{self, Keep, SecretsWatch};
use crate::flow::ports::{Clock, Dice};
use crate::ops::metrics::Metrics;
use crate::table::references::references;

/// Judges namespaces.
pub struct Judging {
    pub client: Client,
    pub world: Arc<World>,
    pub compile: Compile,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    /// Good versions of broken objects, as they are recorded.
    pub records: watch::Receiver<Arc<ByNamespace>>,
}

/// What is kept of one namespace.
struct Space {
    secrets: SecretsWatch,
    last_good: LastGood,
}

impl Judging {
    /// Judges for ever. Returns only when something is wrong.
    pub async fn run(mut self) -> &'static str {
        let mut spaces: BTreeMap<String, Space> = BTreeMap::new();
        let mut tasks: JoinSet<String> = JoinSet::new();
        // What is broken now may be recorded as it was when it was good.
        if self.records.changed().await.is_err() {
            return "the watch of good versions ended";
        }
        let mut recorded = Arc::clone(&self.records.borrow_and_update());
        loop {
            tokio::select! {
                () = self.world.judge.notified() => {}
                changed = self.records.changed() => {
                    if changed.is_err() {
                        return "the watch of good versions ended";
                    }
                    let before = std::mem::replace(&mut recorded, Arc::clone(&self.records.borrow_and_update()));
                    self.world.rules_changed(before.keys().chain(recorded.keys()).cloned().collect(), self.clock.now());
                }
                Some(ended) = tasks.join_next() => match ended {
                    // Ends by itself once its watch is dropped.
                    Ok(namespace) if !spaces.contains_key(&namespace) => continue,
                    _ => return "a watch of Secrets ended",
                },
            }
            for (namespace, seen) in self.world.take_unjudged() {
                if let Err(why) = self.judge(namespace, seen, &mut spaces, &mut tasks, &recorded).await {
                    return why;
                }
            }
            let names = self.world.namespaces();
            let rejected: usize =
                names.iter().filter_map(|namespace| self.world.judged(namespace)).map(|judged| judged.rejected.len()).sum();
            self.metrics.rules_rejected.set(i64::try_from(rejected).unwrap_or(i64::MAX));
            self.world.stir();
        }
    }

    async fn judge(
        &self,
        namespace: String,
        seen: Timestamp,
        spaces: &mut BTreeMap<String, Space>,
        tasks: &mut JoinSet<String>,
        recorded: &Arc<ByNamespace>,
    ) -> Result<(), &'static str> {
        let space = self.world.index.lock().namespace(&namespace);
        if space.objects.is_empty() && space.undecodable.is_empty() {
            spaces.remove(&namespace);
            self.world.forget(&namespace);
            return Ok(());
        }
        let kept = spaces
            .entry(namespace.clone())
            .or_insert_with(|| Space { secrets: self.watch_secrets(&namespace, tasks), last_good: LastGood::default() });
        let (mut last_good, compile) = (std::mem::take(&mut kept.last_good), self.compile);
        let (recorded, name) = (Arc::clone(recorded), namespace.clone());
        // Compiling may take a while, and other tasks share this thread.
        let judging = tokio::task::spawn_blocking(move || {
            let none = BTreeMap::new();
            let judged = judge(space, &mut last_good, recorded.get(&name).unwrap_or(&none), compile);
            (judged, last_good)
        });
        let (judged, last_good) = judging.await.map_err(|_| "the compilation of rules panicked")?;
        kept.last_good = last_good;
        kept.secrets.set_names(references(&judged.objects).into_values().flat_map(|of| of.secrets).map(|secret| secret.name).collect());
        tracing::info!(
            namespace,
            digest = judged.digest,
            objects = judged.given.len(),
            rejected = judged.rejected.len(),
            fallen_back = judged.fallen_back.len(),
            "rules judged"
        );
        self.world.set_judged(namespace, judged, seen);
        Ok(())
    }

    fn watch_secrets(&self, namespace: &str, tasks: &mut JoinSet<String>) -> SecretsWatch {
        let (watch, run) = secrets::watch_secrets(&self.client, namespace, Keep::KeyNames, Arc::clone(&self.dice));
        self.world.set_secrets(namespace.to_owned(), watch.found.clone());
        let (world, mut found, name) = (Arc::clone(&self.world), watch.found.clone(), namespace.to_owned());
        tasks.spawn(async move {
            let heard = async {
                while found.changed().await.is_ok() {
                    world.statuses.notify_one();
                }
            };
            tokio::join!(heard, run);
            name
        });
        watch
    }
}

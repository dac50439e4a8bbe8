//! Status of every kind: judge the rules of a namespace when they change, and write what the statuses should say whenever anything changes that they tell of.
//!
//! The operator compiles the same objects by the same function as the routers, so what it says of them is what they do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use tokio::task::JoinSet;

use super::compiled::Compile;
use super::events::Events;
use super::judge::{Judged, judge};
use super::remarks::remarks;
use super::status::{self, Write};
use super::told::{self, told};
use super::verdict::Facts;
use super::world::World;
use crate::cluster::deadline::Meaning;
use crate::cluster::index::Namespace;
use crate::cluster::secrets::{self, Keep, SecretsWatch};
use crate::flow::ports::{Clock, Dice};
use crate::ops::metrics::Metrics;
use crate::table::ObjectRef;
use crate::table::references::{References, references};

/// How often statuses are looked at though nothing was heard: for Leases that lapse, and writes that failed.
const LOOK: Duration = Duration::from_secs(15);
/// How many statuses are written at once.
const WRITES: usize = 8;

/// Judges namespaces as their rules change, and says which Secrets are to be watched for them. Returns only when something is wrong.
pub async fn judging(client: Client, world: Arc<World>, compile: Compile, metrics: Arc<Metrics>, dice: Arc<dyn Dice>) -> &'static str {
    let mut watches: BTreeMap<String, SecretsWatch> = BTreeMap::new();
    let mut tasks: JoinSet<String> = JoinSet::new();
    loop {
        tokio::select! {
            () = world.judge.notified() => {}
            Some(ended) = tasks.join_next() => match ended {
                // Ends by itself once its watch is dropped.
                Ok(namespace) if !watches.contains_key(&namespace) => continue,
                _ => return "a watch of Secrets ended",
            },
        }
        for namespace in world.take_unjudged() {
            let space = world.index.lock().namespace(&namespace);
            if space.objects.is_empty() && space.undecodable.is_empty() {
                watches.remove(&namespace);
                world.forget(&namespace);
                continue;
            }
            // Compiling may take a while, and other tasks share this thread.
            let Ok(judged) = tokio::task::spawn_blocking(move || judge(space, compile)).await else {
                return "the compilation of rules panicked";
            };
            let watch = watches.entry(namespace.clone()).or_insert_with(|| {
                let (watch, run) = secrets::watch_secrets(&client, &namespace, Keep::KeyNames, Arc::clone(&dice));
                world.set_secrets(namespace.clone(), watch.found.clone());
                let (world, mut found, name) = (Arc::clone(&world), watch.found.clone(), namespace.clone());
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
            });
            watch.set_names(references(&judged.objects).into_values().flat_map(|of| of.secrets).map(|secret| secret.name).collect());
            tracing::info!(
                namespace,
                digest = judged.digest,
                objects = judged.objects.len(),
                rejected = judged.rejected.len(),
                "rules judged"
            );
            world.set_judged(namespace, judged);
        }
        let rejected: usize =
            world.namespaces().iter().filter_map(|namespace| world.judged(namespace)).map(|judged| judged.rejected.len()).sum();
        metrics.rules_rejected.set(i64::try_from(rejected).unwrap_or(i64::MAX));
        world.stir();
    }
}

/// Keeps every status true. Never returns.
pub async fn statuses(
    client: Client,
    world: Arc<World>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    events: Arc<Events>,
) -> &'static str {
    loop {
        tokio::select! {
            () = world.statuses.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        if !world.children_complete() {
            continue;
        }
        let writes: Vec<Write> = world.namespaces().iter().flat_map(|namespace| differing(&world, namespace, clock.as_ref())).collect();
        let write = |write: Write| perform(&client, &world, &metrics, &events, write);
        futures::stream::iter(writes).for_each_concurrent(WRITES, write).await;
    }
}

/// What is to be written in one namespace.
pub fn differing(world: &World, namespace: &str, clock: &dyn Clock) -> Vec<Write> {
    let Some(judged) = world.judged(namespace) else {
        return Vec::new();
    };
    let space = world.index.lock().namespace(namespace);
    let chosen = judged.objects.exchange();
    let exchange = chosen.and_then(|exchange| exchange.metadata.name.as_deref());
    let uid = chosen.and_then(|exchange| exchange.metadata.uid.as_deref());
    let mut components = match (exchange, uid) {
        (Some(name), Some(uid)) => world.children().components(namespace, name, uid),
        _ => Vec::new(),
    };
    let trouble = exchange.and_then(|name| world.trouble(namespace, name));
    let remarks = chosen.map(|exchange| remarks(exchange, &world.children().lacking())).unwrap_or_default();
    let secrets = world.secrets(namespace);
    let leases = world.leases();
    let now = clock.now();
    for component in &mut components {
        let running = leases.running(namespace, exchange.unwrap_or_default(), &component.name, now);
        told::programmed(component, &running, &judged.digest);
    }
    let facts = Facts {
        namespace,
        judged: &judged,
        exchange,
        secrets: &secrets,
        leases: &leases,
        components: &components,
        trouble: trouble.as_ref(),
        remarks: &remarks,
        now,
    };
    let references = references(&judged.objects);
    let write = |object: &ObjectRef| {
        let seen = space.seen.get(object).filter(|_| still_judged(&judged, &space, object))?;
        let wanted = facts.conditions(object, references.get(object).or(Some(&NOTHING)), seen)?;
        let told = chosen.map(|exchange| told(object, exchange, namespace, &components)).unwrap_or_default();
        status::differing(namespace, object, seen, &wanted, &told, now)
    };
    judged.names().iter().filter_map(write).collect()
}

static NOTHING: References = References { secrets: Vec::new(), endpoints: std::collections::BTreeSet::new() };

/// Whether the verdict is on the generation that is there now. If not, the next verdict is on its way.
fn still_judged(judged: &Judged, space: &Namespace, object: &ObjectRef) -> bool {
    let generation = |objects| crate::cluster::rule::metadata(objects, object).map(|metadata| (metadata.uid.clone(), metadata.generation));
    generation(&judged.objects) == generation(&space.objects)
}

async fn perform(client: &Client, world: &World, metrics: &Metrics, events: &Events, write: Write) {
    let Write { namespace, object, .. } = &write;
    let kind = object.kind.as_str();
    metrics.writes.with_label_values(&[kind, "status"]).inc();
    let before = world.index.lock().seen(namespace, object).cloned();
    match status::write(client, &write).await {
        Ok(seen) => {
            world.index.lock().written(namespace, object, seen.clone());
            events.acceptance(&write, before.as_ref(), &seen).await;
        }
        // It is gone, or another came after it; the watch will tell.
        Err(failure) if matches!(failure.meaning(), Meaning::NotFound | Meaning::Conflict) => {
            tracing::debug!(kind, namespace, name = object.name, error = %failure, "the object of a status changed meanwhile");
        }
        Err(error) => tracing::warn!(kind, namespace, name = object.name, %error, "a status could not be written; it is tried again"),
    }
}

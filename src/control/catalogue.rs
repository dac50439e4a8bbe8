//! Status of every kind: writes what the statuses should say whenever anything changes that they tell of.
//!
//! The operator compiles the same objects by the same function as the routers, so what it says of them is what they do.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::good_versions;
use super::judge::Judged;
use super::remarks::remarks;
use super::status::{self, Write};
use super::told::{self, told};
use super::verdict::Facts;
use super::world::World;
use crate::cluster::deadline::Meaning;
use crate::cluster::election::lead::Lead;
use crate::cluster::index::Namespace;
use crate::cluster::last_good::Records;
use crate::cluster::last_good::watch::ByNamespace;
use crate::flow::ports::Clock;
use crate::ops::metrics::Metrics;
use crate::table::ObjectRef;
use crate::table::references::{References, references};

/// How often statuses are looked at though nothing was heard: for Leases that lapse, and writes that failed.
const LOOK: Duration = Duration::from_secs(15);
/// How many statuses are written at once.
const WRITES: usize = 8;

/// Keeps every status true.
pub struct Statuses {
    /// For writing.
    pub client: Client,
    pub world: Arc<World>,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub events: Arc<Events>,
    pub lead: Lead,
    /// Good versions of broken objects, as they are recorded.
    pub records: watch::Receiver<Arc<ByNamespace>>,
}

impl Statuses {
    /// Writes until `stop`, and sees what is under way to its end.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), &'static str> {
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.world.statuses.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
            let mut lead = self.lead.clone();
            if self.world.children_complete() && lead.holds() {
                tokio::select! {
                    () = lead.lost() => {}
                    () = self.round(&stop) => {}
                }
            }
        }
        Ok(())
    }

    /// Looks at everything once, and writes what differs.
    async fn round(&self, stop: &CancellationToken) {
        self.keep_good_versions().await;
        let differing = |namespace: &String| differing(&self.world, namespace, self.clock.as_ref());
        let writes: Vec<Write> = self.world.namespaces().iter().flat_map(differing).collect();
        let writes = futures::stream::iter(writes).take_until(stop.cancelled());
        writes.for_each_concurrent(WRITES, |write| self.perform(write)).await;
    }

    /// Before statuses speak of them.
    async fn keep_good_versions(&self) {
        let records = Arc::clone(&self.records.borrow());
        for namespace in self.world.namespaces() {
            let Some(judged) = self.world.judged(&namespace) else { continue };
            let changes = good_versions::differing(&namespace, &judged, records.get(&namespace).unwrap_or(&NO_RECORDS));
            for change in changes {
                good_versions::write(&self.client, &self.metrics, &namespace, change).await;
            }
        }
    }

    async fn perform(&self, write: Write) {
        let Write { namespace, object, .. } = &write;
        let kind = object.kind.as_str();
        self.metrics.writes.with_label_values(&[kind, "status"]).inc();
        let before = self.world.index.lock().seen(namespace, object).cloned();
        match status::write(&self.client, &write).await {
            Ok(seen) => {
                self.world.index.lock().written(namespace, object, seen.clone());
                self.events.acceptance(&write, before.as_ref(), &seen).await;
            }
            // It is gone, or another came after it; the watch will tell.
            Err(failure) if matches!(failure.meaning(), Meaning::NotFound | Meaning::Conflict) => {
                tracing::debug!(kind, namespace, name = object.name, error = %failure, "the object of a status changed meanwhile");
            }
            Err(error) => tracing::warn!(kind, namespace, name = object.name, %error, "a status could not be written; it is tried again"),
        }
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

static NO_RECORDS: Records = Records::new();
static NOTHING: References = References { secrets: Vec::new(), endpoints: std::collections::BTreeSet::new() };

/// Whether the verdict is on the generation that is there now. If not, the next verdict is on its way.
fn still_judged(judged: &Judged, space: &Namespace, object: &ObjectRef) -> bool {
    let generation = |objects| crate::cluster::rule::metadata(objects, object).map(|metadata| (metadata.uid.clone(), metadata.generation));
    generation(&judged.given) == generation(&space.objects)
}

//! Status of every kind: writes what the statuses should say whenever anything changes that they tell of.
//!
//! The operator compiles the same objects by the same function as the routers, so what it says of them is what they do.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Preconditions};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::events::Events;
use super::good_versions;
use super::judge::Judged;
use super::outdated;
use super::remarks::remarks;
use super::status::{self, Write};
use super::tally::Tally;
use super::told::{self, told};
use super::verdict::Facts;
use super::world::World;
use crate::api::condition::{ConditionType, Reason, Wanted};
use crate::cluster::deadline::{Meaning, bounded};
use crate::cluster::election::lead::Lead;
use crate::cluster::index::Namespace;
use crate::cluster::last_good::Records;
use crate::cluster::last_good::watch::ByNamespace;
use crate::flow::ports::Clock;
use crate::ops::metrics::Metrics;
use crate::table::references::{References, Role, references};
use crate::table::{Kind, ObjectRef};

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
    pub tally: Tally,
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
                    () = self.round(&stop) => self.show(),
                }
            }
            if !lead.holds() {
                self.tally.clear();
                self.world.propagation().forget();
            }
        }
        Ok(())
    }

    /// Looks at everything once, and writes what differs.
    async fn round(&self, stop: &CancellationToken) {
        self.keep_good_versions(stop).await;
        let differing = |namespace: &String| differing(&self.world, namespace, self.clock.as_ref());
        let writes: Vec<Write> = self.world.namespaces().iter().flat_map(differing).collect();
        let writes = futures::stream::iter(writes).take_until(stop.cancelled());
        writes.for_each_concurrent(WRITES, |write| self.perform(write)).await;
        self.forget_leases(stop).await;
    }

    /// Metrics of what statuses say.
    fn show(&self) {
        self.tally.show(&self.world.index.lock());
        let now = self.clock.now();
        for namespace in self.world.namespaces() {
            let Some(judged) = self.world.judged(&namespace) else { continue };
            let exchange = judged.objects.exchange().and_then(|exchange| exchange.metadata.name.clone()).unwrap_or_default();
            let agreement = self.world.leases().agreement(&namespace, &exchange, &Role::ALL, &judged.digest, now);
            if let Some(took) = self.world.propagation().reached(&namespace, agreement, now) {
                self.metrics.programmed_seconds.observe(took.as_secs_f64());
            }
        }
    }

    /// Deletes Leases that lapsed long ago and went with no pod.
    async fn forget_leases(&self, stop: &CancellationToken) {
        let forgotten = self.world.leases().forgotten(self.clock.now());
        for (namespace, name, resource_version) in forgotten {
            if stop.is_cancelled() {
                return;
            }
            let leases = Api::<Lease>::namespaced(self.client.clone(), &namespace);
            let this_one =
                DeleteParams { preconditions: Some(Preconditions { uid: None, resource_version }), ..DeleteParams::background() };
            self.metrics.writes.with_label_values(&["Lease", "delete"]).inc();
            match bounded(leases.delete(&name, &this_one)).await {
                Ok(_) => tracing::info!(namespace, name, "a Lease that lapsed long ago is deleted"),
                // It is gone, or its pod is back; the watch will tell.
                Err(failure) if matches!(failure.meaning(), Meaning::NotFound | Meaning::Conflict) => {}
                Err(error) => {
                    tracing::warn!(namespace, name, %error, "a Lease that lapsed long ago could not be deleted; it is tried again")
                }
            }
        }
    }

    /// Before statuses speak of them.
    async fn keep_good_versions(&self, stop: &CancellationToken) {
        let records = Arc::clone(&self.records.borrow());
        for namespace in self.world.namespaces() {
            let Some(judged) = self.world.judged(&namespace) else { continue };
            let changes = good_versions::differing(&namespace, &judged, records.get(&namespace).unwrap_or(&NO_RECORDS));
            for change in changes {
                // A record that could not be made keeps the one before it.
                if stop.is_cancelled() || !good_versions::write(&self.client, &self.metrics, &namespace, change).await {
                    break;
                }
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
    let remarks = chosen.map(|exchange| remarks(exchange, &world.children().lacking(namespace))).unwrap_or_default();
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
    let degraded = outdated::told(&world.outdated()).map(|message| Wanted {
        kind: ConditionType::Degraded,
        status: true,
        reason: Reason::DefinitionsOutdated,
        message,
    });
    let write = |object: &ObjectRef| {
        let seen = space.seen.get(object).filter(|_| still_judged(&judged, &space, object))?;
        let mut wanted = facts.conditions(object, references.get(object).or(Some(&NOTHING)), seen)?;
        wanted.extend(degraded.clone().filter(|_| object.kind == Kind::Exchange));
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

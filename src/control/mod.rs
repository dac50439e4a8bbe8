//! The operator: it builds the workloads of Exchanges and says in every object's status what became of it. No lead passes through it.
//!
//! | module | for |
//! |---|---|
//! | [`reconcile`] | one pass over one Exchange: dereference → validate → build → apply |
//! | [`validate`], [`build`], [`apply`] | its stages; [`order`] says who waits for whom |
//! | [`child`] | the objects that Exchanges consist of, and whether one must be written |
//! | [`judging`] | the verdict on each namespace's rules, by [`judge`] (which objects count) |
//! | [`good_versions`] | records of what objects were before they were broken |
//! | [`catalogue`] | status of every kind, from these, [`programmed`] (which pods run which rules) and [`verdict`] |
//! | [`remarks`], [`told`] | what of an Exchange can't be used here, and what statuses tell beside conditions |
//! | [`status`], [`events`] | writing it, and telling of it |
//! | [`watches`], [`child_watches`], [`world`] | what is known of the cluster |
//! | [`definitions`], [`outdated`] | waiting for the kinds to be served, and noticing those that are older than the program |
//! | [`tally`], [`propagation`] | what metrics tell of objects and of changes on their way |
//!
//! Of several operators [one leads](crate::cluster::election). The others watch and judge as it does, so that they are up to date when they take over, and
//! write nothing: tasks that write look whether they lead, and the client that they write by is fenced.

pub mod apply;
pub mod build;
pub mod catalogue;
pub mod child;
pub mod child_watches;
pub mod compiled;
pub mod definitions;
pub mod error;
pub mod events;
pub mod good_versions;
pub mod judge;
pub mod judging;
pub mod order;
pub mod outdated;
pub mod programmed;
pub mod propagation;
pub mod reconcile;
pub mod remarks;
pub mod settings;
pub mod status;
pub mod tally;
pub mod told;
pub mod validate;
pub mod verdict;
pub mod watches;
pub mod world;

use std::sync::{Arc, Mutex};

use kube::Client;
use tokio_util::sync::CancellationToken;

pub use compiled::{Compile, Compiled, compile};
pub use settings::{Image, Settings};

use crate::cluster::election;
use crate::cluster::election::campaign::Campaign;
use crate::cluster::election::fence::fenced;
use crate::cluster::election::lead::Lead;
use crate::cluster::last_good::watch::watch_records;
use crate::cluster::requests::counted;
use crate::cluster::rules;
use crate::flow::ports::{Clock, Dice};
use crate::ops::metrics::Metrics;
use catalogue::Statuses;
use events::Events;
use judging::Judging;
use reconcile::Context;
use tally::Tally;
use world::World;

/// A task ended that never should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Ended(pub &'static str);

/// What the operator works with.
#[derive(Clone)]
pub struct Operator {
    pub client: Client,
    pub settings: Settings,
    pub compile: Compile,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
}

/// Runs the operator. Calls `ready` when everything there is has been seen once, whether it leads or not; returns `Ok` after `stop` is cancelled, the write
/// under way is done and the lead given back, and an error as soon as any of its tasks ends by itself.
pub async fn run(operator: Operator, ready: impl FnOnce() + Send, stop: CancellationToken) -> Result<(), Ended> {
    let client = counted(&operator.client, &operator.metrics.requests);
    let operator = Operator { client, ..operator };
    tokio::select! {
        () = definitions::established(&operator.client, &operator.dice) => tracing::info!("all kinds are served"),
        () = stop.cancelled() => return Ok(()),
    }
    let Operator { client, settings, clock, dice, .. } = &operator;
    // A process that starts anew under the same name is another one.
    let identity = format!("{}_{:016x}", settings.pod, dice.roll());
    let (campaign, lead) = Campaign::new(client.clone(), &settings.namespace, &identity, Arc::clone(clock));
    let done = CancellationToken::new();
    let mut campaigning = std::pin::pin!(campaign.run(done.clone()));
    let worked = tokio::select! {
        worked = work(operator, lead, ready, stop) => worked,
        () = &mut campaigning => Err(Ended("the campaign for the lead ended")),
    };
    if worked.is_ok() {
        done.cancel();
        campaigning.await;
    }
    worked
}

/// Watches, judges and, while it leads, writes.
async fn work(operator: Operator, lead: Lead, ready: impl FnOnce() + Send, stop: CancellationToken) -> Result<(), Ended> {
    let Operator { client, settings, compile, metrics, clock, dice } = operator;
    let writer = fenced(&client, &lead);
    let world = Arc::new(World::new(&settings.scope));
    let events = Arc::new(Events::new(writer.clone(), &settings.pod));
    let scope = settings.scope.clone();
    let (heard, at) = (Arc::clone(&world), Arc::clone(&clock));
    let rules = rules::run(client.clone(), scope.clone(), world.index.clone(), metrics.rules_fresh.clone(), move |change, first| {
        if first || !change.rules.is_empty() {
            heard.rules_changed(change.rules, at.now());
        }
        heard.statuses.notify_one();
    });
    let context = Arc::new(Context {
        client: writer.clone(),
        settings,
        world: Arc::clone(&world),
        metrics: Arc::clone(&metrics),
        events: Arc::clone(&events),
        lead: lead.clone(),
        dice: Arc::clone(&dice),
        failures: Mutex::default(),
    });
    let recorded = watch_records(client.clone(), &scope);
    let statuses = Statuses {
        client: writer,
        world: Arc::clone(&world),
        metrics: Arc::clone(&metrics),
        clock: Arc::clone(&clock),
        events,
        lead: lead.clone(),
        records: recorded.records.clone(),
        tally: Tally::new(metrics.objects.clone()),
    };
    let judging = Judging {
        client: client.clone(),
        world: Arc::clone(&world),
        compile,
        metrics: Arc::clone(&metrics),
        clock: Arc::clone(&clock),
        dice: Arc::clone(&dice),
        records: recorded.records.clone(),
    };
    let writing = async { tokio::try_join!(reconcile::controllers(context, stop.clone()), statuses.run(stop.clone())) };
    tokio::select! {
        _ = rules => Err(Ended("the watches of the custom resources ended")),
        why = child_watches::children(client.clone(), Arc::clone(&world)) => Err(Ended(why)),
        why = watches::leases(client.clone(), scope, Arc::clone(&world), Arc::clone(&clock)) => Err(Ended(why)),
        why = recorded.run => Err(Ended(why)),
        why = judging.run() => Err(Ended(why)),
        never = definitions::follow(&client, &world, &metrics) => match never {},
        never = leading(lead, &world, &metrics) => match never {},
        never = seen_once(&world, ready) => match never {},
        written = writing => written.map(drop).map_err(Ended),
    }
}

/// Wakes all who write when the lead is won, and tells of it.
async fn leading(mut lead: Lead, world: &World, metrics: &Metrics) -> std::convert::Infallible {
    let leads = metrics.leader.with_label_values(&[election::LEASE]);
    leads.set(0);
    loop {
        lead.won().await;
        leads.set(1);
        tracing::info!("this operator leads");
        world.stir();
        lead.lost().await;
        leads.set(0);
        tracing::info!("this operator leads no more");
    }
}

/// Calls `ready` once when everything there is has been seen.
async fn seen_once(world: &World, ready: impl FnOnce()) -> std::convert::Infallible {
    let mut stirred = std::pin::pin!(world.stirred());
    while !(world.children_complete() && world.index.lock().complete()) {
        if futures::StreamExt::next(&mut stirred).await.is_none() {
            break;
        }
    }
    ready();
    std::future::pending().await
}

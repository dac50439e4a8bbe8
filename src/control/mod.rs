//! The operator: it builds the workloads of Exchanges and says in every object's status what became of it. No lead passes through it.
//!
//! | module | for |
//! |---|---|
//! | [`reconcile`] | one pass over one Exchange: dereference → validate → build → apply |
//! | [`validate`], [`build`], [`apply`] | its stages; [`order`] says who waits for whom |
//! | [`child`] | the objects that Exchanges consist of, and whether one must be written |
//! | [`catalogue`] | status of every kind, from [`judge`] (which objects count), [`programmed`] (which pods run which rules) and [`verdict`] |
//! | [`remarks`], [`told`] | what of an Exchange can't be used here, and what statuses tell beside conditions |
//! | [`status`], [`events`] | writing it, and telling of it |
//! | [`child_watches`], [`watches`], [`world`] | what is known of the cluster |
//! | [`definitions`] | waiting for the kinds to be served |
//!
//! One replica runs, by `strategy: Recreate`, so there is no leader to elect; all writes are deterministic server-side applies, so an overlap is harmless.

pub mod apply;
pub mod build;
pub mod catalogue;
pub mod child;
pub mod child_watches;
pub mod compiled;
pub mod definitions;
pub mod error;
pub mod events;
pub mod judge;
pub mod order;
pub mod programmed;
pub mod reconcile;
pub mod remarks;
pub mod settings;
pub mod status;
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

use crate::cluster::rules;
use crate::flow::ports::{Clock, Dice};
use crate::ops::metrics::Metrics;
use events::Events;
use reconcile::Context;
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

/// Runs the operator. Calls `ready` when everything there is has been seen once; returns `Ok` after `stop` is cancelled and the write under way is done,
/// and an error as soon as any of its tasks ends by itself.
pub async fn run(operator: Operator, ready: impl FnOnce() + Send, stop: CancellationToken) -> Result<(), Ended> {
    let Operator { client, settings, compile, metrics, clock, dice } = operator;
    tokio::select! {
        () = definitions::established(&client, &dice) => tracing::info!("all kinds are served"),
        () = stop.cancelled() => return Ok(()),
    }
    let world = Arc::new(World::new(&settings.scope));
    let events = Arc::new(Events::new(client.clone(), &settings.pod));
    let scope = settings.scope.clone();
    let heard = Arc::clone(&world);
    let rules = rules::run(client.clone(), scope.clone(), world.index.clone(), metrics.rules_fresh.clone(), move |change, first| {
        if first || !change.rules.is_empty() {
            heard.rules_changed(change.rules);
        }
        heard.statuses.notify_one();
    });
    let context = Arc::new(Context {
        client: client.clone(),
        settings,
        world: Arc::clone(&world),
        metrics: Arc::clone(&metrics),
        events: Arc::clone(&events),
        dice: Arc::clone(&dice),
        failures: Mutex::default(),
    });
    let seen = seen_once(&world, ready);
    tokio::select! {
        _ = rules => Err(Ended("the watches of the custom resources ended")),
        why = child_watches::children(client.clone(), Arc::clone(&world)) => Err(Ended(why)),
        why = watches::leases(client.clone(), scope, Arc::clone(&world), Arc::clone(&clock)) => Err(Ended(why)),
        why = catalogue::judging(client.clone(), Arc::clone(&world), compile, Arc::clone(&metrics), dice) => Err(Ended(why)),
        why = catalogue::statuses(client, Arc::clone(&world), metrics, clock, events) => Err(Ended(why)),
        never = seen => match never {},
        why = reconcile::controllers(context, stop.clone()) => {
            if stop.is_cancelled() { Ok(()) } else { Err(Ended(why)) }
        }
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

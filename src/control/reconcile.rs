//! One pass over one Exchange, as a sentence of stages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Action, Config};
use kube::runtime::{Controller, watcher};
use kube::{Client, Resource, ResourceExt};
use prometheus::IntGauge;
use tokio_util::sync::CancellationToken;

use super::apply::apply;
use super::build::build;
use super::error::{Category, Error};
use super::events::Events;
use super::judge::Judged;
use super::settings::Settings;
use super::validate::validate;
use super::world::{Named, Trouble, World};
use crate::api::Exchange;
use crate::cluster::backoff::Backoff;
use crate::cluster::election::lead::Lead;
use crate::cluster::scope::api;
use crate::cluster::watching::Pauses;
use crate::flow::ports::Dice;
use crate::ops::metrics::Metrics;

/// Pauses after failures that time may mend, per object.
const BACKOFF: Backoff = Backoff { least: Duration::from_secs(1), most: Duration::from_secs(300) };
/// The pause after a conflict.
const CONFLICT: Duration = Duration::from_secs(1);
/// Exchanges that are reconciled at once.
const CONCURRENCY: u16 = 4;
/// Changes of one object that come closer together than this are one.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// Name of the controller in metrics.
const CONTROLLER: &str = "exchange";

/// What a reconcile works with.
pub struct Context {
    pub client: Client,
    pub settings: Settings,
    pub world: Arc<World>,
    pub metrics: Arc<Metrics>,
    pub events: Arc<Events>,
    pub lead: Lead,
    pub dice: Arc<dyn Dice>,
    /// Failures in a row, by object.
    pub failures: Mutex<HashMap<Named, u32>>,
}

type Guarded = DeserializeGuard<Exchange>;

/// Reconciles Exchanges until `stop`, and sees what is under way to its end. One Controller for each part of the scope.
pub async fn controllers(context: Arc<Context>, stop: CancellationToken) -> Result<(), &'static str> {
    let most = usize::from(CONCURRENCY) * context.settings.scope.parts().len();
    context.metrics.most_workers.with_label_values(&[CONTROLLER]).set(i64::try_from(most).unwrap_or(i64::MAX));
    let running = context.settings.scope.parts().into_iter().map(|part| {
        let exchanges = api::<Guarded>(&context.client, part.as_deref());
        Controller::new(exchanges, watcher::Config::default())
            .trigger_backoff(Pauses::default())
            .with_config(Config::default().concurrency(CONCURRENCY).debounce(DEBOUNCE))
            .reconcile_all_on(context.world.stirred())
            .graceful_shutdown_on(stop.clone().cancelled_owned())
            .run(reconcile, error_policy, Arc::clone(&context))
            .for_each(|result| async move {
                // What a reconcile itself had to say is in its status, its metric and its log line.
                if let Err(error @ kube::runtime::controller::Error::QueueError(_)) = result {
                    tracing::warn!(%error, "the watch of Exchanges failed and is tried again");
                }
            })
    });
    futures::stream::iter(running).for_each_concurrent(None, |controller| controller).await;
    if stop.is_cancelled() { Ok(()) } else { Err("the controllers ended") }
}

async fn reconcile(exchange: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    // Winning the lead wakes us.
    if !context.lead.holds() {
        return Ok(Action::await_change());
    }
    let outcome = {
        let _at_work = AtWork::new(&context.metrics);
        let _timer = context.metrics.reconcile_seconds.with_label_values(&[CONTROLLER]).start_timer();
        stages(&exchange, &context).await
    };
    // What waits for a pause is an error here, too.
    let label = if outcome.is_ok() { "success" } else { "error" };
    context.metrics.reconciles.with_label_values(&[CONTROLLER, label]).inc();
    if outcome.is_err() {
        context.metrics.reconciles_failed.with_label_values(&[CONTROLLER]).inc();
    }
    match outcome {
        Ok(Stage::NotYet | Stage::Going) => Ok(Action::await_change()),
        Ok(Stage::Done) => {
            context.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&named(&exchange));
            tell(&exchange, &context, None).await;
            Ok(Action::await_change())
        }
        // What it could not write is the next leader's.
        Err(_) if !context.lead.holds() => Ok(Action::await_change()),
        Err(error) => {
            tell(&exchange, &context, Some(&error)).await;
            Err(error)
        }
    }
}

/// A reconcile under way, counted until it ends or is dropped.
struct AtWork(IntGauge);

impl AtWork {
    fn new(metrics: &Metrics) -> Self {
        let workers = metrics.active_workers.with_label_values(&[CONTROLLER]);
        workers.inc();
        Self(workers)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// How far a reconcile got.
enum Stage {
    /// The first lists are not complete; their completion wakes us.
    NotYet,
    /// The Exchange is being deleted, and what it consists of goes with it.
    Going,
    Done,
}

async fn stages(exchange: &Guarded, context: &Context) -> Result<Stage, Error> {
    // Look up what the Exchange stands in (from memory, where watches keep it).
    let Some(judged) = dereference(exchange, &context.world) else {
        return Ok(Stage::NotYet);
    };
    if exchange.meta().deletion_timestamp.is_some() {
        return Ok(Stage::Going);
    }
    // Find it sound (pure). What is built of a broken one stays, and follows the other rules.
    let valid = match judged.good_exchange(&exchange.name_any()) {
        Some(good) => validate(&Ok(Exchange::clone(good)), &judged)?,
        None => validate(&exchange.0, &judged)?,
    };
    // Say what it consists of (pure, can't fail).
    let wanted = build(&valid, &context.settings.image);
    // Make it so (IO).
    apply(&context.client, &context.world, &context.metrics, &valid, &wanted).await?;
    // Status is the catalogue's: it hears of what was applied by the watch, and of errors by `tell`.
    Ok(Stage::Done)
}

/// What is known of the Exchange's namespace, once all of it has been seen, and only if it is about this very Exchange.
fn dereference(exchange: &Guarded, world: &World) -> Option<Arc<Judged>> {
    if !world.children_complete() {
        return None;
    }
    let judged = world.judged(&exchange.namespace()?)?;
    let known = judged.given.exchanges.get(&exchange.name_any()).map(|known| (known.uid(), known.metadata.generation));
    let same = known.is_none_or(|known| known == (exchange.uid(), exchange.meta().generation));
    let there = known_or_rejected(&judged, &exchange.name_any());
    (same && there).then_some(judged)
}

fn known_or_rejected(judged: &Judged, name: &str) -> bool {
    judged.names().iter().any(|object| object.kind == crate::table::Kind::Exchange && object.name == name)
}

/// Hands the outcome on to whoever writes the status, and publishes it if it is news.
async fn tell(exchange: &Guarded, context: &Context, error: Option<&Error>) {
    // Of what is invalid the verdict on the rules tells already.
    let trouble = error
        .filter(|error| error.category() != Category::Invalid)
        .map(|error| Trouble { category: error.category(), message: error.to_string() });
    if context.world.set_trouble(named(exchange), trouble.clone()) {
        let (namespace, name) = named(exchange);
        context.events.reconciled(&namespace, &name, &exchange.uid().unwrap_or_default(), trouble.as_ref()).await;
    }
}

fn error_policy(exchange: Arc<Guarded>, error: &Error, context: Arc<Context>) -> Action {
    let category = error.category();
    context.metrics.reconcile_errors.with_label_values(&[CONTROLLER, category.as_str()]).inc();
    let (namespace, name) = named(&exchange);
    let mut failures = context.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let count = failures.entry((namespace.clone(), name.clone())).or_default();
    *count = count.saturating_add(1);
    tracing::warn!(namespace, exchange = name, category = category.as_str(), failures = *count, %error, "an Exchange could not be reconciled");
    requeue(category, *count, context.dice.roll())
}

/// When it is tried again.
fn requeue(category: Category, failures: u32, roll: u64) -> Action {
    match category {
        Category::Invalid => Action::await_change(),
        Category::Conflict => Action::requeue(CONFLICT),
        Category::Forbidden | Category::Unavailable | Category::Refused => Action::requeue(BACKOFF.after(failures, roll)),
    }
}

fn named(exchange: &Guarded) -> Named {
    (exchange.namespace().unwrap_or_default(), exchange.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_does_not_mend_waits_for_a_change() {
        assert_eq!(requeue(Category::Invalid, 1, 0), Action::await_change());
    }

    #[test]
    fn a_conflict_is_tried_again_soon_and_the_rest_ever_later() {
        assert_eq!(requeue(Category::Conflict, 9, 0), Action::requeue(Duration::from_secs(1)));
        assert_eq!(requeue(Category::Unavailable, 3, 0), Action::requeue(Duration::from_secs(4)));
        assert_eq!(requeue(Category::Forbidden, 30, 0), Action::requeue(Duration::from_secs(300)));
    }
}

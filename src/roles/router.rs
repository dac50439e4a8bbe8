//! The router's work: claim leads that are due, walk each to its end, keep their leases, and keep up with rules and store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::flow::route::{RouteError, Routing};
use crate::lead::LeadId;
use crate::store::{Claimed, StoreError};

/// Leads that one router has in its hands at a time.
const AT_ONCE: usize = 512;
/// Leads that one claim takes.
const A_CLAIM: usize = 128;
/// How long a lead is leased. A router that is killed gives its leads up after this long.
const LEASE: SignedDuration = SignedDuration::from_secs(15);
/// How often due leads are looked for without being told of any.
const LOOK: Duration = Duration::from_millis(500);
/// How often places and turns are read afresh, for the deeds of other routers.
const REFRESH: Duration = Duration::from_secs(2);
/// How long a claim pauses while the store is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Leads in hand.
type InHand = Arc<Mutex<Hands>>;

#[derive(Default)]
struct Hands {
    /// With their epochs.
    leads: HashMap<LeadId, i64>,
    /// Which task walks which lead.
    tasks: HashMap<Id, LeadId>,
}

impl Hands {
    fn put_down(&mut self, task: Id) {
        if let Some(lead) = self.tasks.remove(&task) {
            self.leads.remove(&lead);
        }
    }
}

/// Works until `drain`, then finishes what is in hand.
pub async fn work(routing: Arc<Routing>, owner: String, drain: CancellationToken) -> Result<(), StoreError> {
    let in_hand = InHand::default();
    let done = CancellationToken::new();
    let leases = keep_leases(Arc::clone(&routing), owner.clone(), Arc::clone(&in_hand), done.clone());
    let claims = async {
        claim(&routing, &owner, &in_hand, &drain).await;
        done.cancel();
    };
    tokio::join!(claims, leases);
    Ok(())
}

/// Claims and walks.
async fn claim(routing: &Arc<Routing>, owner: &str, in_hand: &InHand, drain: &CancellationToken) {
    let mut happened = routing.store.watch();
    let mut walks: JoinSet<()> = JoinSet::new();
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !drain.is_cancelled() {
        let room = AT_ONCE.saturating_sub(walks.len()).min(A_CLAIM);
        let mut full = false;
        // Without keys no lead can be opened: better to leave them where they are.
        if room > 0 && routing.sealer.load().is_some() {
            match routing.store.claim(owner, room, LEASE, routing.clock.now()).await {
                Ok(claimed) => {
                    full = claimed.len() == room;
                    claimed.into_iter().for_each(|lead| start(routing, lead, in_hand, &mut walks));
                }
                Err(error) => {
                    tracing::warn!(%error, "no leads can be claimed");
                    tokio::select! { () = sleep(PAUSE) => (), () = drain.cancelled() => () }
                }
            }
        }
        if full && walks.len() < AT_ONCE {
            continue;
        }
        tokio::select! {
            () = drain.cancelled() => (),
            _ = tick.tick() => (),
            news = happened.recv() => if news == Err(RecvError::Closed) { sleep(LOOK).await },
            Some(ended) = walks.join_next_with_id(), if walks.len() >= AT_ONCE => finish(in_hand, ended),
        }
        while let Some(ended) = walks.try_join_next_with_id() {
            finish(in_hand, ended);
        }
        routing.metrics.in_flight.set(walks.len() as i64);
    }
    while let Some(ended) = walks.join_next_with_id().await {
        finish(in_hand, ended);
    }
    routing.metrics.in_flight.set(0);
}

fn start(routing: &Arc<Routing>, lead: Claimed, in_hand: &InHand, walks: &mut JoinSet<()>) {
    let (id, epoch) = (lead.id, lead.epoch);
    let mut hands = in_hand.lock().unwrap_or_else(PoisonError::into_inner);
    let routing = Arc::clone(routing);
    let task = walks.spawn(async move {
        match routing.route(lead).await {
            Ok(()) => (),
            Err(RouteError::Lost) => tracing::debug!(lead = %id, "another router has the lead"),
            Err(error) => tracing::warn!(lead = %id, %error, "the lead is left for later"),
        }
    });
    hands.leads.insert(id, epoch);
    hands.tasks.insert(task.id(), id);
}

/// Puts a lead down: from here on its lease runs out, if it still has one.
fn finish(in_hand: &InHand, ended: Result<(Id, ()), JoinError>) {
    let task = match ended {
        Ok((task, ())) => task,
        Err(error) => {
            tracing::error!(%error, "a lead's walk broke off; the lead is handed out again when its lease is over");
            error.id()
        }
    };
    in_hand.lock().unwrap_or_else(PoisonError::into_inner).put_down(task);
}

/// Prolongs the leases of all leads in hand.
async fn keep_leases(routing: Arc<Routing>, owner: String, in_hand: InHand, done: CancellationToken) {
    let third = Duration::from_secs(LEASE.as_secs().unsigned_abs() / 3);
    let mut tick = interval(third);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! { () = done.cancelled() => return, _ = tick.tick() => () }
        let leads: Vec<(LeadId, i64)> =
            in_hand.lock().unwrap_or_else(PoisonError::into_inner).leads.iter().map(|(id, epoch)| (*id, *epoch)).collect();
        if leads.is_empty() {
            continue;
        }
        match routing.store.renew(&owner, leads, LEASE, routing.clock.now()).await {
            Ok(lost) => {
                let mut hands = in_hand.lock().unwrap_or_else(PoisonError::into_inner);
                hands.leads.retain(|id, _| !lost.contains(id));
            }
            Err(error) => tracing::warn!(%error, "leases can't be prolonged"),
        }
    }
}

/// Keeps the router's view fresh: the store's places and turns, new rules, and what waits.
pub async fn keep_up(routing: Arc<Routing>, until: CancellationToken) -> Result<(), StoreError> {
    let mut changes = routing.live.changes();
    let mut tick = interval(REFRESH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rules = String::new();
    loop {
        let table = routing.live.table();
        let new_rules = table.digest != rules;
        let looked = async {
            if new_rules {
                routing.store.rerun(&table.digest, routing.clock.now()).await?;
            }
            routing.refresh().await?;
            let depth = routing.store.depth(routing.clock.now()).await?;
            let age = depth.oldest.map_or(0.0, |oldest| routing.clock.now().duration_since(oldest).as_secs_f64());
            routing.metrics.queue_depth.set(depth.queued);
            routing.metrics.queue_age_seconds.set(age.max(0.0));
            routing.metrics.unmatched.set(depth.unmatched);
            Ok::<_, StoreError>(())
        };
        match looked.await {
            Ok(()) => rules.clone_from(&table.digest),
            Err(error) => tracing::warn!(%error, "the store can't be looked at"),
        }
        tokio::select! {
            () = until.cancelled() => return Ok(()),
            _ = tick.tick() => (),
            _ = changes.changed() => (),
        }
    }
}

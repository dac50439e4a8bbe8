//! A lead in a router's hands: decide → reserve → deliver → settle, until somebody has it or nobody can.
//!
//! Every step is durable before the next begins, so whoever claims the lead after a crash goes on where this one stopped: an open delivery is sent
//! again, byte for byte and under the same key, before anything else.

mod walk;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};

use super::decide::{Question, decide, decide_by, shadows};
use super::deliver::Deliverer;
use super::ports::Clock;
use super::standing::{Generations, Standing};
use crate::lead::decision::{KnownOwner, TakenIn};
use crate::lead::delivery::Money;
use crate::lead::{Candidate, Decision, Lead, RecipientKey, UnmatchedReason};
use crate::ops::metrics::Metrics;
use crate::store::group::Group;
use crate::store::seal::Sealer;
use crate::store::{Claimed, Hold, Store, StoreError, TakeTurn};
use crate::table::policy::Policy;
use crate::table::recipient::{Recipient, Terms};
use crate::table::{Live, Table};

/// What every lead in this router's hands shares.
pub struct Routing {
    pub store: Arc<dyn Store>,
    pub group: Arc<Group>,
    pub live: Arc<Live<Table>>,
    pub sealer: Arc<ArcSwapOption<Sealer>>,
    pub deliverer: Arc<Deliverer>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    standing: Mutex<Generations>,
    /// What shadow policies would have done: they see their own assignments, and nobody else does.
    shadow: Mutex<Generations>,
    /// Held while the standing is read from the store.
    reading: tokio::sync::Mutex<()>,
    /// Digests that the store is known to have the rules of.
    remembered: Mutex<HashSet<String>>,
}

/// Why a lead was given up without being settled; its lease runs out and it is handed out again.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// Another router has the lead.
    #[error("the lease was lost")]
    Lost,
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encryption keys are missing, or the lead was sealed with others.
    #[error("the lead can't be opened: {0}")]
    Sealed(String),
}

/// The candidate at the head of a decision, with what it takes.
struct Chosen<'t> {
    recipient: &'t Recipient,
    tier: String,
    holds: Vec<Hold>,
    turn: Option<TakeTurn>,
    price: Option<Money>,
    exclusive: bool,
}

/// What has happened to a lead so far, as decisions see it.
#[derive(Clone, Copy)]
struct SoFar<'a> {
    tried: &'a [RecipientKey],
    taken: &'a [TakenIn],
    owners: &'a [KnownOwner],
}

impl Routing {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        store: Arc<dyn Store>,
        group: Arc<Group>,
        live: Arc<Live<Table>>,
        sealer: Arc<ArcSwapOption<Sealer>>,
        deliverer: Arc<Deliverer>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let standing = || Mutex::new(Generations::new(live.table(), clock.now()));
        Self {
            standing: standing(),
            shadow: standing(),
            store,
            group,
            live,
            sealer,
            deliverer,
            clock,
            metrics,
            reading: tokio::sync::Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// Brings a claimed lead to its end, or parks it.
    pub async fn route(&self, claimed: Claimed) -> Result<(), RouteError> {
        let table = self.live.table();
        walk::Walk::begin(self, &table, claimed)?.go().await
    }

    /// Reads places and turns afresh from the store.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.reading.lock().await;
        self.read_standing().await
    }

    /// Sees to it that the standing is newer than a moment. Many that wait for it share one reading.
    async fn refresh_since(&self, moment: Timestamp) -> Result<(), StoreError> {
        let _one_at_a_time = self.reading.lock().await;
        if self.standing().read_at() > moment { Ok(()) } else { self.read_standing().await }
    }

    async fn read_standing(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let used = self.store.used(now).await?;
        let turns = self.store.turns().await?;
        self.standing().refresh(now, &used, turns);
        Ok(())
    }

    /// Decides, and counts the first candidate as assigned, so that the next decision sees it.
    fn decide<'t>(&self, table: &'t Arc<Table>, lead: &Lead, now: Timestamp, so_far: SoFar<'_>) -> (Decision, Option<Chosen<'t>>) {
        let started = Instant::now();
        let unavailable = self.deliverer.breakers.unavailable(now);
        let in_force = self.live.table();
        let mut standing = self.standing();
        let SoFar { tried, taken, owners } = so_far;
        let question = Question { table, lead, now, tried, taken, owners, unavailable: &unavailable };
        let decision = decide(&question, standing.under(table, &in_force, now));
        self.metrics.decision_seconds.observe(started.elapsed().as_secs_f64());
        let policy = decision.policy.as_deref().and_then(|name| table.policy(name));
        let chosen = decision.candidates.first().and_then(|candidate| {
            let chosen = choose(standing.under(table, &in_force, now), table, policy?, candidate, &decision, now)?;
            standing.assume(&chosen.recipient.key, &chosen.holds, chosen.turn.as_ref());
            Some(chosen)
        });
        (decision, chosen)
    }

    /// What shadow policies would have done with a lead, as far as their first choice.
    fn shadows(&self, table: &Arc<Table>, lead: &Lead, now: Timestamp, owners: &[KnownOwner]) -> Vec<Decision> {
        let shadows = shadows(table, lead);
        if shadows.is_empty() {
            return Vec::new();
        }
        let unavailable = self.deliverer.breakers.unavailable(now);
        let in_force = self.live.table();
        let mut standing = self.shadow.lock().unwrap_or_else(PoisonError::into_inner);
        let question = Question { table, lead, now, tried: &[], taken: &[], owners, unavailable: &unavailable };
        shadows
            .into_iter()
            .map(|policy| {
                let decision = decide_by(&question, policy, standing.under(table, &in_force, now));
                let first = decision.candidates.first();
                let chosen = first.and_then(|first| choose(standing.under(table, &in_force, now), table, policy, first, &decision, now));
                if let Some(chosen) = chosen {
                    standing.assume(&chosen.recipient.key, &chosen.holds, chosen.turn.as_ref());
                }
                decision
            })
            .collect()
    }

    /// Counts a further candidate of a decision as assigned.
    fn choose<'t>(&self, table: &'t Arc<Table>, decision: &Decision, at: usize, now: Timestamp) -> Option<Chosen<'t>> {
        let policy = table.policy(decision.policy.as_deref()?)?;
        let in_force = self.live.table();
        let mut standing = self.standing();
        let chosen = choose(standing.under(table, &in_force, now), table, policy, decision.candidates.get(at)?, decision, now)?;
        standing.assume(&chosen.recipient.key, &chosen.holds, chosen.turn.as_ref());
        Some(chosen)
    }

    fn standing(&self) -> MutexGuard<'_, Generations> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts places as given back; when the last one was given back, leads that wait for a place are looked at again.
    async fn give_back(&self, recipient: &RecipientKey, holds: &[Hold]) -> Result<(), StoreError> {
        let room = self.standing().release(recipient, holds);
        if room {
            self.store.wake(&[UnmatchedReason::CapsReached, UnmatchedReason::Queued], WOKEN, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Sees to it that the store has the rules that decisions are about to be recorded under.
    async fn remember(&self, table: &Table) -> Result<(), StoreError> {
        let known = |set: &Mutex<HashSet<String>>| set.lock().unwrap_or_else(PoisonError::into_inner).contains(&table.digest);
        if known(&self.remembered) {
            return Ok(());
        }
        let objects = table.objects.iter().map(|object| object.as_ref().clone()).collect();
        self.store.remember_rules(&table.digest, objects).await?;
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).insert(table.digest.clone());
        Ok(())
    }
}

/// A candidate with what it takes.
fn choose<'t>(
    standing: &Standing,
    table: &'t Table,
    policy: &Policy,
    candidate: &Candidate,
    decision: &Decision,
    now: Timestamp,
) -> Option<Chosen<'t>> {
    let number = *table.numbers.get(&candidate.recipient)?;
    let recipient = table.recipients.get(number as usize)?;
    let tier = policy.tier(&candidate.tier)?;
    let grade = decision.score.as_ref().and_then(|score| score.grade.as_deref());
    let holds = recipient.holds(now, Terms { grade, exclusive: candidate.exclusive });
    let turn = standing.turn_for(tier, number);
    Some(Chosen {
        recipient,
        tier: tier.name.clone(),
        holds,
        turn: Some(turn),
        price: candidate.price.clone(),
        exclusive: candidate.exclusive,
    })
}

/// How many leads are looked at again when a place has become free.
const WOKEN: usize = 32;

/// How long the store may be away while a lead's step waits for it; longer than a restart, shorter than sources' patience.
pub(crate) const STORE_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

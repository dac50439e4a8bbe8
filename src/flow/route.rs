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

use super::decide::{Question, decide};
use super::deliver::Deliverer;
use super::ports::Clock;
use super::view::{Seen, View};
use crate::lead::{Candidate, Decision, Lead, RecipientKey};
use crate::ops::metrics::Metrics;
use crate::store::group::Group;
use crate::store::seal::Sealer;
use crate::store::{Claimed, Hold, Store, StoreError, TakeTurn};
use crate::table::policy::Policy;
use crate::table::recipient::Recipient;
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
    view: Mutex<View>,
    /// Held while the view is read from the store.
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
        Self {
            store,
            group,
            live,
            sealer,
            deliverer,
            clock,
            metrics,
            view: Mutex::default(),
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
        self.read_view().await
    }

    /// Sees to it that the view is newer than a moment. Many that wait for it share one reading.
    async fn refresh_since(&self, moment: Timestamp) -> Result<(), StoreError> {
        let _one_at_a_time = self.reading.lock().await;
        if self.view().read_at > moment { Ok(()) } else { self.read_view().await }
    }

    async fn read_view(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let used = self.store.used(now).await?;
        let turns = self.store.turns().await?;
        let table = self.live.table();
        self.view().refresh(now, used, turns, &table);
        Ok(())
    }

    /// Decides, and counts the first candidate as assigned, so that the next decision sees it.
    fn decide<'t>(
        &self,
        table: &'t Table,
        lead: &Lead,
        now: Timestamp,
        tried: &[RecipientKey],
        taken: u32,
    ) -> (Decision, Option<Chosen<'t>>) {
        let started = Instant::now();
        let unavailable = self.deliverer.breakers.unavailable(now);
        let mut view = self.view();
        let known = Seen { view: &view, unavailable: &unavailable };
        let decision = decide(&Question { table, lead, known: &known, now, tried, taken });
        self.metrics.decision_seconds.observe(started.elapsed().as_secs_f64());
        let policy = policy_of(table, &decision);
        let chosen = decision.candidates.first().and_then(|candidate| choose(&mut view, table, policy?, candidate, now));
        (decision, chosen)
    }

    /// Counts a further candidate of a decision as assigned.
    fn choose<'t>(&self, table: &'t Table, decision: &Decision, at: usize, now: Timestamp) -> Option<Chosen<'t>> {
        choose(&mut self.view(), table, policy_of(table, decision)?, decision.candidates.get(at)?, now)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that the store has the rules that decisions are about to be recorded under.
    async fn remember(&self, table: &Table) -> Result<(), StoreError> {
        let known = |set: &Mutex<HashSet<String>>| set.lock().unwrap_or_else(PoisonError::into_inner).contains(&table.digest);
        if known(&self.remembered) {
            return Ok(());
        }
        self.store.remember_rules(&table.digest, table.objects.clone()).await?;
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).insert(table.digest.clone());
        Ok(())
    }
}

fn policy_of<'t>(table: &'t Table, decision: &Decision) -> Option<&'t Policy> {
    let name = decision.policy.as_deref()?;
    table.policies.iter().find(|policy| policy.name == name).map(Arc::as_ref)
}

fn choose<'t>(view: &mut View, table: &'t Table, policy: &Policy, candidate: &Candidate, now: Timestamp) -> Option<Chosen<'t>> {
    let recipient = table.recipients.get(*table.numbers.get(&candidate.recipient)? as usize)?;
    let tier = policy.tiers.iter().find(|tier| tier.name == candidate.tier)?;
    let holds = recipient.holds(now);
    let turn = view.turn_for(tier, recipient.weight);
    view.assume(&recipient.key, &holds, Some(&turn));
    Some(Chosen { recipient, tier: tier.name.clone(), holds, turn: Some(turn) })
}

/// How long the store may be away while a lead's step waits for it; longer than a restart, shorter than sources' patience.
pub(crate) const STORE_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

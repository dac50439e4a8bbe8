//! One lead's walk from claim to settlement. [`offer`] is its middle.

mod offer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Chosen, RouteError, Routing, STORE_PATIENCE};
use crate::api::routing_policy::AfterTimeout;
use crate::flow::deliver::{Ended, NotRecorded, Order, RecordTry, SoFar};
use crate::flow::{envelope, owners};
use crate::lead::decision::{KnownOwner, TakenIn};
use crate::lead::{Attempt, Decision, Delivery, Lead, RecipientKey, Request, UnmatchedReason};
use crate::store::seal::Sealer;
use crate::store::{Claimed, DeliveryEnd, DeliveryState, KeptDelivery, Settlement, StoreError, Then, Tried};
use crate::table::{EndpointRules, Table};

/// After how long a lead is looked at again when an endpoint failed without being tripped, or has left a delivery unsettled.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// How long an open delivery may be tried when it is taken up again after the policy's time.
const SETTLING: SignedDuration = SignedDuration::from_secs(10);

/// What is sent where.
struct Sending<'s> {
    endpoint: &'s Arc<EndpointRules>,
    delivery: &'s Delivery,
    request: &'s Request,
}

/// A lead on its way.
pub(super) struct Walk<'a> {
    routing: &'a Routing,
    table: &'a Arc<Table>,
    lead: Lead,
    epoch: i64,
    run_since: Timestamp,
    /// The lead has not been in the unmatched queue yet.
    first_run: bool,
    /// When this walk began.
    began: Timestamp,
    /// Deliveries so far, all runs; the next one's number is one more.
    made: i32,
    /// Recipients that are not asked: who has the lead, and who was asked in this run.
    tried: Vec<RecipientKey>,
    taken: Vec<TakenIn>,
    /// Who had leads of this person or company before.
    owners: Vec<KnownOwner>,
    /// Whether shadow policies were asked; once a walk is enough.
    shadowed: bool,
    /// What they decided, until it is on record.
    shadows: Vec<Decision>,
    /// By what this person or company is known again.
    owner_keys: Vec<[u8; 32]>,
    /// Some delivery of this run failed without an answer about the lead: trying later may help.
    failed: bool,
    open: Option<KeptDelivery>,
}

impl<'a> Walk<'a> {
    pub(super) fn begin(routing: &'a Routing, table: &'a Arc<Table>, claimed: Claimed) -> Result<Self, RouteError> {
        let sealer = routing.sealer.load_full().ok_or_else(|| RouteError::Sealed("the encryption keys are missing".to_owned()))?;
        let lead = envelope::open(&sealer, claimed.id, &claimed.sealed).map_err(|error| RouteError::Sealed(error.to_string()))?.lead;
        let mut walk = Self {
            routing,
            table,
            lead,
            epoch: claimed.epoch,
            run_since: claimed.run_since,
            first_run: claimed.run_since == claimed.arrived_at,
            began: routing.clock.now(),
            made: 0,
            tried: Vec::new(),
            taken: Vec::new(),
            owners: Vec::new(),
            shadowed: false,
            shadows: Vec::new(),
            owner_keys: Vec::new(),
            failed: false,
            open: None,
        };
        for kept in claimed.deliveries {
            walk.made = walk.made.max(kept.delivery.number);
            match kept.state {
                DeliveryState::Accepted => {
                    walk.taken.push(TakenIn { tier: kept.delivery.tier, exclusive: kept.delivery.exclusive });
                    walk.tried.push(kept.delivery.recipient);
                }
                DeliveryState::Refused | DeliveryState::Failed if kept.at >= claimed.run_since => {
                    walk.failed |= kept.state == DeliveryState::Failed;
                    walk.tried.push(kept.delivery.recipient);
                }
                DeliveryState::Refused | DeliveryState::Failed => {}
                DeliveryState::Open => walk.open = Some(kept),
            }
        }
        Ok(walk)
    }

    /// Walks to the end.
    pub(super) async fn go(mut self) -> Result<(), RouteError> {
        if let Some(kept) = self.open.take()
            && self.resume(kept).await?.is_break()
        {
            return Ok(());
        }
        self.find_owners().await?;
        let mut sure = false;
        loop {
            let now = self.routing.clock.now();
            let so_far = super::SoFar { tried: &self.tried, taken: &self.taken, owners: &self.owners };
            let (decision, chosen) = self.routing.decide(self.table, &self.lead, now, so_far);
            if !std::mem::replace(&mut self.shadowed, true) {
                self.shadows = self.routing.shadows(self.table, &self.lead, now, &self.owners);
            }
            let policy = decision.policy.as_deref().and_then(|name| self.table.policy(name));
            let deadline = policy.map_or(now, |policy| self.run_since.saturating_add(policy.within).unwrap_or(now));
            if self.has_enough(policy.map_or(1, |policy| policy.max_recipients)) {
                return self.delivered(None).await;
            }
            let (Some(policy), Some(chosen)) = (policy, chosen) else {
                let reason = decision.unmatched.unwrap_or(UnmatchedReason::NobodyMatches);
                // What is known may be out of date and show places taken that were given back: the lead would wait for nothing.
                let places = matches!(reason, UnmatchedReason::CapsReached | UnmatchedReason::Queued);
                if places && !std::mem::replace(&mut sure, true) {
                    self.patiently(|| self.routing.refresh_since(self.began)).await?;
                    continue;
                }
                return self.nobody(reason, decision).await;
            };
            if now >= deadline {
                self.never_mind(&chosen);
                return self.nobody(UnmatchedReason::TimeOver, decision).await;
            }
            if self.offer(policy, decision, chosen, deadline).await?.is_break() {
                return Ok(());
            }
        }
    }

    /// Whether the lead has all the recipients that it will get.
    fn has_enough(&self, most: u32) -> bool {
        self.taken.len() >= most as usize || self.taken.iter().any(|taken| taken.exclusive)
    }

    /// Asks the store who had leads of this person or company before, when any tier wants to know.
    async fn find_owners(&mut self) -> Result<(), RouteError> {
        let sealer = self.sealer()?;
        let keys = owners::keys(&self.lead, self.table, &|purpose, parts| sealer.hash(purpose, parts));
        if !keys.is_empty() {
            let hashes: Vec<[u8; 32]> = keys.iter().map(|(_, hash)| *hash).collect();
            let known = self.patiently(|| self.routing.store.owners(hashes.clone())).await?;
            self.owners = owners::known(&keys, known);
        }
        self.owner_keys = keys.into_iter().map(|(_, hash)| hash).collect();
        Ok(())
    }

    fn sealer(&self) -> Result<Arc<Sealer>, RouteError> {
        self.routing.sealer.load_full().ok_or_else(|| RouteError::Sealed("the encryption keys are missing".to_owned()))
    }

    /// Brings a delivery that somebody began to its end, with the very request of then.
    async fn resume(&mut self, kept: KeptDelivery) -> Result<Flow, RouteError> {
        let delivery = kept.delivery;
        let policy = self.table.policies.iter().find(|policy| policy.name == delivery.policy);
        let settle = policy.map_or(AfterTimeout::Settle, |policy| policy.after_timeout);
        let wanted = policy.map_or(1, |policy| policy.max_recipients);
        let within = policy.map_or(LOOK_AGAIN, |policy| policy.within);
        let deadline = self.run_since.saturating_add(within).unwrap_or(Timestamp::MAX);
        let now = self.routing.clock.now();
        let Some(endpoint) = self.table.endpoints.get(&delivery.endpoint).cloned() else {
            // Nobody can ask the endpoint any more whether it has the lead.
            let ended = Ended::Unsettled { attempt: None, again_at: now.saturating_add(LOOK_AGAIN).unwrap_or(now) };
            return self.end(&delivery, ended, wanted, deadline, None).await;
        };
        let sealer = self.sealer()?;
        let request =
            envelope::open_request(&sealer, self.lead.id, &kept.request).map_err(|error| RouteError::Sealed(error.to_string()))?;
        // Its sender died in mid-try, or the last try was ambiguous: it may have been taken.
        let so_far = SoFar { attempts: kept.attempts, ambiguous: true };
        let sending = Sending { endpoint: &endpoint, delivery: &delivery, request: &request };
        let ended = self.send(sending, so_far, settle, deadline.max(now.saturating_add(SETTLING).unwrap_or(now))).await;
        self.end(&delivery, ended, wanted, deadline, None).await
    }

    async fn send(&self, sending: Sending<'_>, so_far: SoFar, after_timeout: AfterTimeout, deadline: Timestamp) -> Ended {
        let Sending { endpoint, delivery, request } = sending;
        let secrets = self.routing.live.secrets();
        let order = Order { endpoint, secrets: &secrets, delivery, request, so_far, after_timeout, deadline };
        self.routing.deliverer.deliver(order, &Record { walk: self }).await
    }

    /// Settles the end of a delivery.
    async fn end(
        &mut self,
        delivery: &Delivery,
        ended: Ended,
        wanted: u32,
        deadline: Timestamp,
        held: Option<&Chosen<'a>>,
    ) -> Result<Flow, RouteError> {
        let (state, record_id, attempt, then) = match ended {
            Ended::Taken { record_id, attempt } => {
                self.taken.push(TakenIn { tier: delivery.tier.clone(), exclusive: delivery.exclusive });
                let then = if self.has_enough(wanted) { Then::Delivered } else { Then::Continue };
                (DeliveryState::Accepted, record_id, Some(attempt), then)
            }
            Ended::Refused { attempt } => (DeliveryState::Refused, None, Some(attempt), Then::Continue),
            Ended::Failed { attempt } => {
                self.failed = true;
                (DeliveryState::Failed, None, attempt, Then::Continue)
            }
            Ended::Unsettled { attempt, again_at } => return self.unsettled(attempt, again_at, deadline).await,
        };
        self.tried.push(delivery.recipient.clone());
        let owner_keys = if state == DeliveryState::Accepted { self.owner_keys.clone() } else { Vec::new() };
        let end = DeliveryEnd { number: delivery.number, state, record_id, owner_keys, attempt };
        let done = then == Then::Delivered;
        if state != DeliveryState::Accepted {
            self.settle(Some(end), None, then).await?;
            match held {
                // Leads that are run again wake nobody: two that are refused would wake each other for ever.
                Some(chosen) if !self.first_run => {
                    self.routing.standing().release(&chosen.recipient.key, &chosen.holds);
                }
                Some(chosen) => self.routing.give_back(&chosen.recipient.key, &chosen.holds).await.unwrap_or_default(),
                None => self.routing.refresh().await.unwrap_or_default(),
            }
            return Ok(Flow::Continue(()));
        }
        self.settle(Some(end), None, then).await?;
        if done {
            self.count_delivered(&delivery.policy);
            return Ok(Flow::Break(()));
        }
        Ok(Flow::Continue(()))
    }

    /// Leaves a delivery open that may or may not have arrived: parked while the policy's time lasts, then in the unmatched queue.
    async fn unsettled(&mut self, attempt: Option<Attempt>, again_at: Timestamp, deadline: Timestamp) -> Result<Flow, RouteError> {
        if let Some(attempt) = attempt {
            self.record(attempt).await?;
        }
        let now = self.routing.clock.now();
        let then = if again_at < deadline {
            Then::Park { until: again_at }
        } else {
            let later = again_at.max(now.saturating_add(LOOK_AGAIN).unwrap_or(again_at));
            self.count("", "unmatched", UnmatchedReason::Unsettled.as_str());
            Then::Unmatched { reason: UnmatchedReason::Unsettled, rules: self.table.digest.clone(), retry_at: Some(later) }
        };
        self.settle(None, None, then).await?;
        Ok(Flow::Break(()))
    }

    /// Nobody (more) can take the lead.
    async fn nobody(&self, reason: UnmatchedReason, decision: Decision) -> Result<(), RouteError> {
        if !self.taken.is_empty() {
            return self.delivered(Some(decision)).await;
        }
        let now = self.routing.clock.now();
        let later = (self.failed || reason == UnmatchedReason::TimeOver).then(|| now.saturating_add(LOOK_AGAIN).unwrap_or(now));
        let retry_at = decision.retry_at.into_iter().chain(later).min();
        self.count(decision.policy.as_deref().unwrap_or_default(), "unmatched", reason.as_str());
        self.routing.remember(self.table).await?;
        self.settle(None, Some(decision), Then::Unmatched { reason, rules: self.table.digest.clone(), retry_at }).await?;
        // Rules may have changed while this was decided by the old ones; then nobody else would look at it again.
        let current = self.routing.live.table();
        if current.digest != self.table.digest {
            self.routing.store.rerun(&current.digest, now).await?;
        }
        Ok(())
    }

    /// The lead has all the recipients that it will get.
    async fn delivered(&self, decision: Option<Decision>) -> Result<(), RouteError> {
        let policy = decision.as_ref().and_then(|decision| decision.policy.clone()).unwrap_or_default();
        if decision.is_some() {
            self.routing.remember(self.table).await?;
        }
        self.settle(None, decision, Then::Delivered).await?;
        self.count_delivered(&policy);
        Ok(())
    }

    /// Settles, waiting for a store that is away: what a far side took must not be forgotten for a hiccup.
    async fn settle(&self, delivery: Option<DeliveryEnd>, decision: Option<Decision>, then: Then) -> Result<(), RouteError> {
        let decisions = decision.map(|decision| self.records(&decision)).unwrap_or_default();
        let settlement = Settlement { lead: self.lead.id, epoch: self.epoch, now: self.routing.clock.now(), delivery, decisions, then };
        let kept = self.patiently(|| self.routing.group.settle(settlement.clone())).await?;
        if kept { Ok(()) } else { Err(RouteError::Lost) }
    }

    async fn record(&self, attempt: Attempt) -> Result<(), RouteError> {
        let tried = Tried { lead: self.lead.id, epoch: self.epoch, attempt, now: self.routing.clock.now() };
        let kept = self.patiently(|| self.routing.group.record(tried.clone())).await?;
        if kept { Ok(()) } else { Err(RouteError::Lost) }
    }

    async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(&self, call: impl Fn() -> F) -> Result<T, StoreError> {
        let until = self.routing.clock.now().saturating_add(STORE_PATIENCE).unwrap_or(Timestamp::MAX);
        let mut pause = Duration::from_millis(50);
        loop {
            match call().await {
                Err(StoreError::Unavailable(_)) if self.routing.clock.now() < until => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                outcome => return outcome,
            }
        }
    }

    fn count_delivered(&self, policy: &str) {
        self.count(policy, "delivered", "");
        let held = if self.first_run { "no" } else { "yes" };
        let took = self.routing.clock.now().duration_since(self.lead.arrived_at);
        self.routing.metrics.lead_seconds.with_label_values(&[held]).observe(seconds(took));
    }

    fn count(&self, policy: &str, state: &str, reason: &str) {
        self.routing.metrics.leads.with_label_values(&[policy, state, reason]).inc();
    }
}

type Flow = std::ops::ControlFlow<()>;

/// Puts tries on record between two of them.
struct Record<'w, 'a> {
    walk: &'w Walk<'a>,
}

#[async_trait]
impl RecordTry for Record<'_, '_> {
    async fn record(&self, attempt: &Attempt) -> Result<(), NotRecorded> {
        self.walk.record(attempt.clone()).await.map_err(|_| NotRecorded)
    }
}

fn seconds(duration: SignedDuration) -> f64 {
    duration.as_secs_f64().max(0.0)
}

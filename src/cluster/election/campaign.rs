//! Standing for the lead: the Lease is made, renewed, taken over and given back.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::candidacy::{Candidacy, Deed};
use super::lead::{self, Lead};
use super::{EVERY, LEASE, TERM};
use crate::cluster::deadline::{Failure, Meaning};
use crate::flow::ports::Clock;

/// The longest that one look or renewal is waited for.
const CALL: Duration = Duration::from_secs(5);

/// One candidate at work.
pub struct Campaign {
    leases: Api<Lease>,
    candidacy: Candidacy,
    clock: Arc<dyn Clock>,
    term: watch::Sender<Option<Instant>>,
    /// Whether the last try failed; told once.
    failing: bool,
}

impl Campaign {
    /// A candidate by an `identity` that no other process has, and the one to ask whether it leads.
    pub fn new(client: Client, namespace: &str, identity: &str, clock: Arc<dyn Clock>) -> (Self, Lead) {
        let (term, lead) = lead::lead();
        let leases = Api::namespaced(client, namespace);
        (Self { leases, candidacy: Candidacy::new(namespace, identity), clock, term, failing: false }, lead)
    }

    /// Stands for the lead until `done`, then gives it back.
    pub async fn run(mut self, done: CancellationToken) {
        while !done.is_cancelled() {
            let begun = Instant::now();
            // A leader waits no longer for a renewal than its term lasts.
            let patience = self.until().map_or(CALL, |until| until.saturating_duration_since(begun).min(CALL));
            let outcome = timeout(patience, self.attempt()).await.unwrap_or(Err(Failure::Late));
            self.told(begun, outcome);
            let next = begun + EVERY;
            tokio::select! {
                () = done.cancelled() => {}
                () = sleep_until(self.until().map_or(next, |until| until.min(next))) => {}
            }
        }
        self.release().await;
    }

    fn until(&self) -> Option<Instant> {
        *self.term.borrow()
    }

    /// Draws the conclusions from one try, which was begun at an instant.
    fn told(&mut self, begun: Instant, outcome: Result<bool, Failure>) {
        match outcome {
            Ok(leads) => {
                self.failing = false;
                self.term.send_replace(leads.then(|| begun + TERM));
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(lease = LEASE, %error, "the Lease of the leader can't be read or renewed; it is tried again");
                }
                if self.until().is_some_and(|until| until <= Instant::now()) {
                    self.term.send_replace(None);
                }
            }
        }
    }

    /// One try. Says whether this process holds the Lease now.
    async fn attempt(&mut self) -> Result<bool, Failure> {
        // A leader knows the Lease as it wrote it, and looks only when that does not fit.
        if !self.candidacy.is_holder() {
            self.look().await?;
        }
        match self.act().await {
            Err(failure) if matches!(failure.meaning(), Meaning::Conflict | Meaning::NotFound) => {
                self.look().await?;
                self.act().await
            }
            done => done,
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let lease = self.leases.get_opt(LEASE).await?;
        self.candidacy.see(lease, Instant::now());
        Ok(())
    }

    async fn act(&mut self) -> Result<bool, Failure> {
        let written = match self.candidacy.deed(Instant::now(), self.clock.now()) {
            Deed::Wait => return Ok(false),
            Deed::Create(lease) => self.leases.create(&PostParams::default(), &lease).await?,
            Deed::Replace(lease) => self.leases.replace(LEASE, &PostParams::default(), &lease).await?,
        };
        self.candidacy.see(Some(written), Instant::now());
        Ok(true)
    }

    /// Gives the Lease back, so that nobody has to wait for its end.
    async fn release(self) {
        let leads = self.until().is_some();
        self.term.send_replace(None);
        let Some(lease) = self.candidacy.released(self.clock.now()).filter(|_| leads) else {
            return;
        };
        match timeout(CALL, self.leases.replace(LEASE, &PostParams::default(), &lease)).await {
            Ok(Ok(_)) => tracing::info!(lease = LEASE, "the lead is given back"),
            Ok(Err(error)) => tracing::warn!(lease = LEASE, %error, "the Lease could not be given back and will lapse"),
            Err(_) => tracing::warn!(lease = LEASE, "the Lease could not be given back in time and will lapse"),
        }
    }
}

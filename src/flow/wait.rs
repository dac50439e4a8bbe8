//! Waiting for the outcome of a lead. One watcher asks for all that wait, so a thousand waiting posts cost the store one query at a time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, oneshot};

use crate::lead::{LeadId, Outcome, State};
use crate::store::{Happened, Store};

/// How often the store is asked while somebody waits and nothing is told.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The longest that one look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// All who wait.
pub struct Waiters {
    store: Arc<dyn Store>,
    waiting: Mutex<HashMap<LeadId, Vec<oneshot::Sender<Outcome>>>>,
    /// Told when somebody begins to wait.
    begun: Notify,
}

/// One that waits for one lead. Enlist before the lead is kept, and no news is missed.
pub struct Waiting(oneshot::Receiver<Outcome>);

impl Waiting {
    /// The outcome, once there is one that is not `Queued`. Give it a deadline.
    pub async fn outcome(self) -> Option<Outcome> {
        self.0.await.ok()
    }
}

impl Waiters {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, waiting: Mutex::default(), begun: Notify::new() }
    }

    /// Begins to wait for a lead.
    pub fn enlist(&self, lead: LeadId) -> Waiting {
        let (sender, receiver) = oneshot::channel();
        self.with(|waiting| waiting.entry(lead).or_default().push(sender));
        self.begun.notify_one();
        Waiting(receiver)
    }

    /// Brings the outcomes to those who wait. Runs until it is dropped.
    pub async fn run(&self) -> Infallible {
        let mut news = Some(self.store.watch());
        loop {
            if self.waited_for().is_empty() {
                self.begun.notified().await;
                continue;
            }
            tokio::select! {
                () = settled(&mut news) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self.look().await;
        }
    }

    /// Asks once for all.
    async fn look(&self) {
        let leads = self.waited_for();
        if leads.is_empty() {
            return;
        }
        let answer = tokio::time::timeout(LOOK_WITHIN, self.store.outcomes(leads.clone())).await;
        let outcomes = match answer {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => return tracing::warn!(%error, waiting = leads.len(), "outcomes can't be read"),
            Err(_) => return tracing::warn!(waiting = leads.len(), "outcomes can't be read: the store does not answer"),
        };
        for (lead, outcome) in leads.into_iter().zip(outcomes) {
            if let Some(outcome) = outcome.filter(|outcome| outcome.state != State::Queued) {
                let senders = self.with(|waiting| waiting.remove(&lead)).unwrap_or_default();
                for sender in senders {
                    // One that gave up in between needs nothing.
                    let _ = sender.send(outcome.clone());
                }
            }
        }
    }

    /// The leads that somebody still waits for.
    fn waited_for(&self) -> Vec<LeadId> {
        self.with(|waiting| {
            waiting.retain(|_, senders| {
                senders.retain(|sender| !sender.is_closed());
                !senders.is_empty()
            });
            waiting.keys().copied().collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<LeadId, Vec<oneshot::Sender<Outcome>>>) -> T) -> T {
        work(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns at news that leads were settled, taking all that is there; never when there is no more news to come.
async fn settled(news: &mut Option<broadcast::Receiver<Happened>>) {
    while let Some(receiver) = news {
        match receiver.recv().await {
            Ok(Happened::Work) => {}
            Ok(Happened::Settled) | Err(broadcast::error::RecvError::Lagged(_)) => {
                while receiver.try_recv().is_ok() {}
                return;
            }
            Err(broadcast::error::RecvError::Closed) => *news = None,
        }
    }
    std::future::pending().await
}

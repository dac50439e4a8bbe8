//! Whether this process leads, and until when.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Asks whether this process leads. Clones share the answer.
#[derive(Clone, Debug)]
pub struct Lead(watch::Receiver<Option<Instant>>);

/// The end of the term, and those who ask for it; `None` while somebody else leads.
pub fn lead() -> (watch::Sender<Option<Instant>>, Lead) {
    let (term, lead) = watch::channel(None);
    (term, Lead(lead))
}

impl Lead {
    /// Whether it leads at this instant. A process that slept through its term finds that out here.
    pub fn holds(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Returns as soon as it leads.
    pub async fn won(&mut self) {
        while !self.holds() {
            if self.0.changed().await.is_err() {
                // Nobody campaigns any more: it will never lead.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns as soon as it does not lead.
    pub async fn lost(&mut self) {
        while self.holds() {
            let until = self.0.borrow_and_update().unwrap_or_else(Instant::now);
            tokio::select! {
                () = sleep_until(until) => {}
                changed = self.0.changed() => if changed.is_err() {
                    // Nobody renews it any more: it lasts until it lapses.
                    sleep_until(until).await;
                },
            }
        }
    }
}

//! Whether a process may be given work: every gate is open, and every check passes now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Says why something is not ready, when it is not. Called at each look, so it must be quick: it looks at a value that somebody else keeps fresh.
type Check = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The readiness of a process. Clones share it.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// How many handles are held, by gate.
    closed: watch::Sender<BTreeMap<&'static str, usize>>,
    checks: Mutex<Vec<(&'static str, Check)>>,
}

/// A gate that is closed until this is dropped.
#[must_use = "dropping the handle opens the gate"]
pub struct Gate {
    name: &'static str,
    inner: Arc<Inner>,
}

/// Something that keeps a process from being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    pub name: &'static str,
    pub why: String,
}

impl Readiness {
    /// Closes a gate until the handle is dropped, such as `rules` until the first table is loaded.
    pub fn gate(&self, name: &'static str) -> Gate {
        self.0.closed.send_modify(|closed| *closed.entry(name).or_default() += 1);
        Gate { name, inner: Arc::clone(&self.0) }
    }

    /// Adds a check that is made at each look, such as how long ago the store last answered a ping.
    pub fn check(&self, name: &'static str, check: impl Fn() -> Option<String> + Send + Sync + 'static) {
        self.checks().push((name, Box::new(check)));
    }

    /// All that keeps the process from being ready; nothing when it is.
    pub fn look(&self) -> Vec<NotReady> {
        let gates: Vec<_> = self.0.closed.borrow().keys().map(|name| NotReady { name, why: "not there yet".to_owned() }).collect();
        let failed = self.checks().iter().filter_map(|(name, check)| Some(NotReady { name, why: check()? })).collect::<Vec<_>>();
        gates.into_iter().chain(failed).collect()
    }

    /// Waits until all gates are open. Checks are not waited for.
    pub async fn opened(&self) {
        let mut closed = self.0.closed.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = closed.wait_for(BTreeMap::is_empty).await;
    }

    fn checks(&self) -> MutexGuard<'_, Vec<(&'static str, Check)>> {
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.inner.closed.send_modify(|closed| {
            if let Some(held) = closed.get_mut(self.name) {
                *held -= 1;
                if *held == 0 {
                    closed.remove(self.name);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn names(readiness: &Readiness) -> Vec<&'static str> {
        readiness.look().into_iter().map(|what| what.name).collect()
    }

    #[test]
    fn is_ready_when_the_last_handle_of_each_gate_is_dropped() {
        let readiness = Readiness::default();
        assert!(readiness.look().is_empty());
        let rules = readiness.gate("rules");
        let (one, two) = (readiness.gate("store"), readiness.gate("store"));
        assert_eq!(names(&readiness), ["rules", "store"]);
        drop((rules, one));
        assert_eq!(names(&readiness), ["store"]);
        drop(two);
        assert!(readiness.look().is_empty());
    }

    #[test]
    fn a_check_is_made_at_each_look() {
        let readiness = Readiness::default();
        let fresh = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&fresh);
        readiness.check("store", move || (!seen.load(Ordering::SeqCst)).then(|| "no answer for 12 s".to_owned()));
        assert_eq!(readiness.look(), [NotReady { name: "store", why: "no answer for 12 s".to_owned() }]);
        fresh.store(true, Ordering::SeqCst);
        assert!(readiness.look().is_empty());
    }

    #[tokio::test]
    async fn waiting_ends_when_the_gates_open() {
        let readiness = Readiness::default();
        let gate = readiness.gate("rules");
        let waiting = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.opened().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(gate);
        waiting.await.unwrap();
    }
}

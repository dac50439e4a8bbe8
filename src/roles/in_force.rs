//! The rules, Secrets and encryption keys that a process goes by: taken over whole, and never half.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use crate::flow::ports::Clock;
use crate::ops::metrics::Metrics;
use crate::store::seal::Sealer;
use crate::table::{Compiler, Live, Objects, Rejected, Secrets, Table};

/// What is in force.
pub struct InForce {
    pub live: Arc<Live<Table>>,
    /// None until the encryption keys are there.
    pub sealer: Arc<ArcSwapOption<Sealer>>,
    digest: watch::Sender<String>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    compiler: Mutex<Compiler>,
}

impl InForce {
    /// Nothing is in force yet.
    pub fn new(metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Self {
        Self {
            live: Arc::new(Live::new(Table::default())),
            sealer: Arc::default(),
            digest: watch::Sender::default(),
            metrics,
            clock,
            compiler: Mutex::default(),
        }
    }

    /// Compiles objects, timing it. What did not change since the last time is not compiled again.
    pub fn compile(&self, objects: &Objects) -> (Arc<Table>, Vec<Rejected>) {
        let started = Instant::now();
        let compiled = self.compiler.lock().unwrap_or_else(PoisonError::into_inner).compile(objects);
        self.metrics.compile_seconds.set(started.elapsed().as_secs_f64());
        compiled
    }

    /// Puts a table in force. `broken` is how many objects beside the `rejected` did not get as far as being compiled as they are.
    pub fn put(&self, table: Arc<Table>, rejected: &[Rejected], broken: usize) {
        let before = self.live.table();
        tracing::info!(digest = %short(&table.digest), recipients = table.recipients.len(), policies = table.policies.len(), rejected = rejected.len(), "rules are in force");
        for rejection in rejected {
            tracing::warn!(object = %rejection.object, problem = %rejection.problem, "left out of the rules");
        }
        if before.digest != table.digest {
            let _ = self.metrics.rules.remove_label_values(&[&before.digest]);
        }
        self.metrics.rules.with_label_values(&[&table.digest]).set(1);
        self.metrics.rules_loaded.set(self.clock.now().as_millisecond() as f64 / 1000.0);
        self.metrics.rules_rejected.set((rejected.len() + broken) as i64);
        let digest = table.digest.clone();
        self.live.set_table(table);
        self.unlock();
        self.digest.send_replace(digest);
    }

    /// Puts Secrets in force.
    pub fn put_secrets(&self, secrets: Secrets) {
        if *self.live.secrets() != secrets {
            self.live.set_secrets(Arc::new(secrets));
            self.unlock();
        }
    }

    /// The digest of the rules in force; empty before there are any.
    pub fn digests(&self) -> watch::Receiver<String> {
        self.digest.subscribe()
    }

    /// Makes the sealer of the encryption keys. Keys that went missing stay in use: what was sealed with them must be opened.
    fn unlock(&self) {
        let table = self.live.table();
        let secrets = self.live.secrets();
        let Some(entries) = secrets.entries(&table.exchange.encryption) else {
            if !table.exchange.encryption.is_empty() && self.sealer.load().is_none() {
                tracing::warn!(secret = %table.exchange.encryption, "the encryption keys are missing");
            }
            return;
        };
        match Sealer::new(entries) {
            Ok(sealer) => self.sealer.store(Some(Arc::new(sealer))),
            Err(error) => tracing::error!(secret = %table.exchange.encryption, %error, "the encryption keys can't be used"),
        }
    }
}

/// The part of a digest that people read.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

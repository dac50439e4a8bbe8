//! The current table and Secrets of a process.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Secrets;

/// What a process currently goes by. Reading is one atomic load; a reader keeps what it read.
pub struct Live<T> {
    table: ArcSwap<T>,
    secrets: ArcSwap<Secrets>,
    changes: watch::Sender<u64>,
}

impl<T> Live<T> {
    pub fn new(table: T) -> Self {
        Self { table: ArcSwap::from_pointee(table), secrets: ArcSwap::default(), changes: watch::Sender::new(0) }
    }

    pub fn table(&self) -> Arc<T> {
        self.table.load_full()
    }

    pub fn secrets(&self) -> Arc<Secrets> {
        self.secrets.load_full()
    }

    pub fn set_table(&self, table: Arc<T>) {
        self.table.store(table);
        self.changes.send_modify(|count| *count += 1);
    }

    pub fn set_secrets(&self, secrets: Arc<Secrets>) {
        self.secrets.store(secrets);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Counts changes of either; await `changed()` on it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

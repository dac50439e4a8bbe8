//! Puts the group commit before a store, under the process's eye, and the store's health into its readiness.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::process::Process;
use crate::store::Store;
use crate::store::group::Group;
use crate::store::spool::Spool;

/// Append commits that run at once: one for SQLite, which has one writer.
pub const ONE: usize = 1;
/// Some for PostgreSQL, which flushes several at once.
pub const SOME: usize = 4;

/// How often the store is asked whether it can be written to.
const PING: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the group commit and the pings. While a spool stands in for the store the process is ready without it; while the spool is in use, with it.
pub fn gather(process: &mut Process, store: &Arc<dyn Store>, at_once: usize, spool: Option<Spool>) -> Group {
    let (group, workers) = Group::new(Arc::clone(store), Arc::clone(&process.metrics), at_once);
    // They run while anybody may still want to settle, and end when the last of these is gone.
    for worker in workers {
        process.tasks.dropped("commits", worker);
    }
    let (health, seen) = watch::channel(Some("not asked yet".to_owned()));
    process.readiness.check("store", move || {
        let away = seen.borrow().clone();
        match &spool {
            Some(spool) if away.is_some() || spool.is_in_use() => spool.problem(),
            _ => away,
        }
    });
    process.tasks.dropped("store pings", ping(Arc::clone(store), health));
    group
}

/// Asks the store for ever, and says what it answers.
async fn ping(store: Arc<dyn Store>, health: watch::Sender<Option<String>>) -> Result<(), Infallible> {
    let mut tick = interval(PING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let problem = match timeout(PATIENCE, store.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer".to_owned()),
        };
        health.send_replace(problem);
    }
}

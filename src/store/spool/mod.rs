//! Where leads wait while the store is away: an append-only log in a folder of the process, drained in order when the store is back.
//!
//! | module | for |
//! |---|---|
//! | [`record`], [`frame`] | how a lead lies in a segment, and what can be read of one that is torn or damaged; pure |
//! | [`index`] | which leads and keys are here; pure |
//! | `state` | what there is, and where new leads go; pure |
//! | `folder`, `recover` | the files, and what is found in them at the start |
//! | `writer` | group commits to disk |
//! | [`drain`] | the way to the store |
//!
//! While anything waits here, new leads go behind it: which of two equal leads is the duplicate, and who holds an Idempotency-Key, is settled by the
//! store in the order in which it gets them. A lead is acknowledged once it is flushed, and leaves when the store has it. Draining is
//! [`adopt`](super::Store::adopt), which changes nothing the second time; so a kill at any point neither loses a lead nor makes two of it.

pub mod drain;
mod folder;
pub mod frame;
pub mod index;
pub mod record;
mod recover;
mod state;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::drain::Drain;
use self::folder::Folder;
use self::state::{Mode, State};
use self::writer::Asked;
use super::{Appended, NewLead, Result, Store, StoreError};
use crate::flow::ports::Clock;
use crate::lead::LeadId;
use crate::ops::metrics::Metrics;

/// How many leads may wait for a flush.
const WAITING: usize = 4096;
/// How long a lead waits for the last batch to be drained before it goes behind that.
const HAND_OVER: Duration = Duration::from_secs(1);

/// The spool of a process. Clones share it.
#[derive(Clone)]
pub struct Spool {
    shared: Arc<Shared>,
    asked: mpsc::Sender<Asked>,
}

struct Shared {
    folder: Folder,
    state: Mutex<State>,
    /// The state's mode, to wait for.
    mode: watch::Sender<Mode>,
    /// Something was written, or failed to be.
    work: Notify,
    metrics: Arc<Metrics>,
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut state);
        self.publish(&state);
        done
    }

    /// Shows what there is.
    fn publish(&self, state: &State) {
        self.mode.send_if_modified(|mode| std::mem::replace(mode, state.mode) != state.mode);
        self.metrics.spool_leads.set(state.leads() as i64);
        self.metrics.spool_bytes.set(state.bytes() as i64);
    }
}

impl Spool {
    /// Opens the spool in a folder of this process, which may grow to `most_bytes`. The task writes; it ends when the spool and its clones are dropped.
    /// Blocks while it reads what is there.
    pub fn open(folder: &Path, most_bytes: u64, metrics: Arc<Metrics>) -> io::Result<(Self, JoinHandle<()>)> {
        let (folder, found) = Folder::open(folder)?;
        let (state, damaged) = recover::recover(&folder, &found, most_bytes)?;
        metrics.spool_limit.set(i64::try_from(most_bytes).unwrap_or(i64::MAX));
        metrics.spool_drained.with_label_values(&["damaged"]).inc_by(damaged as u64);
        let shared =
            Arc::new(Shared { folder, mode: watch::Sender::new(state.mode), state: Mutex::new(state), work: Notify::new(), metrics });
        shared.with(|_| ());
        let (asked, asking) = mpsc::channel(WAITING);
        let writer = tokio::spawn(writer::write(Arc::clone(&shared), asking));
        Ok((Self { shared, asked }, writer))
    }

    /// What brings the leads to a store. Goes on for `patience` after the process was asked to end.
    pub fn drain(&self, store: Arc<dyn Store>, clock: Arc<dyn Clock>, patience: Duration) -> Drain {
        Drain { shared: Arc::clone(&self.shared), store, clock, patience }
    }

    /// Whether a new lead may go to the store, with none waiting here that came before it.
    pub async fn is_passed_by(&self) -> bool {
        let mut mode = self.shared.mode.subscribe();
        let settled = timeout(HAND_OVER, mode.wait_for(|mode| *mode != Mode::HandingOver)).await;
        matches!(settled, Ok(Ok(mode)) if *mode == Mode::Direct)
    }

    /// Keeps a lead here. It is on disk when this returns. From then on new leads go behind it. A key that came with a lead that is here is answered
    /// as the store would; whether the lead is a duplicate shows when it is drained.
    pub async fn keep(&self, lead: NewLead) -> Result<Appended> {
        let (asker, answer) = oneshot::channel();
        let begun = self.shared.with(|state| {
            self.asked.try_send(Asked { lead, asker }).ok()?;
            let begun = state.mode == Mode::Direct;
            state.enter();
            Some(begun)
        });
        let begun = begun.ok_or_else(|| StoreError::Unavailable(format!("{WAITING} leads wait for the spool already")))?;
        if begun {
            tracing::warn!(folder = %self.shared.folder.path().display(), "the store is away: leads are kept in the spool");
        }
        answer.await.map_err(|_| StoreError::Unavailable("the spool's writer has ended".into()))?
    }

    /// The source of a lead that waits here.
    pub fn source(&self, lead: LeadId) -> Option<Arc<str>> {
        self.shared.with(|state| state.index.source(lead))
    }

    /// Why leads can't be kept here, if so.
    pub fn problem(&self) -> Option<String> {
        self.shared.with(|state| match &state.broken {
            Some(why) => Some(format!("the spool can't be written: {why}")),
            None => (!state.has_room((frame::HEAD + frame::LONGEST) as u64, 1)).then(|| "the spool is full".to_owned()),
        })
    }

    /// Whether new leads come here.
    pub fn is_in_use(&self) -> bool {
        *self.shared.mode.borrow() != Mode::Direct
    }
}

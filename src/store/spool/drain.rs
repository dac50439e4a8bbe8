//! Brings what is in the spool to the store, in order. A lead is forgotten only when the store has it; a crash in between drains it once more, which
//! changes nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::state::TOGETHER;
use super::{Shared, frame};
use crate::store::{Adopted, NewLead, Result, Store, StoreError};

/// How long to wait before another try while the store is away, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// How long a batch may take.
const WITHIN: Duration = Duration::from_secs(15);
/// How many leads are tried first when the store may be back.
const FEW: usize = 16;
/// How much of a segment is read at once, in bytes.
const STRETCH: u64 = 1 << 20;

/// Leads that could not be brought to the store before the process had to end.
#[derive(Debug, thiserror::Error)]
#[error("{leads} leads are left in the spool {folder}: start a process on this folder to bring them to the store")]
pub struct LeftBehind {
    pub leads: usize,
    pub folder: String,
}

/// Drains a spool.
pub struct Drain {
    pub(super) shared: Arc<Shared>,
    pub store: Arc<dyn Store>,
    /// How long to go on after the process was asked to end.
    pub patience: Duration,
}

/// Leads from the front of the spool, and where they end in its first segment.
struct Batch {
    leads: Vec<NewLead>,
    to: u64,
}

/// What became of one.
enum Drained {
    Adopted(Adopted),
    Refused,
}

impl Drain {
    /// Runs until `asked` to end, the last post is `served`, and all is drained; or until patience is over.
    pub async fn run(self, asked: CancellationToken, served: CancellationToken) -> std::result::Result<(), LeftBehind> {
        let over = async {
            asked.cancelled().await;
            sleep(self.patience).await;
        };
        tokio::select! {
            biased;
            () = self.until(&served) => Ok(()),
            () = over => self.shared.left_behind(),
        }
    }

    async fn until(&self, served: &CancellationToken) {
        let mut pause = PAUSE.0;
        let mut most = TOGETHER;
        loop {
            let outcome = match self.front(most).await {
                Ok(Some(batch)) => self.bring(batch).await,
                Ok(None) => {
                    self.tell(None);
                    if served.is_cancelled() && self.shared.with(|state| state.leads() + state.entering) == 0 {
                        return;
                    }
                    tokio::select! {
                        () = self.shared.work.notified() => {}
                        () = served.cancelled(), if !served.is_cancelled() => {}
                    }
                    continue;
                }
                Err(error) => Err(StoreError::Unavailable(format!("the spool can't be read: {error}"))),
            };
            match outcome {
                Ok(()) => (pause, most) = (PAUSE.0, TOGETHER),
                Err(error) => {
                    self.fell_short(&error);
                    sleep(pause).await;
                    (pause, most) = ((pause * 2).min(PAUSE.1), FEW);
                }
            }
        }
    }

    /// Up to `most` leads from the front. Segments that are done with are taken away on the way there.
    async fn front(&self, most: usize) -> io::Result<Option<Batch>> {
        loop {
            let taken = self.shared.with(|state| state.take_drained());
            if let Some(segment) = taken {
                let shared = Arc::clone(&self.shared);
                let aside = blocking(move || match segment.keep {
                    true => shared.folder.set_aside(segment.number).map(Some),
                    false => shared.folder.delete(segment.number).map(|()| None),
                });
                match aside.await {
                    Ok(Some(path)) => {
                        tracing::error!(path = %path.display(), "a part of the spool is set aside: it holds what could not be brought to the store")
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, segment = segment.number, "a drained part of the spool can't be taken away"),
                }
                continue;
            }
            let (emptied, place) = self
                .shared
                .with(|state| (state.settle(), state.segments.front().map(|first| (first.number, state.drained_to, first.length))));
            if emptied {
                tracing::info!("the spool is empty: leads go to the store");
            }
            let Some((number, at, end)) = place.filter(|(_, at, end)| at < end) else { return Ok(None) };
            let shared = Arc::clone(&self.shared);
            let reading = blocking(move || {
                let bytes = shared.folder.read(number, at, (end - at).min(STRETCH))?;
                let reading = frame::read(number, at, &bytes, most);
                if !reading.leads.is_empty() || end - at <= STRETCH {
                    return Ok(reading);
                }
                Ok(frame::read(number, at, &shared.folder.read(number, at, end - at)?, most))
            })
            .await?;
            let none = reading.leads.is_empty();
            if !reading.damaged.is_empty() || none {
                self.damaged(number, &reading.damaged);
            }
            if none {
                self.shared.with(|state| state.advance(&[], end));
                continue;
            }
            let leads: Vec<NewLead> = reading.leads.into_iter().map(|(lead, _)| lead).collect();
            self.tell(leads.first());
            return Ok(Some(Batch { leads, to: reading.end }));
        }
    }

    /// Notes that a part of the segment can't be read, unless that was told when it was found.
    fn damaged(&self, number: u64, stretches: &[(u64, u64)]) {
        let known = self.shared.with(|state| state.segments.front_mut().is_none_or(|first| std::mem::replace(&mut first.keep, true)));
        if !known {
            self.shared.metrics.spool_drained.with_label_values(&["damaged"]).inc_by(stretches.len().max(1) as u64);
            tracing::error!(segment = number, folder = %self.shared.folder.path().display(), "part of the spool can't be read: leads may be lost");
        }
    }

    /// Hands a batch to the store, and forgets it when the store has it.
    async fn bring(&self, batch: Batch) -> Result<()> {
        let drained = self.adopt(&batch.leads).await?;
        let mut refused = false;
        for (lead, drained) in batch.leads.iter().zip(&drained) {
            let result = match drained {
                Drained::Adopted(Adopted::New) => "new",
                Drained::Adopted(Adopted::Duplicate { .. }) => "duplicate",
                Drained::Adopted(Adopted::Known) => "known",
                Drained::Refused => {
                    refused = true;
                    tracing::error!(lead = %lead.id, "the store refuses a lead of the spool, which is set aside");
                    "refused"
                }
            };
            self.shared.metrics.spool_drained.with_label_values(&[result]).inc();
        }
        let back = self.shared.with(|state| {
            if let Some(first) = state.segments.front_mut() {
                first.keep |= refused;
            }
            state.advance(&batch.leads, batch.to);
            std::mem::replace(&mut state.away, false)
        });
        if back {
            tracing::info!("the store is back; the spool is drained into it");
        }
        Ok(())
    }

    /// A lead that the store refuses while it takes others is set aside; when it takes none, the fault is the store's.
    async fn adopt(&self, leads: &[NewLead]) -> Result<Vec<Drained>> {
        match self.call(leads.to_vec()).await {
            Ok(adopted) => return Ok(adopted.into_iter().map(Drained::Adopted).collect()),
            Err(StoreError::Refused(_)) if leads.len() > 1 => {}
            Err(error) => return Err(error),
        }
        let mut drained = Vec::with_capacity(leads.len());
        let mut reason = None;
        for lead in leads {
            match self.call(vec![lead.clone()]).await {
                Ok(adopted) => drained.extend(adopted.into_iter().map(Drained::Adopted)),
                Err(StoreError::Refused(why)) => {
                    drained.push(Drained::Refused);
                    reason = Some(why);
                }
                Err(error) => return Err(error),
            }
        }
        match reason {
            Some(why) if drained.iter().all(|drained| matches!(drained, Drained::Refused)) => Err(StoreError::Refused(why)),
            _ => Ok(drained),
        }
    }

    async fn call(&self, leads: Vec<NewLead>) -> Result<Vec<Adopted>> {
        let count = leads.len();
        match timeout(WITHIN, self.store.adopt(leads)).await {
            Ok(Ok(adopted)) if adopted.len() == count => Ok(adopted),
            Ok(Ok(_)) => Err(StoreError::Refused("it gave another number of answers".into())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StoreError::Unavailable("no answer".into())),
        }
    }

    fn fell_short(&self, error: &StoreError) {
        let (known, leads) = self.shared.with(|state| {
            let known = std::mem::replace(&mut state.away, true);
            state.settle();
            (known, state.leads())
        });
        if known {
            tracing::debug!(%error, leads, "the spool can't be drained yet");
        } else {
            tracing::warn!(%error, leads, "the spool can't be drained: the store is away");
        }
    }

    /// How long the first in the spool has waited.
    fn tell(&self, first: Option<&NewLead>) {
        let age = first.map_or(0.0, |lead| self.shared.clock.now().duration_since(lead.arrived_at).as_secs_f64().max(0.0));
        self.shared.metrics.spool_oldest_seconds.set(age);
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

//! Has ingest take leads in while the store is away: what the store does not take at once goes to the spool.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::RunError;
use super::process::Process;
use crate::flow::arrive::Appender;
use crate::lead::LeadId;
use crate::store::group::Group;
use crate::store::spool::Spool;
use crate::store::{Appended, NewLead, Store, StoreError};

/// How long the store may take for a new lead before the spool has it. Only the first leads of an outage wait so long.
const WITHIN: Duration = Duration::from_secs(2);
/// Between the end of the drain's patience and the end of the process.
const MARGIN: Duration = Duration::from_secs(5);

/// Where leads wait while the store is away.
#[derive(Clone, Debug, Args)]
pub struct SpoolSettings {
    /// Folder in which leads are kept, sealed, while the store is away. Not given: posts are refused then.
    #[arg(long, env = "LEADFLOW_SPOOL", value_name = "FOLDER")]
    pub spool: Option<PathBuf>,
    /// The most bytes in that folder. When it is full, posts are refused.
    #[arg(long, env = "LEADFLOW_SPOOL_MAX_BYTES", default_value_t = 900 << 20, value_name = "BYTES")]
    pub spool_max_bytes: u64,
    /// Seconds for which a process that is told to end goes on bringing kept leads to the store. Its pod must be given a little more.
    #[arg(long, env = "LEADFLOW_SPOOL_PATIENCE", default_value_t = 100, value_name = "SECONDS")]
    pub spool_patience: u32,
}

/// Opens the spool, when there is to be one.
pub async fn open(process: &mut Process, settings: &SpoolSettings) -> Result<Option<Spool>, RunError> {
    let Some(path) = settings.spool.clone() else { return Ok(None) };
    let (folder, most) = (path.clone(), settings.spool_max_bytes);
    let (metrics, clock) = (Arc::clone(&process.metrics), Arc::clone(&process.clock));
    let opened = tokio::task::spawn_blocking(move || Spool::open(&folder, most, metrics, clock)).await.map_err(std::io::Error::other);
    let (spool, writer) = opened.flatten().map_err(|source| RunError::Spool { path, source })?;
    // It writes while anybody may still want to keep a lead, and ends when the last of these is gone.
    process.tasks.dropped("spool's writer", writer);
    Ok(Some(spool))
}

/// Starts to bring what is in the spool to the store. When the process is told to end this goes on, with what is kept until the last post is `served`.
pub fn drain(process: &mut Process, settings: &SpoolSettings, spool: &Spool, store: Arc<dyn Store>, served: CancellationToken) {
    let patience = Duration::from_secs(settings.spool_patience.into());
    process.grace = process.grace.max(patience + MARGIN);
    let drain = spool.drain(store, patience);
    process.tasks.drained("spool", drain.run(process.shutdown.drain(), served));
}

/// Has the process fail when it was told to end before [`drain`] and leads are left in the spool.
pub fn leave(process: &mut Process, spool: Spool) {
    process.tasks.drained("spool", async move { spool.left_behind() });
}

/// Keeps leads in the store, or behind others in the spool.
pub struct Spooling {
    pub group: Group,
    pub spool: Spool,
}

#[async_trait]
impl Appender for Spooling {
    async fn append(&self, lead: NewLead) -> Result<Appended, StoreError> {
        if self.spool.is_passed_by().await {
            // Should the store have it after all, draining finds it there.
            match timeout(WITHIN, self.group.append(lead.clone())).await {
                Ok(Err(StoreError::Unavailable(why))) => tracing::debug!(why, "the store does not take a lead"),
                Err(_) => tracing::debug!("the store does not answer"),
                Ok(answer) => return answer,
            }
        }
        self.spool.keep(lead).await
    }

    fn waiting_for_store(&self, lead: LeadId) -> Option<Arc<str>> {
        self.spool.source(lead)
    }
}

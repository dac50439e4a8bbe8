//! Puts ingest together and sets it to work, whatever feeds it with rules.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::in_force::InForce;
use super::ingest::{Bounds, Ingest, Ports};
use super::process::Process;
use crate::flow::arrive::{Appender, CurrentSeal, IngestRules, Seal, SealFailed};
use crate::flow::rate::Rates;
use crate::lead::LeadId;
use crate::store::group::Group;
use crate::store::seal::Sealer;
use crate::store::{Appended, NewLead, Sealed, Store, StoreError};
use crate::table::Table;
use crate::table::schema::Schema;
use crate::table::source::Source;

/// Starts taking leads in on `listener`. What is returned is cancelled when the last post is answered.
pub fn start(
    process: &mut Process,
    in_force: &Arc<InForce>,
    store: &Arc<dyn Store>,
    appender: Arc<dyn Appender>,
    listener: TcpListener,
) -> CancellationToken {
    let ports = Ports {
        rules: Arc::clone(&in_force.live) as _,
        appender,
        store: Arc::clone(store),
        seal: Arc::clone(in_force) as _,
        clock: Arc::clone(&process.clock),
        dice: Arc::clone(&process.dice),
        metrics: Arc::clone(&process.metrics),
    };
    let ingest = Ingest::new(ports, Rates::default(), process.shutdown.drain());
    let served = CancellationToken::new();
    let ended = served.clone().drop_guard();
    process.tasks.drained("posts", async move {
        let _ended = ended;
        ingest.run(listener, Bounds::default()).await
    });
    served
}

impl IngestRules for Table {
    fn source(&self, name: &str) -> Option<Arc<Source>> {
        self.sources.get(name).cloned()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }
}

#[async_trait]
impl Appender for Group {
    async fn append(&self, lead: NewLead) -> Result<Appended, StoreError> {
        Group::append(self, lead).await
    }
}

impl CurrentSeal for InForce {
    fn seal(&self) -> Option<Arc<dyn Seal>> {
        self.sealer.load_full().map(|sealer| sealer as _)
    }
}

impl Seal for Sealer {
    fn seal(&self, lead: LeadId, purpose: &'static str, plain: &[u8]) -> Result<Sealed, SealFailed> {
        Sealer::seal(self, lead, purpose, plain).map_err(|_| SealFailed)
    }

    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        Sealer::hash(self, purpose, parts)
    }
}

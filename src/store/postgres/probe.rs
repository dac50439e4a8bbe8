//! Leave to probe an endpoint.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::Timestamp;

use super::columns::At;
use super::work::{Fault, Work};

pub(super) struct Probe {
    pub endpoint: String,
    pub probe: String,
    pub until: Timestamp,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Probe {
    type Done = bool;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction
            .prepare_cached(
                "INSERT INTO probes (endpoint, probe, ends_at) VALUES ($1, $2, $3)
                 ON CONFLICT (endpoint) DO UPDATE SET probe = excluded.probe, ends_at = excluded.ends_at
                 WHERE probes.probe = excluded.probe OR probes.ends_at <= $4",
            )
            .await?;
        Ok(transaction.execute(&statement, &[&self.endpoint, &self.probe, &At(self.until), &At(self.now)]).await? > 0)
    }
}

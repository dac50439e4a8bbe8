//! Handing leads out, and keeping them handed out.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::columns::{self, At};
use super::work::{Fault, Work};
use crate::lead::LeadId;
use crate::store::{Claimed, Sealed, words};

pub(super) struct Claim {
    pub owner: String,
    pub most: usize,
    pub lease: SignedDuration,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Claim {
    type Done = Vec<Claimed>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction
            .prepare_cached(
                "WITH waiting AS (
                     SELECT lead, due, left_under IS NOT NULL AS resting FROM queue
                     WHERE due <= $1 ORDER BY due, lead LIMIT $2 FOR UPDATE SKIP LOCKED
                 ), woken AS (
                     UPDATE leads SET state = 'queued', reason = NULL FROM waiting WHERE id = waiting.lead AND waiting.resting
                 ), taken AS (
                     UPDATE queue q SET owner = $3, due = $4, epoch = q.epoch + 1, left_under = NULL
                     FROM waiting w WHERE q.lead = w.lead RETURNING q.lead, q.epoch, q.run_since, w.due AS was_due
                 )
                 SELECT l.id, l.source, l.arrived_at, l.sealed, t.epoch, t.run_since
                 FROM taken t JOIN leads l ON l.id = t.lead ORDER BY t.was_due, t.lead",
            )
            .await?;
        let most = i64::try_from(self.most).unwrap_or(i64::MAX);
        let until = At(words::later(self.now, self.lease));
        let rows = transaction.query(&statement, &[&At(self.now), &most, &self.owner, &until]).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let mut deliveries = columns::deliveries(transaction, &ids).await?;
        let claimed = rows.iter().map(|row| {
            let id = LeadId(row.get(0));
            Claimed {
                id,
                source: row.get(1),
                arrived_at: row.get::<_, At>(2).0,
                sealed: Sealed(row.get(3)),
                epoch: row.get(4),
                run_since: row.get::<_, At>(5).0,
                deliveries: deliveries.remove(&id).unwrap_or_default(),
            }
        });
        Ok(claimed.collect())
    }
}

pub(super) struct Renew {
    pub owner: String,
    pub leads: Vec<(LeadId, i64)>,
    pub lease: SignedDuration,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Renew {
    type Done = Vec<LeadId>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction
            .prepare_cached(
                "WITH held AS (
                     SELECT q.lead, q.epoch FROM unnest($1::uuid[], $2::bigint[]) AS n (lead, epoch)
                     JOIN queue q ON q.lead = n.lead AND q.epoch = n.epoch AND q.owner = $3 ORDER BY q.lead FOR UPDATE OF q
                 )
                 UPDATE queue q SET due = $4 FROM held WHERE q.lead = held.lead RETURNING q.lead, q.epoch",
            )
            .await?;
        let (ids, epochs): (Vec<Uuid>, Vec<i64>) = self.leads.iter().map(|(lead, epoch)| (lead.0, *epoch)).unzip();
        let until = At(words::later(self.now, self.lease));
        let rows = transaction.query(&statement, &[&ids, &epochs, &self.owner, &until]).await?;
        let held: std::collections::HashSet<(LeadId, i64)> = rows.iter().map(|row| (LeadId(row.get(0)), row.get(1))).collect();
        Ok(self.leads.iter().filter(|lead| !held.contains(lead)).map(|(lead, _)| *lead).collect())
    }
}

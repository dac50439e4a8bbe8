//! What is made due again: when work on a lead ends, when rules or reasons change, by hand.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::try_join;
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::At;
use super::usage;
use super::work::{Fault, Work};
use crate::lead::{LeadId, UnmatchedReason};
use crate::store::waking::{WAIT_FOR_A_PLACE, Woken};

/// Closes a lead, and wakes a first step of those that wait for a place. `None` when the lead is not delivered.
pub(super) struct Close {
    pub lead: LeadId,
    pub now: Timestamp,
    pub most: i64,
}

#[async_trait]
impl Work for Close {
    type Done = Option<Woken>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let (close, release) = try_join!(
            transaction.prepare_cached("UPDATE leads SET state = 'closed' WHERE id = $1 AND state = 'delivered'"),
            transaction.prepare_cached(
                "DELETE FROM holds WHERE lead = $1 AND substr(cap_window, 1, 4) = 'open' RETURNING recipient, cap_window, amount"
            ),
        )?;
        if transaction.execute(&close, &[&self.lead.0]).await? == 0 {
            return Ok(None);
        }
        let rows = transaction.query(&release, &[&self.lead.0]).await?;
        let shares: Vec<usage::Share> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        if shares.is_empty() {
            return Ok(Some(Woken::default()));
        }
        // Leases are locked before places, as everywhere.
        let woken = wake(transaction, &WAIT_FOR_A_PLACE, None, self.most, self.now).await?;
        usage::give_back(transaction, &shares).await?;
        Ok(Some(woken))
    }
}

/// Wakes at most `most` of those left for one of these reasons, later than a lead.
pub(super) struct Wake {
    pub reasons: Vec<UnmatchedReason>,
    pub after: Option<LeadId>,
    pub most: i64,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Wake {
    type Done = Woken;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Woken, Fault> {
        wake(transaction, &self.reasons, self.after, self.most, self.now).await
    }
}

/// Whoever has one of them locked is making it due as well, so that nobody needs to wait for that.
async fn wake(
    transaction: &Transaction<'_>,
    reasons: &[UnmatchedReason],
    after: Option<LeadId>,
    most: i64,
    now: Timestamp,
) -> Result<Woken, Fault> {
    let statement = transaction
        .prepare_cached(
            "WITH resting AS MATERIALIZED (
                 SELECT l.id FROM unnest($1::text[]) AS n (reason) CROSS JOIN LATERAL (
                     SELECT id FROM leads WHERE state = 'unmatched' AND leads.reason = n.reason AND id > $2 ORDER BY id LIMIT $3
                 ) l ORDER BY l.id LIMIT $3
             ), waiting AS (
                 SELECT q.lead FROM resting r JOIN queue q ON q.lead = r.id
                 WHERE q.left_under IS NOT NULL ORDER BY q.lead FOR UPDATE OF q SKIP LOCKED
             ), woken AS (
                 UPDATE leads SET state = 'queued', reason = NULL FROM waiting WHERE id = waiting.lead
             ), due AS (
                 UPDATE queue q SET left_under = NULL, due = $4, run_since = $4 FROM waiting WHERE q.lead = waiting.lead RETURNING q.lead
             )
             SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM resting), (SELECT id FROM resting ORDER BY id DESC LIMIT 1)",
        )
        .await?;
    let reasons: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    let after = after.map_or(Uuid::nil(), |lead| lead.0);
    let row = transaction.query_one(&statement, &[&reasons, &after, &most, &At(now)]).await?;
    let last = row.get::<_, Option<Uuid>>(2).map(LeadId).filter(|_| row.get::<_, i64>(1) == most);
    Ok(Woken { leads: row.get::<_, i64>(0).unsigned_abs(), go_on_after: last })
}

/// Makes one unmatched lead due.
pub(super) struct Release {
    pub lead: LeadId,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Release {
    type Done = bool;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<bool, Fault> {
        let statement = transaction
            .prepare_cached(
                "WITH resting AS (
                     SELECT lead FROM queue WHERE lead = $1 AND left_under IS NOT NULL FOR UPDATE
                 ), woken AS (
                     UPDATE leads SET state = 'queued', reason = NULL FROM resting WHERE id = resting.lead
                 )
                 UPDATE queue q SET left_under = NULL, due = $2, run_since = $2 FROM resting WHERE q.lead = resting.lead",
            )
            .await?;
        Ok(transaction.execute(&statement, &[&self.lead.0, &At(self.now)]).await? > 0)
    }
}

/// Makes due at most `most` of those left unmatched under other rules.
pub(super) struct Rerun {
    pub rules: String,
    pub now: Timestamp,
    pub most: i64,
}

#[async_trait]
impl Work for Rerun {
    type Done = u64;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<u64, Fault> {
        let statement = transaction
            .prepare_cached(
                "WITH resting AS (
                     SELECT lead FROM queue WHERE left_under IS NOT NULL AND left_under <> $1 ORDER BY lead LIMIT $3 FOR UPDATE
                 ), woken AS (
                     UPDATE leads SET state = 'queued', reason = NULL FROM resting WHERE id = resting.lead
                 )
                 UPDATE queue q SET left_under = NULL, due = $2, run_since = $2 FROM resting WHERE q.lead = resting.lead",
            )
            .await?;
        Ok(transaction.execute(&statement, &[&self.rules, &At(self.now), &self.most]).await?)
    }
}

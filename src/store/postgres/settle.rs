//! Tries on record, ends of deliveries and runs, and what is made due again.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::try_join;
use jiff::Timestamp;
use uuid::Uuid;

use super::columns::{self, At};
use super::work::{Fault, Work};
use super::{reserve, usage};
use crate::lead::{Attempt, AttemptResult, LeadId, State};
use crate::store::{DeliveryEnd, Settlement, Then, Tried, ends, words};

pub(super) struct Record(pub Vec<Tried>);

#[async_trait]
impl Work for Record {
    type Done = Vec<bool>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let leased = columns::lock(transaction, self.0.iter().map(|tried| tried.lead)).await?;
        let held = |tried: &Tried| leased.get(&tried.lead).is_some_and(|lead| lead.epoch == tried.epoch);
        put_attempts(transaction, self.0.iter().filter(|tried| held(tried)).map(|tried| (tried.lead, &tried.attempt))).await?;
        Ok(self.0.iter().map(held).collect())
    }
}

pub(super) struct Settle(pub Vec<Settlement>);

#[async_trait]
impl Work for Settle {
    type Done = Vec<bool>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let mut leased = columns::lock(transaction, self.0.iter().map(|settlement| settlement.lead)).await?;
        let answers = ends::decide(&self.0, &mut leased);
        let held: Vec<&Settlement> = self.0.iter().zip(&answers).filter(|(_, held)| **held).map(|(settlement, _)| settlement).collect();
        let ended: Vec<(&Settlement, &DeliveryEnd)> =
            held.iter().filter_map(|settlement| Some((*settlement, settlement.delivery.as_ref()?))).collect();
        try_join!(
            reserve::put_decisions(transaction, held.iter().filter_map(|settlement| settlement.decision.as_ref())),
            put_attempts(transaction, ended.iter().filter_map(|(settlement, end)| Some((settlement.lead, end.attempt.as_ref()?)))),
            end_deliveries(transaction, &ended),
            stand(transaction, &held),
            leave_queue(transaction, &held),
            rest_in_queue(transaction, &held),
        )?;
        give_back(transaction, &ended).await?;
        Ok(answers)
    }
}

async fn put_attempts(transaction: &Transaction<'_>, attempts: impl Iterator<Item = (LeadId, &Attempt)>) -> Result<(), Fault> {
    let attempts: Vec<(LeadId, &Attempt)> = attempts.collect();
    if attempts.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "INSERT INTO attempts (lead, delivery, number, ambiguous, body)
             SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int4[], $4::bool[], $5::text[]) ON CONFLICT DO NOTHING",
        )
        .await?;
    let ids: Vec<Uuid> = attempts.iter().map(|(lead, _)| lead.0).collect();
    let (deliveries, numbers): (Vec<i32>, Vec<i32>) = attempts.iter().map(|(_, attempt)| (attempt.delivery, attempt.number)).unzip();
    let ambiguous: Vec<bool> = attempts.iter().map(|(_, attempt)| matches!(attempt.result, AttemptResult::Ambiguous { .. })).collect();
    let bodies: Vec<String> = attempts.iter().map(|(_, attempt)| words::json(attempt)).collect::<Result<_, _>>()?;
    transaction.execute(&statement, &[&ids, &deliveries, &numbers, &ambiguous, &bodies]).await?;
    Ok(())
}

async fn end_deliveries(transaction: &Transaction<'_>, ended: &[(&Settlement, &DeliveryEnd)]) -> Result<(), Fault> {
    if ended.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "UPDATE deliveries d SET state = n.state, record_id = n.record_id, ended_at = n.at
             FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::timestamptz[]) AS n (lead, number, state, record_id, at)
             WHERE d.lead = n.lead AND d.number = n.number",
        )
        .await?;
    let (ids, numbers): (Vec<Uuid>, Vec<i32>) = ended.iter().map(|(settlement, end)| (settlement.lead.0, end.number)).unzip();
    let states: Vec<&str> = ended.iter().map(|(_, end)| words::state_word(end.state)).collect();
    let records: Vec<Option<&str>> = ended.iter().map(|(_, end)| end.record_id.as_deref()).collect();
    let times: Vec<At> = ended.iter().map(|(settlement, _)| At(settlement.now)).collect();
    transaction.execute(&statement, &[&ids, &numbers, &states, &records, &times]).await?;
    Ok(())
}

async fn give_back(transaction: &Transaction<'_>, ended: &[(&Settlement, &DeliveryEnd)]) -> Result<(), Fault> {
    let (ids, numbers): (Vec<Uuid>, Vec<i32>) =
        ended.iter().filter(|(_, end)| ends::gives_back(end.state)).map(|(settlement, end)| (settlement.lead.0, end.number)).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "DELETE FROM holds h USING unnest($1::uuid[], $2::int4[]) AS n (lead, number)
             WHERE h.lead = n.lead AND h.number = n.number RETURNING h.recipient, h.cap_window",
        )
        .await?;
    let rows = transaction.query(&statement, &[&ids, &numbers]).await?;
    let places: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    usage::give_back(transaction, &places).await
}

/// Writes where leads stand whose run ended.
async fn stand(transaction: &Transaction<'_>, held: &[&Settlement]) -> Result<(), Fault> {
    let (mut ids, mut states, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for settlement in held {
        let (state, reason) = match &settlement.then {
            Then::Continue | Then::Park { .. } => continue,
            Then::Delivered => (State::Delivered, None),
            Then::Unmatched { reason, .. } => (State::Unmatched, Some(reason.as_str())),
        };
        ids.push(settlement.lead.0);
        states.push(state.as_str());
        reasons.push(reason);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "UPDATE leads l SET state = n.state, reason = n.reason
             FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (id, state, reason) WHERE l.id = n.id",
        )
        .await?;
    transaction.execute(&statement, &[&ids, &states, &reasons]).await?;
    Ok(())
}

async fn leave_queue(transaction: &Transaction<'_>, held: &[&Settlement]) -> Result<(), Fault> {
    let done: Vec<Uuid> = held.iter().filter(|settlement| settlement.then == Then::Delivered).map(|settlement| settlement.lead.0).collect();
    if done.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached("DELETE FROM queue WHERE lead = ANY($1)").await?;
    transaction.execute(&statement, &[&done]).await?;
    Ok(())
}

/// Gives leases back. A lead left unmatched begins its next run when it is due again; a parked one goes on with its run.
async fn rest_in_queue(transaction: &Transaction<'_>, held: &[&Settlement]) -> Result<(), Fault> {
    let (mut ids, mut due, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for settlement in held {
        let (until, left_under) = match &settlement.then {
            Then::Continue | Then::Delivered => continue,
            Then::Unmatched { rules, retry_at, .. } => (*retry_at, Some(rules.as_str())),
            Then::Park { until } => (Some(*until), None),
        };
        ids.push(settlement.lead.0);
        due.push(until.map(At));
        rules.push(left_under);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "UPDATE queue q SET owner = NULL, due = n.due, left_under = n.rules,
                                run_since = CASE WHEN n.rules IS NULL THEN q.run_since ELSE coalesce(n.due, q.run_since) END
             FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS n (lead, due, rules) WHERE q.lead = n.lead",
        )
        .await?;
    transaction.execute(&statement, &[&ids, &due, &rules]).await?;
    Ok(())
}

/// Closes a lead; those that nobody had a place for are decided anew. `None` when the lead is not delivered, else how many were made due.
pub(super) struct Close {
    pub lead: LeadId,
    pub now: Timestamp,
}

#[async_trait]
impl Work for Close {
    type Done = Option<u64>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let (close, release, wake) = try_join!(
            transaction.prepare_cached("UPDATE leads SET state = 'closed' WHERE id = $1 AND state = 'delivered'"),
            transaction.prepare_cached("DELETE FROM holds WHERE lead = $1 AND cap_window = 'open' RETURNING recipient, cap_window"),
            transaction.prepare_cached(
                "WITH waiting AS (
                     SELECT q.lead FROM queue q JOIN leads l ON l.id = q.lead
                     WHERE q.left_under IS NOT NULL AND l.state = 'unmatched' AND l.reason = 'CapsReached'
                     ORDER BY q.lead FOR UPDATE OF q
                 ), woken AS (
                     UPDATE leads SET state = 'queued', reason = NULL FROM waiting WHERE id = waiting.lead
                 )
                 UPDATE queue q SET left_under = NULL, due = $1, run_since = $1 FROM waiting WHERE q.lead = waiting.lead",
            ),
        )?;
        if transaction.execute(&close, &[&self.lead.0]).await? == 0 {
            return Ok(None);
        }
        let rows = transaction.query(&release, &[&self.lead.0]).await?;
        let places: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if places.is_empty() {
            return Ok(Some(0));
        }
        // Leases are locked before places, as everywhere.
        let made_due = transaction.execute(&wake, &[&At(self.now)]).await?;
        usage::give_back(transaction, &places).await?;
        Ok(Some(made_due))
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

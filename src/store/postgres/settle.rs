//! Tries on record, and ends of deliveries and runs.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::try_join;
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
            reserve::put_decisions(transaction, held.iter().flat_map(|settlement| &settlement.decisions)),
            put_attempts(transaction, ended.iter().filter_map(|(settlement, end)| Some((settlement.lead, end.attempt.as_ref()?)))),
            end_deliveries(transaction, &ended),
            stand(transaction, &held),
            leave_queue(transaction, &held),
            rest_in_queue(transaction, &held),
        )?;
        put_owners(transaction, &held).await?;
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
             WHERE h.lead = n.lead AND h.number = n.number AND NOT h.keep RETURNING h.recipient, h.cap_window, h.amount",
        )
        .await?;
    let rows = transaction.query(&statement, &[&ids, &numbers]).await?;
    let shares: Vec<usage::Share> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    usage::give_back(transaction, &shares).await
}

/// Makes owners of those who accepted, in the order of the keys, after leases and before places.
async fn put_owners(transaction: &Transaction<'_>, held: &[&Settlement]) -> Result<(), Fault> {
    let owners = ends::owners(held.iter().copied());
    if owners.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "INSERT INTO owners (key, recipient, at)
             SELECT n.key, d.recipient, n.at FROM unnest($1::bytea[], $2::timestamptz[], $3::uuid[], $4::int4[]) AS n (key, at, lead, number)
             JOIN deliveries d ON d.lead = n.lead AND d.number = n.number ORDER BY n.key
             ON CONFLICT (key) DO UPDATE SET recipient = excluded.recipient, at = excluded.at WHERE owners.at <= excluded.at",
        )
        .await?;
    let keys: Vec<&[u8]> = owners.keys().map(<[u8; 32]>::as_slice).collect();
    let times: Vec<At> = owners.values().map(|(at, ..)| At(*at)).collect();
    let (ids, numbers): (Vec<Uuid>, Vec<i32>) = owners.values().map(|(_, lead, number)| (lead.0, *number)).unzip();
    transaction.execute(&statement, &[&keys, &times, &ids, &numbers]).await?;
    Ok(())
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

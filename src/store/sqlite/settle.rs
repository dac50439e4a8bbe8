//! Tries on record, ends of deliveries and runs, and what is made due again.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{self, At, Id};
use super::{fault, reserve};
use crate::lead::{Attempt, AttemptResult, LeadId, State, UnmatchedReason};
use crate::store::{DeliveryEnd, Result, Settlement, Then, Tried, ends, words};

pub(super) fn record(connection: &Connection, tries: &[Tried]) -> Result<Vec<bool>> {
    let leased = columns::leased(connection, tries.iter().map(|tried| tried.lead))?;
    let held = |tried: &Tried| leased.get(&tried.lead).is_some_and(|lead| lead.epoch == tried.epoch);
    for tried in tries.iter().filter(|tried| held(tried)) {
        put_attempt(connection, tried.lead, &tried.attempt)?;
    }
    Ok(tries.iter().map(held).collect())
}

fn put_attempt(connection: &Connection, lead: LeadId, attempt: &Attempt) -> Result<()> {
    let body = words::json(attempt)?;
    let ambiguous = matches!(attempt.result, AttemptResult::Ambiguous { .. });
    connection
        .prepare_cached("INSERT INTO attempts (lead, delivery, number, ambiguous, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")
        .and_then(|mut statement| statement.execute(params![Id(lead), attempt.delivery, attempt.number, ambiguous, body]))
        .map_err(fault)?;
    Ok(())
}

pub(super) fn settle(connection: &Connection, settlements: &[Settlement]) -> Result<Vec<bool>> {
    let mut leased = columns::leased(connection, settlements.iter().map(|settlement| settlement.lead))?;
    let answers = ends::decide(settlements, &mut leased);
    for (settlement, _) in settlements.iter().zip(&answers).filter(|(_, held)| **held) {
        if let Some(decision) = &settlement.decision {
            reserve::put_decision(connection, decision)?;
        }
        if let Some(end) = &settlement.delivery {
            if let Some(attempt) = &end.attempt {
                put_attempt(connection, settlement.lead, attempt)?;
            }
            end_delivery(connection, settlement, end).map_err(fault)?;
        }
        go_on(connection, settlement).map_err(fault)?;
    }
    Ok(answers)
}

fn end_delivery(connection: &Connection, settlement: &Settlement, end: &DeliveryEnd) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE deliveries SET state = ?3, record_id = ?4, ended_at = ?5 WHERE lead = ?1 AND number = ?2")?
        .execute(params![Id(settlement.lead), end.number, words::state_word(end.state), end.record_id, At(settlement.now)])?;
    if ends::gives_back(end.state) {
        let places = connection
            .prepare_cached("DELETE FROM holds WHERE lead = ?1 AND number = ?2 RETURNING recipient, cap_window")?
            .query_map(params![Id(settlement.lead), end.number], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        give_back(connection, &places)?;
    }
    Ok(())
}

fn give_back(connection: &Connection, places: &[(String, String)]) -> rusqlite::Result<()> {
    places.iter().try_for_each(|(recipient, window)| reserve::count(connection, recipient, window, -1))
}

fn go_on(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<()> {
    let lead = Id(settlement.lead);
    let stand = |state: State, reason: Option<&str>| {
        connection.prepare_cached("UPDATE leads SET state = ?2, reason = ?3 WHERE id = ?1")?.execute(params![lead, state.as_str(), reason])
    };
    match &settlement.then {
        Then::Continue => {}
        Then::Delivered => {
            stand(State::Delivered, None)?;
            connection.prepare_cached("DELETE FROM queue WHERE lead = ?1")?.execute([lead])?;
        }
        Then::Unmatched { reason, rules, retry_at } => {
            stand(State::Unmatched, Some(reason.as_str()))?;
            connection
                .prepare_cached(
                    "UPDATE queue SET owner = NULL, due = ?2, left_under = ?3, run_since = coalesce(?2, run_since) WHERE lead = ?1",
                )?
                .execute(params![lead, retry_at.map(At), rules])?;
        }
        Then::Park { until } => {
            connection.prepare_cached("UPDATE queue SET owner = NULL, due = ?2 WHERE lead = ?1")?.execute(params![lead, At(*until)])?;
        }
    }
    Ok(())
}

/// Closes a lead; those that nobody had a place for are decided anew. `None` when the lead is not delivered, else how many were made due.
pub(super) fn close(connection: &Connection, lead: LeadId, now: Timestamp) -> rusqlite::Result<Option<usize>> {
    let closed = connection.prepare_cached("UPDATE leads SET state = ?2 WHERE id = ?1 AND state = ?3")?.execute(params![
        Id(lead),
        State::Closed.as_str(),
        State::Delivered.as_str()
    ])?;
    if closed == 0 {
        return Ok(None);
    }
    let places = connection
        .prepare_cached("DELETE FROM holds WHERE lead = ?1 AND cap_window = 'open' RETURNING recipient, cap_window")?
        .query_map([Id(lead)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    give_back(connection, &places)?;
    if places.is_empty() {
        return Ok(Some(0));
    }
    let waiting = connection
        .prepare_cached(
            "UPDATE queue SET left_under = NULL, due = ?1, run_since = ?1
             WHERE left_under IS NOT NULL AND lead IN (SELECT id FROM leads WHERE state = ?2 AND reason = ?3) RETURNING lead",
        )?
        .query_map(params![At(now), State::Unmatched.as_str(), UnmatchedReason::CapsReached.as_str()], |row| row.get::<_, Id>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    queue_again(connection, &waiting)?;
    Ok(Some(waiting.len()))
}

/// Makes due at most `most` of those left unmatched under other rules. Returns how many.
pub(super) fn rerun(connection: &Connection, rules: &str, now: Timestamp, most: usize) -> rusqlite::Result<usize> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let leads = connection
        .prepare_cached(
            "UPDATE queue SET left_under = NULL, due = ?2, run_since = ?2
             WHERE lead IN (SELECT lead FROM queue WHERE left_under IS NOT NULL AND left_under <> ?1 LIMIT ?3) RETURNING lead",
        )?
        .query_map(params![rules, At(now), most], |row| row.get::<_, Id>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    queue_again(connection, &leads)?;
    Ok(leads.len())
}

fn queue_again(connection: &Connection, leads: &[Id]) -> rusqlite::Result<()> {
    let mut stand = connection.prepare_cached("UPDATE leads SET state = ?2, reason = NULL WHERE id = ?1")?;
    leads.iter().try_for_each(|lead| stand.execute(params![lead, State::Queued.as_str()]).map(drop))
}

//! Tries on record, and ends of deliveries and runs.

use rusqlite::{Connection, params};

use super::columns::{self, At, Id};
use super::fault;
use super::reserve::{self, Share};
use crate::lead::{Attempt, AttemptResult, LeadId, State};
use crate::store::ends::Acceptance;
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
    let held = || settlements.iter().zip(&answers).filter(|(_, held)| **held).map(|(settlement, _)| settlement);
    for settlement in held() {
        reserve::put_decisions(connection, &settlement.decisions)?;
        if let Some(end) = &settlement.delivery {
            if let Some(attempt) = &end.attempt {
                put_attempt(connection, settlement.lead, attempt)?;
            }
            end_delivery(connection, settlement, end).map_err(fault)?;
        }
        go_on(connection, settlement).map_err(fault)?;
    }
    for (key, acceptance) in ends::owners(held()) {
        put_owner(connection, key, acceptance).map_err(fault)?;
    }
    Ok(answers)
}

fn end_delivery(connection: &Connection, settlement: &Settlement, end: &DeliveryEnd) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE deliveries SET state = ?3, record_id = ?4, ended_at = ?5 WHERE lead = ?1 AND number = ?2")?
        .execute(params![Id(settlement.lead), end.number, words::state_word(end.state), end.record_id, At(settlement.now)])?;
    if ends::gives_back(end.state) {
        let shares = connection
            .prepare_cached("DELETE FROM holds WHERE lead = ?1 AND number = ?2 AND NOT keep RETURNING recipient, cap_window, amount")?
            .query_map(params![Id(settlement.lead), end.number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<Vec<Share>>>()?;
        reserve::give_back(connection, &shares)?;
    }
    Ok(())
}

fn put_owner(connection: &Connection, key: [u8; 32], (at, lead, number): Acceptance) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO owners (key, recipient, at) SELECT ?1, recipient, ?2 FROM deliveries WHERE lead = ?3 AND number = ?4
             ON CONFLICT (key) DO UPDATE SET recipient = excluded.recipient, at = excluded.at WHERE owners.at <= excluded.at",
        )?
        .execute(params![key, At(at), Id(lead), number])?;
    Ok(())
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

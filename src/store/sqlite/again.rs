//! What is made due again: when work on a lead ends, when rules or reasons change, by hand.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::columns::{At, Id};
use super::reserve::{self, Share};
use crate::lead::{LeadId, State, UnmatchedReason};
use crate::store::waking::{STEP, WAIT_FOR_A_PLACE, Woken};

/// Closes a lead, and wakes a first step of those that wait for a place. `None` when the lead is not delivered.
pub(super) fn close(connection: &Connection, lead: LeadId, now: Timestamp) -> rusqlite::Result<Option<Woken>> {
    let closed = connection.prepare_cached("UPDATE leads SET state = ?2 WHERE id = ?1 AND state = ?3")?.execute(params![
        Id(lead),
        State::Closed.as_str(),
        State::Delivered.as_str()
    ])?;
    if closed == 0 {
        return Ok(None);
    }
    let shares = connection
        .prepare_cached("DELETE FROM holds WHERE lead = ?1 AND substr(cap_window, 1, 4) = 'open' RETURNING recipient, cap_window, amount")?
        .query_map([Id(lead)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<Share>>>()?;
    if shares.is_empty() {
        return Ok(Some(Woken::default()));
    }
    reserve::give_back(connection, &shares)?;
    wake(connection, &WAIT_FOR_A_PLACE, None, STEP, now).map(Some)
}

/// Wakes at most `most` of those left for one of these reasons, later than a lead.
pub(super) fn wake(
    connection: &Connection,
    reasons: &[UnmatchedReason],
    after: Option<LeadId>,
    most: usize,
    now: Timestamp,
) -> rusqlite::Result<Woken> {
    let mut look =
        connection.prepare_cached("SELECT id FROM leads WHERE state = 'unmatched' AND reason = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
    let after = Id(after.unwrap_or(LeadId(Uuid::nil())));
    let mut resting: Vec<LeadId> = Vec::new();
    for reason in reasons {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let found = look.query_map(params![reason.as_str(), after, limit], |row| row.get::<_, Id>(0).map(|id| id.0))?;
        resting.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    resting.sort_unstable();
    resting.truncate(most);
    for lead in &resting {
        release(connection, *lead, now)?;
    }
    let go_on_after = resting.last().copied().filter(|_| resting.len() == most);
    Ok(Woken { leads: resting.len() as u64, go_on_after })
}

/// Makes one unmatched lead due. False when it is not unmatched.
pub(super) fn release(connection: &Connection, lead: LeadId, now: Timestamp) -> rusqlite::Result<bool> {
    let released = connection
        .prepare_cached("UPDATE queue SET left_under = NULL, due = ?2, run_since = ?2 WHERE lead = ?1 AND left_under IS NOT NULL")?
        .execute(params![Id(lead), At(now)])?;
    if released > 0 {
        queue_again(connection, &[Id(lead)])?;
    }
    Ok(released > 0)
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

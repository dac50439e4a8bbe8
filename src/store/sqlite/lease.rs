//! Handing leads out, and keeping them handed out.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::columns::{self, At, Id};
use super::fault;
use crate::lead::{LeadId, State};
use crate::store::{Claimed, Result, Sealed, words};

pub(super) fn claim(connection: &Connection, owner: &str, most: usize, lease: SignedDuration, now: Timestamp) -> Result<Vec<Claimed>> {
    let due = due(connection, most, now).map_err(fault)?;
    let until = At(words::later(now, lease));
    let mut claimed = Vec::with_capacity(due.len());
    for (lead, resting) in due {
        if resting {
            connection
                .prepare_cached("UPDATE leads SET state = ?2, reason = NULL WHERE id = ?1")
                .and_then(|mut statement| statement.execute(params![Id(lead), State::Queued.as_str()]))
                .map_err(fault)?;
        }
        let mut found = take(connection, lead, owner, until).map_err(fault)?;
        found.deliveries = columns::deliveries(connection, lead)?;
        claimed.push(found);
    }
    Ok(claimed)
}

/// Leads that are due, and whether each was left unmatched.
fn due(connection: &Connection, most: usize, now: Timestamp) -> rusqlite::Result<Vec<(LeadId, bool)>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection
        .prepare_cached("SELECT lead, left_under IS NOT NULL FROM queue WHERE due <= ?1 ORDER BY due, lead LIMIT ?2")?
        .query_map(params![At(now), most], |row| Ok((row.get::<_, Id>(0)?.0, row.get(1)?)))?
        .collect()
}

fn take(connection: &Connection, lead: LeadId, owner: &str, until: At) -> rusqlite::Result<Claimed> {
    let (epoch, run_since) = connection
        .prepare_cached(
            "UPDATE queue SET owner = ?2, due = ?3, epoch = epoch + 1, left_under = NULL WHERE lead = ?1 RETURNING epoch, run_since",
        )?
        .query_row(params![Id(lead), owner, until], |row| Ok((row.get(0)?, row.get::<_, At>(1)?.0)))?;
    connection.prepare_cached("SELECT source, arrived_at, sealed FROM leads WHERE id = ?1")?.query_row([Id(lead)], |row| {
        Ok(Claimed {
            id: lead,
            source: row.get(0)?,
            arrived_at: row.get::<_, At>(1)?.0,
            sealed: Sealed(row.get(2)?),
            epoch,
            run_since,
            deliveries: Vec::new(),
        })
    })
}

/// Returns the leads whose lease is lost.
pub(super) fn renew(
    connection: &Connection,
    owner: &str,
    leads: &[(LeadId, i64)],
    lease: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<Vec<LeadId>> {
    let until = At(words::later(now, lease));
    let mut statement = connection.prepare_cached("UPDATE queue SET due = ?4 WHERE lead = ?1 AND epoch = ?2 AND owner = ?3")?;
    let mut lost = Vec::new();
    for (lead, epoch) in leads {
        if statement.execute(params![Id(*lead), epoch, owner, until])? == 0 {
            lost.push(*lead);
        }
    }
    Ok(lost)
}

/// Ends all leases of processes that are gone, and their leave to probe.
pub(super) fn void_all(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM probes", [])?;
    connection.execute("UPDATE queue SET owner = NULL, due = run_since WHERE owner IS NOT NULL", [])
}

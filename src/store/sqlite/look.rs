//! Questions: what happened, and what waits.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::columns::{self, At, Id, recipient};
use super::fault;
use crate::lead::outcome::Taken;
use crate::lead::{LeadId, Outcome, State};
use crate::store::{Arrived, Depth, LeadFile, Owner, Result, Sealed, Used, windows, words};

/// What is used of current windows, and whether there are others.
pub(super) fn used(connection: &Connection, now: Timestamp) -> rusqlite::Result<windows::Current> {
    let used = connection
        .prepare_cached("SELECT recipient, cap_window, held FROM usage ORDER BY recipient, cap_window")?
        .query_map([], |row| Ok(Used { recipient: recipient(row.get(0)?), window: row.get(1)?, count: row.get(2)? }))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(windows::current(used, now))
}

pub(super) fn owners(connection: &Connection, keys: &[[u8; 32]]) -> rusqlite::Result<Vec<Owner>> {
    let mut look = connection.prepare_cached("SELECT recipient, at FROM owners WHERE key = ?1")?;
    let mut owners = Vec::new();
    for key in keys {
        let owner = look
            .query_row([key], |row| Ok(Owner { key: *key, recipient: recipient(row.get(0)?), at: row.get::<_, At>(1)?.0 }))
            .optional()?;
        owners.extend(owner);
    }
    Ok(owners)
}

/// A page of leads by arrival, newest first.
pub(super) fn arrived(connection: &Connection, before: Option<(Timestamp, LeadId)>, most: usize) -> Result<Vec<Arrived>> {
    let (at, lead) = before.unwrap_or((Timestamp::MAX, LeadId(Uuid::max())));
    let mut statement = connection
        .prepare_cached(
            "SELECT id, source, arrived_at, sealed, state, reason FROM leads WHERE (arrived_at, id) < (?1, ?2)
             ORDER BY arrived_at DESC, id DESC LIMIT ?3",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![At(at), Id(lead), words::page(most)]).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let (lead, state, reason) = standing(row).map_err(fault)?;
        found.push(Arrived { outcome: outcome(connection, lead.id, &state, reason.as_deref())?, ..lead });
    }
    Ok(found)
}

/// A lead whose outcome is still to be read, from its state and reason.
fn standing(row: &Row<'_>) -> rusqlite::Result<(Arrived, String, Option<String>)> {
    let lead = Arrived {
        id: row.get::<_, Id>(0)?.0,
        source: row.get(1)?,
        arrived_at: row.get::<_, At>(2)?.0,
        sealed: Sealed(row.get(3)?),
        outcome: Outcome { state: State::Queued, reason: None, taken_by: Vec::new() },
    };
    Ok((lead, row.get(4)?, row.get(5)?))
}

pub(super) fn outcomes(connection: &Connection, leads: &[LeadId]) -> Result<Vec<Option<Outcome>>> {
    let mut look = connection.prepare_cached("SELECT state, reason FROM leads WHERE id = ?1").map_err(fault)?;
    let mut outcomes = Vec::with_capacity(leads.len());
    for lead in leads {
        let found: Option<(String, Option<String>)> =
            look.query_row([Id(*lead)], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(fault)?;
        outcomes.push(found.map(|(state, reason)| outcome(connection, *lead, &state, reason.as_deref())).transpose()?);
    }
    Ok(outcomes)
}

fn outcome(connection: &Connection, lead: LeadId, state: &str, reason: Option<&str>) -> Result<Outcome> {
    let taken_by = connection
        .prepare_cached(
            "SELECT recipient, record_id, price_minor, currency FROM deliveries WHERE lead = ?1 AND state = 'accepted' ORDER BY number",
        )
        .and_then(|mut statement| {
            let taken = statement.query_map([Id(lead)], |row| {
                let price = words::price(row.get(2)?, row.get(3)?);
                Ok(Taken { recipient: recipient(row.get(0)?), record_id: row.get(1)?, price })
            })?;
            taken.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(fault)?;
    Ok(Outcome { state: words::lead_state(state)?, reason: reason.map(words::reason).transpose()?, taken_by })
}

pub(super) fn lead(connection: &Connection, lead: LeadId) -> Result<Option<LeadFile>> {
    let found = connection
        .prepare_cached("SELECT source, arrived_at, sealed, duplicate_of, state, reason FROM leads WHERE id = ?1")
        .and_then(|mut statement| {
            let row = statement.query_row([Id(lead)], |row| {
                let of = row.get::<_, Option<Id>>(3)?.map(|of| of.0);
                let standing = (row.get::<_, String>(4)?, row.get::<_, Option<String>>(5)?);
                Ok((row.get(0)?, row.get::<_, At>(1)?.0, Sealed(row.get(2)?), of, standing))
            });
            row.optional()
        })
        .map_err(fault)?;
    let Some((source, arrived_at, sealed, duplicate_of, (state, reason))) = found else { return Ok(None) };
    Ok(Some(LeadFile {
        id: lead,
        source,
        arrived_at,
        sealed,
        outcome: outcome(connection, lead, &state, reason.as_deref())?,
        duplicate_of,
        decisions: records(connection, "SELECT body FROM decisions WHERE lead = ?1 ORDER BY seq", lead)?,
        deliveries: columns::deliveries(connection, lead)?,
        attempts: records(connection, "SELECT body FROM attempts WHERE lead = ?1 ORDER BY delivery, number", lead)?,
    }))
}

fn records<T: serde::de::DeserializeOwned>(connection: &Connection, sql: &str, lead: LeadId) -> Result<Vec<T>> {
    let texts = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map([Id(lead)], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>())
        .map_err(fault)?;
    texts.iter().map(|text| words::from_json(text)).collect()
}

pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Option<LeadId>> {
    connection.prepare_cached("SELECT id FROM leads ORDER BY id DESC LIMIT 1")?.query_row([], |row| Ok(row.get::<_, Id>(0)?.0)).optional()
}

pub(super) fn count(connection: &Connection) -> Result<Vec<(State, i64)>> {
    let counted: Vec<(String, i64)> = connection
        .prepare_cached("SELECT state, count(*) FROM leads GROUP BY state ORDER BY state")
        .and_then(|mut statement| statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(fault)?;
    counted.into_iter().map(|(state, count)| Ok((words::lead_state(&state)?, count))).collect()
}

pub(super) fn depth(connection: &Connection, now: Timestamp) -> rusqlite::Result<Depth> {
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE owner IS NOT NULL OR due <= ?1),
                    min(run_since) FILTER (WHERE owner IS NOT NULL OR due <= ?1),
                    count(*) FILTER (WHERE left_under IS NOT NULL AND (due IS NULL OR due > ?1))
             FROM queue",
        )?
        .query_row(params![At(now)], |row| {
            Ok(Depth { queued: row.get(0)?, oldest: row.get::<_, Option<At>>(1)?.map(|at| at.0), unmatched: row.get(2)? })
        })
}

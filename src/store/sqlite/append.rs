//! Keeping new leads.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{At, Id};
use super::fault;
use crate::lead::{LeadId, State};
use crate::store::admit::{self, Holder, UsedKey};
use crate::store::{Adopted, Appended, NewLead, Result};

pub(super) fn append(connection: &Connection, leads: &[NewLead]) -> Result<Vec<Appended>> {
    let answers = admit::by_key(leads, &used_keys(connection, leads)?);
    finish(connection, leads, answers)
}

/// Keeps leads that were acknowledged already.
pub(super) fn adopt(connection: &Connection, leads: &[NewLead]) -> Result<Vec<Adopted>> {
    let mut unknown = admit::unknown(leads, &on_record(connection, leads)?);
    let keys = used_keys(connection, &unknown)?;
    let answers = admit::by_key_acknowledged(&mut unknown, &keys);
    let answers = finish(connection, &unknown, answers)?;
    Ok(admit::adopted(leads, &unknown, &answers))
}

fn on_record(connection: &Connection, leads: &[NewLead]) -> Result<HashSet<LeadId>> {
    let mut look = connection.prepare_cached("SELECT 1 FROM leads WHERE id = ?1").map_err(fault)?;
    let mut known = HashSet::new();
    for lead in leads {
        if look.exists([Id(lead.id)]).map_err(fault)? {
            known.insert(lead.id);
        }
    }
    Ok(known)
}

/// Answers the leads that keys have not answered, and keeps what is to be kept.
fn finish(connection: &Connection, leads: &[NewLead], answers: Vec<Option<Appended>>) -> Result<Vec<Appended>> {
    let (answers, taken) = admit::by_fingerprint(leads, answers, &holders(connection, leads)?);
    for (lead, answer) in leads.iter().zip(&answers) {
        keep(connection, lead, answer).map_err(fault)?;
    }
    let mut take =
        connection.prepare_cached("INSERT OR REPLACE INTO fingerprints (hash, lead, arrived_at) VALUES (?1, ?2, ?3)").map_err(fault)?;
    for (hash, holder) in taken {
        take.execute(params![hash, Id(holder.lead), At(holder.arrived_at)]).map_err(fault)?;
    }
    Ok(answers)
}

fn used_keys(connection: &Connection, leads: &[NewLead]) -> Result<HashMap<[u8; 32], UsedKey>> {
    let mut look = connection.prepare_cached("SELECT body, lead FROM idempotency WHERE key = ?1").map_err(fault)?;
    let mut known = HashMap::new();
    for idempotency in leads.iter().filter_map(|lead| lead.idempotency.as_ref()) {
        let used = look
            .query_row([idempotency.key], |row| Ok(UsedKey { body: row.get(0)?, lead: row.get::<_, Id>(1)?.0 }))
            .optional()
            .map_err(fault)?;
        known.extend(used.map(|used| (idempotency.key, used)));
    }
    Ok(known)
}

fn holders(connection: &Connection, leads: &[NewLead]) -> Result<HashMap<[u8; 32], Holder>> {
    let mut look = connection.prepare_cached("SELECT lead, arrived_at FROM fingerprints WHERE hash = ?1").map_err(fault)?;
    let mut known = HashMap::new();
    for fingerprint in leads.iter().flat_map(|lead| &lead.fingerprints) {
        let holder = look
            .query_row([fingerprint.hash], |row| Ok(Holder { lead: row.get::<_, Id>(0)?.0, arrived_at: row.get::<_, At>(1)?.0 }))
            .optional()
            .map_err(fault)?;
        known.extend(holder.map(|holder| (fingerprint.hash, holder)));
    }
    Ok(known)
}

fn keep(connection: &Connection, lead: &NewLead, answer: &Appended) -> rusqlite::Result<()> {
    let (state, of) = match answer {
        Appended::New => (State::Queued, None),
        Appended::Duplicate { of } => (State::Duplicate, Some(Id(*of))),
        Appended::Replayed { .. } | Appended::KeyReused => return Ok(()),
    };
    connection
        .prepare_cached("INSERT INTO leads (id, source, arrived_at, state, duplicate_of, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![Id(lead.id), lead.source, At(lead.arrived_at), state.as_str(), of, lead.sealed.0])?;
    if state == State::Queued {
        connection
            .prepare_cached("INSERT INTO queue (lead, due, run_since) VALUES (?1, ?2, ?2)")?
            .execute(params![Id(lead.id), At(lead.arrived_at)])?;
    }
    if let Some(idempotency) = &lead.idempotency {
        connection.prepare_cached("INSERT INTO idempotency (key, body, lead) VALUES (?1, ?2, ?3)")?.execute(params![
            idempotency.key,
            idempotency.body,
            Id(lead.id)
        ])?;
    }
    Ok(())
}

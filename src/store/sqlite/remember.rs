//! Sets of rules, kept for replay.

use rusqlite::{Connection, OptionalExtension, params};

use super::{columns, fault};
use crate::store::{Result, RuleObject, StoreError};

pub(super) fn knows(connection: &Connection, digest: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM rule_sets WHERE digest = ?1")?.exists([digest])
}

pub(super) fn remember(connection: &Connection, digest: &str, objects: &[RuleObject]) -> rusqlite::Result<()> {
    for object in objects {
        connection
            .prepare_cached("INSERT INTO rule_objects (hash, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![object.hash, object.json])?;
    }
    let hashes: Vec<u8> = objects.iter().flat_map(|object| object.hash).collect();
    connection
        .prepare_cached("INSERT INTO rule_sets (digest, objects) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![digest, hashes])?;
    Ok(())
}

pub(super) fn rules(connection: &Connection, digest: &str) -> Result<Option<Vec<RuleObject>>> {
    let hashes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT objects FROM rule_sets WHERE digest = ?1")
        .and_then(|mut statement| statement.query_row([digest], |row| row.get(0)).optional())
        .map_err(fault)?;
    let Some(hashes) = hashes else { return Ok(None) };
    let object = |hash: &[u8]| {
        let json = connection
            .prepare_cached("SELECT body FROM rule_objects WHERE hash = ?1")
            .and_then(|mut statement| statement.query_row([hash], |row| row.get(0)).optional())
            .map_err(fault)?
            .ok_or_else(|| StoreError::Refused("an object of a set of rules is missing".into()))?;
        Ok(RuleObject { hash: columns::hash(hash)?, json })
    };
    hashes.chunks(32).map(object).collect::<Result<_>>().map(Some)
}

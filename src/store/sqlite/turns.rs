//! Turns of rotations.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::recipient;
use crate::lead::RecipientKey;
use crate::lead::decision::Turn;
use crate::store::places::{self, Rotation};
use crate::store::{Reservation, Reserved, TakeTurn, TurnAt};

/// All turns.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<TurnAt>> {
    connection
        .prepare_cached("SELECT rotation, recipient, position, last FROM turns ORDER BY rotation, recipient")?
        .query_map([], turn_at)?
        .collect()
}

fn turn_at(row: &Row<'_>) -> rusqlite::Result<TurnAt> {
    let turn = Turn { position: row.get(2)?, last: row.get(3)? };
    Ok(TurnAt { rotation: row.get(0)?, recipient: recipient(row.get(1)?), turn })
}

/// Where the rotations and recipients that are asked for stand.
pub(super) fn known(connection: &Connection, asked: &[Reservation]) -> rusqlite::Result<HashMap<String, Rotation>> {
    let mut last = connection.prepare_cached("SELECT last FROM rotations WHERE rotation = ?1")?;
    let mut turn = connection.prepare_cached("SELECT position, last FROM turns WHERE rotation = ?1 AND recipient = ?2")?;
    let mut found: HashMap<String, Rotation> = HashMap::new();
    for reservation in asked {
        let Some(take) = &reservation.turn else { continue };
        if !found.contains_key(&take.rotation) {
            let last: Option<i64> = last.query_row([&take.rotation], |row| row.get(0)).optional()?;
            found.insert(take.rotation.clone(), Rotation { last: last.unwrap_or_default(), turns: HashMap::new() });
        }
        let recipient = &reservation.delivery.recipient;
        let known = turn
            .query_row(params![take.rotation, recipient.as_str()], |row| Ok(Turn { position: row.get(0)?, last: row.get(1)? }))
            .optional()?;
        if let (Some(rotation), Some(turn)) = (found.get_mut(&take.rotation), known) {
            rotation.turns.insert(recipient.clone(), turn);
        }
    }
    Ok(found)
}

/// Writes a turn that was taken.
pub(super) fn put(connection: &Connection, take: &TakeTurn, recipient: &RecipientKey, turn: Turn) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO rotations (rotation, last) VALUES (?1, ?2)")?
        .execute(params![take.rotation, turn.last])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO turns (rotation, recipient, position, last) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![take.rotation, recipient.as_str(), turn.position, turn.last])?;
    Ok(())
}

/// Tells stale reservations which turns they missed.
pub(super) fn tell_stale(connection: &Connection, asked: &[Reservation], answers: &mut [Reserved]) -> rusqlite::Result<()> {
    let mut turns = Vec::new();
    for (rotation, seen) in places::missed(asked, answers) {
        let mut statement =
            connection.prepare_cached("SELECT rotation, recipient, position, last FROM turns WHERE rotation = ?1 AND last > ?2")?;
        let later: Vec<TurnAt> = statement.query_map(params![rotation, seen], turn_at)?.collect::<rusqlite::Result<_>>()?;
        turns.extend(later);
    }
    places::tell_stale(asked, answers, &turns);
    Ok(())
}

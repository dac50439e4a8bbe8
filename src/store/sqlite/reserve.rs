//! Holding places.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{self, At, Id};
use super::fault;
use crate::lead::decision::Turn;
use crate::lead::{Decision, RecipientKey};
use crate::store::places::{self, Place};
use crate::store::{DeliveryState, Reservation, Reserved, Result, TakeTurn, words};

pub(super) fn reserve(connection: &Connection, reservations: &[Reservation]) -> Result<Vec<Reserved>> {
    let mut leased = columns::leased(connection, reservations.iter().map(|reservation| reservation.delivery.lead))?;
    let mut used = used(connection, reservations).map_err(fault)?;
    let mut answers = places::decide(reservations, &mut leased, &mut used);
    for (reservation, answer) in reservations.iter().zip(&mut answers) {
        let Reserved::Held { turn } = answer else { continue };
        hold(connection, reservation).map_err(fault)?;
        if let Some(take) = &reservation.turn {
            *turn = Some(take_turn(connection, take, &reservation.delivery.recipient).map_err(fault)?);
        }
        if let Some(decision) = &reservation.decision {
            put_decision(connection, decision)?;
        }
    }
    Ok(answers)
}

fn used(connection: &Connection, reservations: &[Reservation]) -> rusqlite::Result<HashMap<Place, i64>> {
    let mut look = connection.prepare_cached("SELECT held FROM usage WHERE recipient = ?1 AND cap_window = ?2")?;
    let mut used = HashMap::new();
    for hold in reservations.iter().flat_map(|reservation| &reservation.holds) {
        let held = look.query_row(params![hold.recipient.as_str(), hold.window], |row| row.get(0)).optional()?;
        used.insert(places::place(hold), held.unwrap_or_default());
    }
    Ok(used)
}

fn hold(connection: &Connection, reservation: &Reservation) -> rusqlite::Result<()> {
    let delivery = &reservation.delivery;
    let (minor, currency) = words::price_columns(delivery);
    connection
        .prepare_cached(
            "INSERT INTO deliveries (lead, number, recipient, tier, policy, endpoint, price_minor, currency, state, at, request)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            Id(delivery.lead),
            delivery.number,
            delivery.recipient.as_str(),
            delivery.tier,
            delivery.policy,
            delivery.endpoint,
            minor,
            currency,
            words::state_word(DeliveryState::Open),
            At(reservation.at),
            reservation.request.0,
        ])?;
    for (position, hold) in (0_i64..).zip(&reservation.holds) {
        connection
            .prepare_cached("INSERT INTO holds (lead, number, position, recipient, cap_window) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![Id(delivery.lead), delivery.number, position, hold.recipient.as_str(), hold.window])?;
        count(connection, hold.recipient.as_str(), &hold.window, 1)?;
    }
    Ok(())
}

/// Counts places up or down.
pub(super) fn count(connection: &Connection, recipient: &str, window: &str, by: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO usage (recipient, cap_window, held) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET held = held + excluded.held",
        )?
        .execute(params![recipient, window, by])?;
    Ok(())
}

fn take_turn(connection: &Connection, take: &TakeTurn, recipient: &RecipientKey) -> rusqlite::Result<Turn> {
    let last = connection
        .prepare_cached("SELECT last FROM rotations WHERE rotation = ?1")?
        .query_row([&take.rotation], |row| row.get(0))
        .optional()?;
    let position = connection
        .prepare_cached("SELECT position FROM turns WHERE rotation = ?1 AND recipient = ?2")?
        .query_row(params![take.rotation, recipient.as_str()], |row| row.get(0))
        .optional()?;
    let turn = places::turn_after(position.unwrap_or_default(), last.unwrap_or_default(), take);
    connection
        .prepare_cached("INSERT OR REPLACE INTO rotations (rotation, last) VALUES (?1, ?2)")?
        .execute(params![take.rotation, turn.last])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO turns (rotation, recipient, position, last) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![take.rotation, recipient.as_str(), turn.position, turn.last])?;
    Ok(turn)
}

/// Puts a decision on record.
pub(super) fn put_decision(connection: &Connection, decision: &Decision) -> Result<()> {
    let body = words::json(decision)?;
    connection
        .prepare_cached("INSERT INTO decisions (lead, body) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![Id(decision.lead), body]))
        .map_err(fault)?;
    Ok(())
}

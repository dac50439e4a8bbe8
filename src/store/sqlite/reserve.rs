//! Holding places.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{self, At, Id};
use super::{fault, turns};
use crate::lead::Decision;
use crate::store::places::{self, Books, Place};
use crate::store::{DeliveryState, Reservation, Reserved, Result, windows, words};

pub(super) fn reserve(connection: &Connection, reservations: &[Reservation]) -> Result<Vec<Reserved>> {
    let mut books = Books {
        leased: columns::leased(connection, reservations.iter().map(|reservation| reservation.delivery.lead))?,
        used: used(connection, reservations).map_err(fault)?,
        rotations: turns::known(connection, reservations).map_err(fault)?,
    };
    let mut answers = places::decide(reservations, &mut books);
    for (reservation, answer) in reservations.iter().zip(&answers) {
        let Reserved::Held { turn } = answer else { continue };
        hold(connection, reservation).map_err(fault)?;
        if let (Some(take), Some(turn)) = (&reservation.turn, turn) {
            turns::put(connection, take, &reservation.delivery.recipient, *turn).map_err(fault)?;
        }
        put_decisions(connection, &reservation.decisions)?;
    }
    turns::tell_stale(connection, reservations, &mut answers).map_err(fault)?;
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
            "INSERT INTO deliveries (lead, number, recipient, tier, policy, endpoint, price_minor, currency, state, at, request, exclusive)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
            delivery.exclusive,
        ])?;
    for (position, hold) in (0_i64..).zip(&reservation.holds) {
        connection
            .prepare_cached(
                "INSERT INTO holds (lead, number, position, recipient, cap_window, amount, keep) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![Id(delivery.lead), delivery.number, position, hold.recipient.as_str(), hold.window, hold.amount, hold.keep])?;
        connection
            .prepare_cached(
                "INSERT INTO usage (recipient, cap_window, held) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET held = held + excluded.held",
            )?
            .execute(params![hold.recipient.as_str(), hold.window, hold.amount])?;
    }
    Ok(())
}

/// So much of a recipient's window.
pub(super) type Share = (String, String, i64);

/// Gives places back. Windows that were forgotten stay so.
pub(super) fn give_back(connection: &Connection, shares: &[Share]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE usage SET held = held - ?3 WHERE recipient = ?1 AND cap_window = ?2")?;
    shares.iter().try_for_each(|(recipient, window, amount)| statement.execute(params![recipient, window, amount]).map(drop))
}

/// Forgets windows that are long over, a limited number of them.
pub(super) fn forget(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM usage WHERE (recipient, cap_window) IN (SELECT recipient, cap_window FROM usage WHERE cap_window >= ?1 AND cap_window < ?2 LIMIT ?3)",
    )?;
    windows::over(now).iter().try_for_each(|(since, before)| statement.execute(params![since, before, windows::FORGET]).map(drop))
}

/// Puts decisions on record, in their order.
pub(super) fn put_decisions(connection: &Connection, decisions: &[Decision]) -> Result<()> {
    for decision in decisions {
        let body = words::json(decision)?;
        connection
            .prepare_cached("INSERT INTO decisions (lead, body) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![Id(decision.lead), body]))
            .map_err(fault)?;
    }
    Ok(())
}

//! Turns. Whoever takes one locks the rotation's row first, so its turns change one after another.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Transaction;

use super::work::Fault;
use crate::lead::decision::Turn;
use crate::store::{Reservation, TakeTurn, places};

/// Deals the turns of reservations that are held, in their order; `None` for those without.
pub(super) async fn take(transaction: &Transaction<'_>, kept: &[&Reservation]) -> Result<Vec<Option<Turn>>, Fault> {
    let mut asked: BTreeMap<&str, i64> = BTreeMap::new();
    for take in kept.iter().filter_map(|reservation| reservation.turn.as_ref()) {
        *asked.entry(&take.rotation).or_default() += 1;
    }
    if asked.is_empty() {
        return Ok(vec![None; kept.len()]);
    }
    let mut lasts = advance(transaction, &asked).await?;
    let mut turns = positions(transaction, kept).await?;
    let dealt = kept
        .iter()
        .map(|reservation| {
            let take = reservation.turn.as_ref()?;
            let last = lasts.entry(take.rotation.clone()).or_default();
            let turn = turns.entry(key(reservation, take)).or_default();
            *turn = places::turn_after(turn.position, *last, take);
            *last = turn.last;
            Some(*turn)
        })
        .collect();
    put(transaction, &turns).await?;
    Ok(dealt)
}

/// Locks rotations, takes as many sequence numbers as are asked for, and returns the last one before those.
async fn advance(transaction: &Transaction<'_>, asked: &BTreeMap<&str, i64>) -> Result<HashMap<String, i64>, Fault> {
    let statement = transaction
        .prepare_cached(
            "INSERT INTO rotations AS r (rotation, last) SELECT * FROM unnest($1::text[], $2::bigint[])
             ON CONFLICT (rotation) DO UPDATE SET last = r.last + excluded.last RETURNING r.rotation, r.last",
        )
        .await?;
    let (rotations, counts): (Vec<&str>, Vec<i64>) = asked.iter().map(|(rotation, count)| (*rotation, *count)).unzip();
    let rows = transaction.query(&statement, &[&rotations, &counts]).await?;
    let before = |rotation: &str, last: i64| last - asked.get(rotation).copied().unwrap_or_default();
    Ok(rows.iter().map(|row| (row.get::<_, String>(0), before(row.get(0), row.get(1)))).collect())
}

type Key = (String, String);

fn key(reservation: &Reservation, take: &TakeTurn) -> Key {
    (take.rotation.clone(), reservation.delivery.recipient.to_string())
}

async fn positions(transaction: &Transaction<'_>, kept: &[&Reservation]) -> Result<BTreeMap<Key, Turn>, Fault> {
    let statement = transaction
        .prepare_cached(
            "SELECT t.rotation, t.recipient, t.position, t.last FROM unnest($1::text[], $2::text[]) AS n (rotation, recipient)
             JOIN turns t ON t.rotation = n.rotation AND t.recipient = n.recipient",
        )
        .await?;
    let keys: Vec<Key> = kept.iter().filter_map(|reservation| Some(key(reservation, reservation.turn.as_ref()?))).collect();
    let (rotations, recipients): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(rotation, recipient)| (rotation.as_str(), recipient.as_str())).unzip();
    let rows = transaction.query(&statement, &[&rotations, &recipients]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), Turn { position: row.get(2), last: row.get(3) })).collect())
}

async fn put(transaction: &Transaction<'_>, turns: &BTreeMap<Key, Turn>) -> Result<(), Fault> {
    let statement = transaction
        .prepare_cached(
            "INSERT INTO turns (rotation, recipient, position, last) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
             ON CONFLICT (rotation, recipient) DO UPDATE SET position = excluded.position, last = excluded.last",
        )
        .await?;
    let (rotations, recipients): (Vec<&str>, Vec<&str>) =
        turns.keys().map(|(rotation, recipient)| (rotation.as_str(), recipient.as_str())).unzip();
    let (positions, lasts): (Vec<i64>, Vec<i64>) = turns.values().map(|turn| (turn.position, turn.last)).unzip();
    transaction.execute(&statement, &[&rotations, &recipients, &positions, &lasts]).await?;
    Ok(())
}

//! Turns. Whoever takes one locks the rotation's row first, so its turns change one after another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use futures::future::{try_join, try_join3};
use futures::try_join;

use super::columns::recipient;
use super::work::Fault;
use crate::lead::decision::Turn;
use crate::store::places::{self, Rotation};
use crate::store::{Reservation, Reserved, TakeTurn, TurnAt};

type Key<'a> = (&'a str, &'a str);

fn key<'a>(reservation: &'a Reservation, take: &'a TakeTurn) -> Key<'a> {
    (&take.rotation, reservation.delivery.recipient.as_str())
}

/// Locks the rotations that are asked for, and returns where they and the recipients that are asked for stand.
pub(super) async fn lock(transaction: &Transaction<'_>, asked: &[Reservation]) -> Result<HashMap<String, Rotation>, Fault> {
    let keys: BTreeSet<Key<'_>> = asked.iter().filter_map(|reservation| Some(key(reservation, reservation.turn.as_ref()?))).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let distinct: BTreeSet<&str> = keys.iter().map(|(rotation, _)| *rotation).collect();
    let distinct: Vec<&str> = distinct.into_iter().collect();
    let (rotations, recipients): (Vec<&str>, Vec<&str>) = keys.into_iter().unzip();
    let (put, lock, look) = try_join!(
        transaction
            .prepare_cached("INSERT INTO rotations (rotation, last) SELECT r, 0 FROM unnest($1::text[]) AS n (r) ON CONFLICT DO NOTHING"),
        transaction.prepare_cached(
            "SELECT r.rotation, r.last FROM unnest($1::text[]) AS n (rotation) JOIN rotations r ON r.rotation = n.rotation
             ORDER BY r.rotation FOR UPDATE OF r",
        ),
        transaction.prepare_cached(
            "SELECT t.rotation, t.recipient, t.position, t.last FROM unnest($1::text[], $2::text[]) AS n (rotation, recipient)
             JOIN turns t ON t.rotation = n.rotation AND t.recipient = n.recipient",
        ),
    )?;
    // The last one is sent at once, but runs after the locks are had, and so sees what they protect.
    let (_, lasts, turns) = try_join3(
        transaction.execute(&put, &[&distinct]),
        transaction.query(&lock, &[&distinct]),
        transaction.query(&look, &[&rotations, &recipients]),
    )
    .await?;
    let mut found: HashMap<String, Rotation> =
        lasts.iter().map(|row| (row.get(0), Rotation { last: row.get(1), turns: HashMap::new() })).collect();
    for row in &turns {
        let rotation = found.entry(row.get(0)).or_default();
        rotation.turns.insert(recipient(row.get(1)), Turn { position: row.get(2), last: row.get(3) });
    }
    Ok(found)
}

/// Writes the turns that were taken. The caller has their rotations locked.
pub(super) async fn put(transaction: &Transaction<'_>, asked: &[Reservation], answers: &[Reserved]) -> Result<(), Fault> {
    let mut turns: BTreeMap<Key<'_>, Turn> = BTreeMap::new();
    let mut lasts: BTreeMap<&str, i64> = BTreeMap::new();
    for (reservation, answer) in asked.iter().zip(answers) {
        if let (Some(take), Reserved::Held { turn: Some(turn) }) = (&reservation.turn, answer) {
            turns.insert(key(reservation, take), *turn);
            lasts.insert(&take.rotation, turn.last);
        }
    }
    if turns.is_empty() {
        return Ok(());
    }
    let (put_lasts, put_turns) = try_join!(
        transaction.prepare_cached(
            "UPDATE rotations r SET last = n.last FROM unnest($1::text[], $2::bigint[]) AS n (rotation, last) WHERE r.rotation = n.rotation",
        ),
        transaction.prepare_cached(
            "INSERT INTO turns (rotation, recipient, position, last) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
             ON CONFLICT (rotation, recipient) DO UPDATE SET position = excluded.position, last = excluded.last",
        ),
    )?;
    let (distinct, numbers): (Vec<&str>, Vec<i64>) = lasts.into_iter().unzip();
    let (rotations, recipients): (Vec<&str>, Vec<&str>) = turns.keys().copied().unzip();
    let (positions, sequence): (Vec<i64>, Vec<i64>) = turns.values().map(|turn| (turn.position, turn.last)).unzip();
    try_join(
        transaction.execute(&put_lasts, &[&distinct, &numbers]),
        transaction.execute(&put_turns, &[&rotations, &recipients, &positions, &sequence]),
    )
    .await?;
    Ok(())
}

/// Tells stale reservations which turns they missed.
pub(super) async fn tell_stale(transaction: &Transaction<'_>, asked: &[Reservation], answers: &mut [Reserved]) -> Result<(), Fault> {
    let missed = places::missed(asked, answers);
    if missed.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "SELECT t.rotation, t.recipient, t.position, t.last FROM unnest($1::text[], $2::bigint[]) AS n (rotation, seen)
             JOIN turns t ON t.rotation = n.rotation AND t.last > n.seen",
        )
        .await?;
    let (rotations, seen): (Vec<&str>, Vec<i64>) = missed.into_iter().unzip();
    let rows = transaction.query(&statement, &[&rotations, &seen]).await?;
    let turns: Vec<TurnAt> = rows
        .iter()
        .map(|row| TurnAt { rotation: row.get(0), recipient: recipient(row.get(1)), turn: Turn { position: row.get(2), last: row.get(3) } })
        .collect();
    places::tell_stale(asked, answers, &turns);
    Ok(())
}

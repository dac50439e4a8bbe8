//! Places in use: always locked in the order of their keys.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Transaction;
use futures::future::try_join;
use futures::try_join;

use super::columns::recipient;
use super::work::Fault;
use crate::store::Hold;
use crate::store::places::{self, Place};

/// Locks the places that are asked for and returns how many are held of each.
pub(super) async fn lock(transaction: &Transaction<'_>, holds: impl Iterator<Item = &Hold>) -> Result<HashMap<Place, i64>, Fault> {
    let places: std::collections::BTreeSet<Place> = holds.map(places::place).collect();
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let recipients: Vec<&str> = places.iter().map(|(recipient, _)| recipient.as_str()).collect();
    let windows: Vec<&str> = places.iter().map(|(_, window)| window.as_str()).collect();
    let (put, lock) = try_join!(
        transaction.prepare_cached(
            "INSERT INTO usage (recipient, cap_window, held) SELECT r, w, 0 FROM unnest($1::text[], $2::text[]) AS n (r, w)
             ON CONFLICT DO NOTHING",
        ),
        transaction.prepare_cached(
            "SELECT u.recipient, u.cap_window, u.held FROM unnest($1::text[], $2::text[]) AS n (r, w)
             JOIN usage u ON u.recipient = n.r AND u.cap_window = n.w ORDER BY u.recipient, u.cap_window FOR UPDATE OF u",
        ),
    )?;
    let (_, rows) =
        try_join(transaction.execute(&put, &[&recipients, &windows]), transaction.query(&lock, &[&recipients, &windows])).await?;
    Ok(rows.iter().map(|row| ((recipient(row.get(0)), row.get(1)), row.get(2))).collect())
}

/// Counts places up or down. The caller has them locked.
pub(super) async fn count(transaction: &Transaction<'_>, by: &BTreeMap<(&str, &str), i64>) -> Result<(), Fault> {
    if by.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "UPDATE usage u SET held = u.held + n.by FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (r, w, by)
             WHERE u.recipient = n.r AND u.cap_window = n.w",
        )
        .await?;
    let (recipients, windows): (Vec<&str>, Vec<&str>) = by.keys().copied().unzip();
    let counts: Vec<i64> = by.values().copied().collect();
    transaction.execute(&statement, &[&recipients, &windows, &counts]).await?;
    Ok(())
}

/// Gives places back: locks them first, in order.
pub(super) async fn give_back(transaction: &Transaction<'_>, places: &[(String, String)]) -> Result<(), Fault> {
    let mut by: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (recipient, window) in places {
        *by.entry((recipient, window)).or_default() -= 1;
    }
    if by.is_empty() {
        return Ok(());
    }
    let holds: Vec<Hold> =
        by.keys().map(|(key, window)| Hold { recipient: recipient(key), window: (*window).to_owned(), limit: 0 }).collect();
    lock(transaction, holds.iter()).await?;
    count(transaction, &by).await
}

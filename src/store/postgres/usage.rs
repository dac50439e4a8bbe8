//! Places in use: always locked in the order of their keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::future::try_join;
use futures::try_join;
use jiff::Timestamp;

use super::columns::recipient;
use super::work::{Fault, Work};
use crate::store::places::{self, Place};
use crate::store::{Hold, windows};

const LOCK: &str = "SELECT u.recipient, u.cap_window, u.held FROM unnest($1::text[], $2::text[]) AS n (r, w)
                    JOIN usage u ON u.recipient = n.r AND u.cap_window = n.w ORDER BY u.recipient, u.cap_window FOR UPDATE OF u";

/// Locks the places that are asked for and returns how much is held of each.
pub(super) async fn lock(transaction: &Transaction<'_>, holds: impl Iterator<Item = &Hold>) -> Result<HashMap<Place, i64>, Fault> {
    let places: BTreeSet<Place> = holds.map(places::place).collect();
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
        transaction.prepare_cached(LOCK),
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

/// So much of a recipient's window.
pub(super) type Share = (String, String, i64);

/// Gives places back: locks them first, in order. Windows that were forgotten stay so.
pub(super) async fn give_back(transaction: &Transaction<'_>, shares: &[Share]) -> Result<(), Fault> {
    let mut by: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (recipient, window, amount) in shares {
        *by.entry((recipient, window)).or_default() -= amount;
    }
    if by.is_empty() {
        return Ok(());
    }
    let lock = transaction.prepare_cached(LOCK).await?;
    let (recipients, windows): (Vec<&str>, Vec<&str>) = by.keys().copied().unzip();
    transaction.query(&lock, &[&recipients, &windows]).await?;
    count(transaction, &by).await
}

/// Forgets windows that are long over, at most `most` of them.
pub(super) struct Forget {
    pub now: Timestamp,
    pub most: i64,
}

#[async_trait]
impl Work for Forget {
    type Done = ();

    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        // Whoever has one of these locked is giving places back: another time, then.
        let statement = transaction
            .prepare_cached(
                "WITH past AS (
                     SELECT u.recipient, u.cap_window FROM unnest($1::text[], $2::text[]) AS n (since, before)
                     JOIN usage u ON u.cap_window >= n.since AND u.cap_window < n.before LIMIT $3 FOR UPDATE OF u SKIP LOCKED
                 )
                 DELETE FROM usage u USING past WHERE u.recipient = past.recipient AND u.cap_window = past.cap_window",
            )
            .await?;
        let over = windows::over(self.now);
        let (since, before): (Vec<&str>, Vec<&str>) = over.iter().map(|(since, before)| (*since, before.as_str())).unzip();
        transaction.execute(&statement, &[&since, &before, &self.most]).await?;
        Ok(())
    }
}

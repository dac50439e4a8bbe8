//! Times, deliveries and leases as PostgreSQL has them.

use std::collections::HashMap;
use std::error::Error;

use bytes::{BufMut, BytesMut};
use deadpool_postgres::Transaction;
use futures::future::try_join;
use futures::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use uuid::Uuid;

use super::work::Fault;
use crate::lead::{Delivery, LeadId, RecipientKey};
use crate::store::places::Leased;
use crate::store::{KeptDelivery, Sealed, StoreError, words};

/// 2000-01-01, from which PostgreSQL counts, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// A time in whole microseconds; a finer part is cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.as_microsecond() - EPOCH);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?).checked_add(EPOCH).ok_or("a time out of range")?;
        Ok(Self(Timestamp::from_microsecond(micros)?))
    }

    accepts!(TIMESTAMPTZ);
}

/// Locks the leases of these leads, in the order of their ids, until the transaction ends.
pub(super) async fn lock(transaction: &Transaction<'_>, leads: impl Iterator<Item = LeadId>) -> Result<HashMap<LeadId, Leased>, Fault> {
    let leads: Vec<Uuid> = leads.map(|lead| lead.0).collect();
    let (lease, known) = try_join!(
        transaction.prepare_cached("SELECT lead, epoch FROM queue WHERE lead = ANY($1) AND owner IS NOT NULL ORDER BY lead FOR UPDATE"),
        transaction.prepare_cached(
            "SELECT lead, max(number), max(number) FILTER (WHERE state = 'open') FROM deliveries WHERE lead = ANY($1) GROUP BY lead"
        ),
    )?;
    // The second one is sent at once, but runs after the locks are had, and so sees what they protect.
    let (leases, deliveries) = try_join(transaction.query(&lease, &[&leads]), transaction.query(&known, &[&leads])).await?;
    let mut found: HashMap<LeadId, Leased> =
        leases.iter().map(|row| (LeadId(row.get(0)), Leased { epoch: row.get(1), ..Leased::default() })).collect();
    for row in &deliveries {
        if let Some(leased) = found.get_mut(&LeadId(row.get(0))) {
            leased.last = row.get(1);
            leased.open = row.get(2);
        }
    }
    Ok(found)
}

/// All deliveries of these leads, each lead's in order.
pub(super) async fn deliveries(transaction: &Transaction<'_>, leads: &[Uuid]) -> Result<HashMap<LeadId, Vec<KeptDelivery>>, Fault> {
    let statement = transaction
        .prepare_cached(
            "SELECT d.lead, d.number, d.recipient, d.tier, d.policy, d.endpoint, d.price_minor, d.currency, d.state, d.record_id, d.at,
                    d.request, a.tries, a.ambiguous, d.exclusive
             FROM deliveries d CROSS JOIN LATERAL (
                 SELECT count(*)::int4 AS tries, coalesce(bool_or(ambiguous), false) AS ambiguous
                 FROM attempts a WHERE a.lead = d.lead AND a.delivery = d.number
             ) a
             WHERE d.lead = ANY($1) ORDER BY d.lead, d.number",
        )
        .await?;
    let mut found: HashMap<LeadId, Vec<KeptDelivery>> = HashMap::new();
    for row in transaction.query(&statement, &[&leads]).await? {
        found.entry(LeadId(row.get(0))).or_default().push(delivery(&row)?);
    }
    Ok(found)
}

fn delivery(row: &Row) -> Result<KeptDelivery, StoreError> {
    Ok(KeptDelivery {
        delivery: Delivery {
            lead: LeadId(row.get(0)),
            number: row.get(1),
            recipient: recipient(row.get(2)),
            tier: row.get(3),
            policy: row.get(4),
            endpoint: row.get(5),
            price: words::price(row.get(6), row.get(7)),
            exclusive: row.get(14),
        },
        state: words::delivery_state(row.get(8))?,
        record_id: row.get(9),
        at: row.get::<_, At>(10).0,
        request: Sealed(row.get(11)),
        attempts: row.get(12),
        ambiguous: row.get(13),
    })
}

pub(super) fn recipient(key: &str) -> RecipientKey {
    RecipientKey(key.into())
}

/// Reads a column that holds a hash.
pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Refused("it holds a hash that is not 32 bytes long".into()))
}

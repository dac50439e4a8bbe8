//! Ids, hashes and times as SQLite has them.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::fault;
use crate::lead::{Delivery, LeadId, RecipientKey};
use crate::store::places::Leased;
use crate::store::{KeptDelivery, Result, Sealed, StoreError, words};

/// An id as 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Id(pub LeadId);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.0.as_bytes())))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::from_slice(value.as_blob()?).map(|id| Self(LeadId(id))).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A time as microseconds.
#[derive(Clone, Copy)]
pub(super) struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?).map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// The lease of a lead, when it is leased.
pub(super) fn leased(connection: &Connection, leads: impl Iterator<Item = LeadId>) -> Result<HashMap<LeadId, Leased>> {
    let mut lease = connection.prepare_cached("SELECT epoch FROM queue WHERE lead = ?1 AND owner IS NOT NULL").map_err(fault)?;
    let mut deliveries = connection
        .prepare_cached("SELECT coalesce(max(number), 0), max(CASE WHEN state = 'open' THEN number END) FROM deliveries WHERE lead = ?1")
        .map_err(fault)?;
    let mut found = HashMap::new();
    for lead in leads {
        let Some(epoch) = lease.query_row([Id(lead)], |row| row.get(0)).optional().map_err(fault)? else { continue };
        let known = deliveries.query_row([Id(lead)], |row| Ok(Leased { epoch, last: row.get(0)?, open: row.get(1)? })).map_err(fault)?;
        found.insert(lead, known);
    }
    Ok(found)
}

/// All deliveries of a lead, in order.
pub(super) fn deliveries(connection: &Connection, lead: LeadId) -> Result<Vec<KeptDelivery>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT number, recipient, tier, policy, endpoint, price_minor, currency, state, record_id, at, request,
                    (SELECT count(*) FROM attempts a WHERE a.lead = d.lead AND a.delivery = d.number),
                    (SELECT coalesce(max(ambiguous), 0) FROM attempts a WHERE a.lead = d.lead AND a.delivery = d.number),
                    exclusive
             FROM deliveries d WHERE lead = ?1 ORDER BY number",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![Id(lead)]).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let (kept, state) = delivery(lead, row).map_err(fault)?;
        found.push(KeptDelivery { state: words::delivery_state(&state)?, ..kept });
    }
    Ok(found)
}

fn delivery(lead: LeadId, row: &Row<'_>) -> rusqlite::Result<(KeptDelivery, String)> {
    let kept = KeptDelivery {
        delivery: Delivery {
            lead,
            number: row.get(0)?,
            recipient: RecipientKey(row.get::<_, String>(1)?.into()),
            tier: row.get(2)?,
            policy: row.get(3)?,
            endpoint: row.get(4)?,
            price: words::price(row.get(5)?, row.get(6)?),
            exclusive: row.get(13)?,
        },
        state: crate::store::DeliveryState::Open,
        record_id: row.get(8)?,
        at: row.get::<_, At>(9)?.0,
        request: Sealed(row.get(10)?),
        attempts: row.get(11)?,
        ambiguous: row.get(12)?,
    };
    Ok((kept, row.get(7)?))
}

pub(super) fn recipient(key: String) -> RecipientKey {
    RecipientKey(key.into())
}

/// Reads a column that holds a hash.
pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| StoreError::Refused("it holds a hash that is not 32 bytes long".into()))
}

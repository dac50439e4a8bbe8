//! Leave to probe an endpoint.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::At;

pub(super) fn probe(connection: &Connection, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO probes (endpoint, probe, ends_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (endpoint) DO UPDATE SET probe = excluded.probe, ends_at = excluded.ends_at
         WHERE probes.probe = excluded.probe OR probes.ends_at <= ?4",
    )?;
    Ok(statement.execute(params![endpoint, probe, At(until), At(now)])? > 0)
}

//! Brings the tables up to date. Processes that start at once take turns, by an advisory lock that ends with its connection.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};

use super::work::explain;
use crate::store::{Result, StoreError};

/// How long a process waits for its turn and for the migrations.
const PATIENCE: Duration = Duration::from_secs(120);
/// Names the advisory lock: "leadflow" in ASCII.
const LOCK: i64 = 0x6c65_6164_666c_6f77;

mod embedded {
    refinery::embed_migrations!("src/store/migrations/postgres");
}

pub(super) async fn migrate(pool: &Pool) -> Result<()> {
    tokio::time::timeout(PATIENCE, run(pool))
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("the tables were not brought up to date within two minutes".into())))
}

async fn run(pool: &Pool) -> Result<()> {
    let connection = pool.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Backend(error) => explain(&error),
        other => StoreError::Unavailable(format!("no connection to the database: {other}")),
    })?;
    // Taken out of the pool: it is dropped with its settings and its lock.
    let mut connection = Object::take(connection);
    connection
        .batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        .await
        .map_err(|error| explain(&error))?;
    connection.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await.map_err(|error| explain(&error))?;
    // Tables of a newer release are left alone: releases run side by side while one is rolled out.
    embedded::migrations::runner()
        .set_abort_missing(false)
        .run_async(&mut *connection)
        .await
        .map_err(|error| StoreError::Refused(format!("the tables could not be brought up to date: {error}")))?;
    connection.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).await.map_err(|error| explain(&error))
}

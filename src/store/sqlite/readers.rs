//! Connections that only read, each used by one blocking task at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::{fault, settings};
use crate::store::{Result, StoreError};

/// How many read at once.
const AT_ONCE: usize = 4;

pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Runs `work` in one read transaction: it sees one state of the store, with all that was committed before.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let stopped = |_| StoreError::Unavailable("the reading task was stopped".into());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Unavailable("the store is closed".into()))?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let resting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match resting {
                Some(connection) => connection,
                None => open(&path)?,
            };
            let transaction = connection.transaction().map_err(fault)?;
            let answer = work(&transaction);
            transaction.finish().map_err(fault)?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        })
        .await
        .map_err(stopped)?
    }
}

fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    settings(&connection).map_err(fault)?;
    Ok(connection)
}

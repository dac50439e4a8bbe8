//! The store of a pod: the database that the Exchange names, or a file on the pod's volume.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{RunError, stores};
use crate::api::Exchange;
use crate::store::Store;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;

/// The file of the embedded store, in the data folder.
pub const LEADS: &str = "leads.db";

/// A store that is open.
pub enum Opened {
    Postgresql { store: Arc<PostgresStore>, url: String },
    Embedded(Arc<SqliteStore>),
}

impl Opened {
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Postgresql { store, .. } => Arc::clone(store) as _,
            Self::Embedded(store) => Arc::clone(store) as _,
        }
    }

    /// How many appends it takes at once.
    pub fn at_once(&self) -> usize {
        match self {
            Self::Postgresql { .. } => stores::SOME,
            Self::Embedded(_) => stores::ONE,
        }
    }

    /// Takes over the URL that the Exchange's Secret has now.
    pub fn set_url(&mut self, now: String) {
        let Self::Postgresql { store, url } = self else { return };
        if *url == now {
            return;
        }
        match store.set_url(&now) {
            Ok(()) => tracing::info!("the database's URL has changed; new connections use the new one"),
            Err(error) => tracing::error!(%error, "the database's new URL can't be used"),
        }
        *url = now;
    }
}

/// Opens the file in the data folder, when that is what the Exchange asks for and the pod has such a folder.
pub fn embedded(exchange: Option<&Exchange>, data: Option<&Path>) -> Result<Option<Opened>, RunError> {
    let (Some(exchange), Some(data)) = (exchange, data) else {
        return Ok(None);
    };
    if exchange.spec.store.embedded.is_none() {
        return Ok(None);
    }
    let file = |source| RunError::File { path: PathBuf::from(data), source };
    fs::create_dir_all(data).map_err(file)?;
    Ok(Some(Opened::Embedded(Arc::new(SqliteStore::open(data.join(LEADS))?))))
}

//! What a process can be: each role as a function that runs until it is told to stop.
//!
//! [`standalone`] is ingest and router in one process, from a folder of manifests; [`pod`] is either of them in a cluster, or both, with the store
//! that [`pod_store`] opens. [`process`] is what every
//! process has, [`in_force`] the rules that it goes by, [`router`] the claiming of leads.

pub mod in_force;
pub mod ingest;
pub mod intake;
pub mod operator;
pub mod pod;
pub mod pod_store;
pub mod process;
pub mod router;
pub mod routing;
pub mod spooling;
pub mod standalone;
pub mod stores;

use crate::folder::FolderError;
use crate::ops::listen::ListenError;
use crate::ops::tasks::Ended;
use crate::store::StoreError;

/// Why a process could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("signals can't be listened to: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Ended(#[from] Ended),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder's manifests are not in order; each line says where and what.
    #[error("the manifests are not in order:\n{}", lines(.0))]
    Folder(Vec<FolderError>),
    #[error("{path}: {source}", path = path.display())]
    File { path: std::path::PathBuf, source: std::io::Error },
    #[error("the spool {path} can't be used: {source}", path = path.display())]
    Spool { path: std::path::PathBuf, source: std::io::Error },
    #[error("the HTTP client can't be made: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the cluster can't be reached: {0}")]
    Cluster(String),
    #[error("the encryption keys can't be made: {0}")]
    Keys(#[from] crate::store::seal::KeyError),
    #[error("the output can't be written: {0}")]
    Output(std::io::Error),
}

fn lines(errors: &[FolderError]) -> String {
    errors.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")
}

//! Which store a process uses, and how it is opened.

use std::sync::Arc;

use super::RunError;
use super::process::Process;
use crate::store::Store;
use crate::store::group::Group;

/// Group commits that run at once: one for SQLite, which has one writer, some for PostgreSQL.
pub const ONE: usize = 1;
pub const SOME: usize = 4;

/// Puts the group commit before a store, under the process's eye, and the store's health into its readiness.
pub fn gather(process: &mut Process, store: &Arc<dyn Store>, at_once: usize) -> Arc<Group> {
    let (group, workers) = Group::new(Arc::clone(store), Arc::clone(&process.metrics), at_once);
    for worker in workers {
        process.tasks.dropped("commits", worker);
    }
    Arc::new(group)
}

/// Reads a URL's scheme for the log, and nothing else of it: it holds a password.
pub fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

pub type Result<T> = std::result::Result<T, RunError>;

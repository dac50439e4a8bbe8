//! What the operator is told at its start.

use crate::cluster::scope::Scope;

/// Settings of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The image that ingest and router pods run: the operator's own.
    pub image: String,
    /// Where it works.
    pub scope: Scope,
    /// Name of the operator's own pod, for Events, and as whoever leads.
    pub pod: String,
    /// The operator's own namespace: where the Lease of the one that leads is.
    pub namespace: String,
}

//! What the operator is told at its start.

use crate::api::pods::PullPolicy;
use crate::cluster::scope::Scope;

/// The image that pods run, unless their Exchange says otherwise: the operator's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub name: String,
    /// When nodes fetch it.
    pub pull_policy: Option<PullPolicy>,
    /// Names of the Secrets by which they do.
    pub pull_secrets: Vec<String>,
}

/// Settings of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub image: Image,
    /// Where it works.
    pub scope: Scope,
    /// Name of the operator's own pod, for Events, and as whoever leads.
    pub pod: String,
    /// The operator's own namespace: where the Lease of the one that leads is.
    pub namespace: String,
}

//! Of several operators one leads: who holds the Lease may write, the others watch and are ready to take over.
//!
//! | module | for |
//! |---|---|
//! | [`candidacy`] | what a candidate does about the Lease as it was last seen; pure |
//! | [`campaign`] | doing it: creating, renewing, taking over, giving back |
//! | [`lead`] | who asks whether it leads, and until when |
//! | [`fence`] | a client whose writes need the lead |
//!
//! The rules are those of Kubernetes' own components: a Lease holds for 15 s, is renewed every 2 s, and whoever could not renew it for 10 s leads no
//! more; so between two leaders are some seconds in which nobody writes. Whether a Lease has lapsed is judged by how long one has seen no change of it,
//! never by the times written in it, which are of another machine's clock. Spans are measured by a clock that can't be set, and only the times written
//! into the Lease are those of [`Clock`](crate::flow::ports::Clock). The crates that offer this compare another machine's times with the local clock,
//! or write by force; hence this one.

pub mod campaign;
pub mod candidacy;
pub mod fence;
pub mod lead;

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Name of the Lease, in the operator's own namespace.
pub const LEASE: &str = "leadflow-operator";
/// How long others leave a Lease alone that they see no change of.
pub const HELD: Duration = Duration::from_secs(15);
/// How long its holder goes by it after the last renewal.
pub const TERM: Duration = Duration::from_secs(10);
/// How often it is renewed, or looked at.
pub const EVERY: Duration = Duration::from_secs(2);

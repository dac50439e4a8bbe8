//! Tries, and the ends of deliveries, runs and leases.

use jiff::Timestamp;

use super::DeliveryState;
use crate::lead::{Attempt, Decision, LeadId, UnmatchedReason};

/// Tries that ended without an end of the delivery.
#[derive(Clone, Debug)]
pub struct Tried {
    pub lead: LeadId,
    pub epoch: i64,
    pub attempt: Attempt,
    pub now: Timestamp,
}

/// The end of a delivery, or of a run, or of the lease.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub lead: LeadId,
    pub epoch: i64,
    pub now: Timestamp,
    /// The delivery that ended. A delivery that was not accepted gives its places back, but those to be kept.
    pub delivery: Option<DeliveryEnd>,
    /// Decisions that are not on record yet: one that led to no reservation, and those of shadow policies beside it.
    pub decisions: Vec<Decision>,
    pub then: Then,
}

/// How a delivery ended.
#[derive(Clone, Debug)]
pub struct DeliveryEnd {
    pub number: i32,
    pub state: DeliveryState,
    pub record_id: Option<String>,
    /// By which keys the recipient is known as the owner once it accepted: keyed hashes of a contact or a company.
    pub owner_keys: Vec<[u8; 32]>,
    /// The last try.
    pub attempt: Option<Attempt>,
}

/// What comes after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// The lease goes on.
    Continue,
    /// The lead is done.
    Delivered,
    /// Nobody took it. It is handed out again at `retry_at`, or when rules other than these change; an open delivery stays open.
    Unmatched { reason: UnmatchedReason, rules: String, retry_at: Option<Timestamp> },
    /// The lease is given back; the lead is handed out again at this time, in the same run.
    Park { until: Timestamp },
}

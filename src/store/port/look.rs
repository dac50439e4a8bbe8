//! What a store tells.

use jiff::Timestamp;

use super::{KeptDelivery, Sealed};
use crate::lead::decision::Turn;
use crate::lead::{Attempt, Decision, LeadId, Outcome, RecipientKey};

/// Everything on record of one lead.
#[derive(Clone, Debug)]
pub struct LeadFile {
    pub id: LeadId,
    pub source: String,
    pub arrived_at: Timestamp,
    pub sealed: Sealed,
    pub outcome: Outcome,
    pub duplicate_of: Option<LeadId>,
    pub decisions: Vec<Decision>,
    pub deliveries: Vec<KeptDelivery>,
    pub attempts: Vec<Attempt>,
}

/// A lead as it arrived, and where it stands.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub id: LeadId,
    pub source: String,
    pub arrived_at: Timestamp,
    pub sealed: Sealed,
    pub outcome: Outcome,
}

/// Who accepted the last lead of a contact or company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// One of `DeliveryEnd::owner_keys`.
    pub key: [u8; 32],
    pub recipient: RecipientKey,
    /// When it accepted.
    pub at: Timestamp,
}

/// What is used of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub recipient: RecipientKey,
    pub window: String,
    /// The sum of the amounts that are held.
    pub count: i64,
}

/// A recipient's place in a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnAt {
    pub rotation: String,
    pub recipient: RecipientKey,
    pub turn: Turn,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Leads that a router has or should have.
    pub queued: i64,
    /// Arrival (or re-run) of the one that has waited longest.
    pub oldest: Option<Timestamp>,
    /// Leads in the unmatched queue.
    pub unmatched: i64,
}

/// One object of a set of rules, as canonical JSON under its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleObject {
    pub hash: [u8; 32],
    pub json: String,
}

/// Something happened in the store, here or in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Leads are waiting to be claimed.
    Work,
    /// Leads were settled; somebody may be waiting for them.
    Settled,
}

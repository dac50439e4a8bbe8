//! Leads to be kept.

use jiff::Timestamp;

use crate::lead::LeadId;

/// Bytes that only a holder of the key can read (see `store::seal`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// A lead to be kept.
#[derive(Clone, Debug)]
pub struct NewLead {
    pub id: LeadId,
    pub source: String,
    pub arrived_at: Timestamp,
    /// The lead and its submission.
    pub sealed: Sealed,
    /// What makes it a duplicate; none for a source without such a rule.
    pub fingerprints: Vec<Fingerprint>,
    /// The `Idempotency-Key` of the post.
    pub idempotency: Option<Idempotency>,
}

/// A keyed hash of field values by which a source knows a lead again. One equal fingerprint of a lead that arrived at `remembered_since` or later makes a duplicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Covers source, fields and values.
    pub hash: [u8; 32],
    /// `None` is for ever.
    pub remembered_since: Option<Timestamp>,
}

/// An idempotency key and what it came with, both as keyed hashes that cover the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: [u8; 32],
    pub body: [u8; 32],
}

/// What became of a lead to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Kept, and queued for routing.
    New,
    /// Kept in the final state `Duplicate`.
    Duplicate { of: LeadId },
    /// The key was used before with the same body: nothing was kept, this lead answers for it.
    Replayed { lead: LeadId },
    /// The key was used before with another body: nothing was kept.
    KeyReused,
}

/// What became of a lead that was acknowledged before the store had it. Every such lead is on record afterwards, under its own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// Kept, and queued for routing.
    New,
    /// Kept in the final state `Duplicate`: of a lead with an equal fingerprint, or of the one that used its Idempotency-Key first with the same body.
    Duplicate { of: LeadId },
    /// The store has had it already; nothing has changed.
    Known,
}

//! The port: what every store promises, in batches.
//!
//! Promises that hold for each call, whatever is killed and whenever:
//! - a call that returned is durable; a call that failed or never returned happened whole or not at all, per batch;
//! - of two calls that touch the same lead, cap or key, one comes wholly first;
//! - `now` is the caller's clock; stores read none of their own.
//!
//! A lead that is being worked on is *leased*: `claim` hands it out with an `epoch`, one higher each time. `reserve`, `record` and `settle` with an
//! older epoch change nothing and say [`Lost`](Reserved::Lost): somebody else has the lead now.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;

use crate::lead::decision::Turn;
use crate::lead::{Attempt, Decision, Delivery, LeadId, Outcome, RecipientKey, State, UnmatchedReason};

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

/// A lead handed out to be worked on.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: LeadId,
    pub source: String,
    pub arrived_at: Timestamp,
    pub sealed: Sealed,
    pub epoch: i64,
    /// When this run began: arrival, or the re-run.
    pub run_since: Timestamp,
    /// Deliveries so far, in order of their numbers. At most one is open: it must be brought to its end before anything else.
    pub deliveries: Vec<KeptDelivery>,
}

/// A delivery as the store has it.
#[derive(Clone, Debug)]
pub struct KeptDelivery {
    pub delivery: Delivery,
    pub state: DeliveryState,
    pub record_id: Option<String>,
    /// When it was reserved.
    pub at: Timestamp,
    /// The sealed [`Request`](crate::lead::Request).
    pub request: Sealed,
    /// How many tries are on record.
    pub attempts: i32,
    /// Whether a try on record may have been taken although no answer came.
    pub ambiguous: bool,
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// A place is held, tries go on.
    Open,
    /// Taken: the place is used.
    Accepted,
    /// Refused by the far side: the place was given back.
    Refused,
    /// Never got through: the place was given back.
    Failed,
}

/// A place to be held for one delivery of a leased lead.
#[derive(Clone, Debug)]
pub struct Reservation {
    pub epoch: i64,
    pub delivery: Delivery,
    pub request: Sealed,
    /// All of these are taken, or none.
    pub holds: Vec<Hold>,
    /// The turn that the assignment uses up.
    pub turn: Option<TakeTurn>,
    /// The decision that led here, when it is not on record yet.
    pub decision: Option<Decision>,
    pub at: Timestamp,
}

/// One place under one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub recipient: RecipientKey,
    /// `open`, `day:2026-11-22` or `month:2026-11`.
    pub window: String,
    pub limit: i64,
}

/// A turn in a tier's rotation. The store computes `position = max(position, floor) + step` and gives it the next sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeTurn {
    /// `policy/tier`.
    pub rotation: String,
    /// The rotation's virtual time as the router knew it.
    pub floor: i64,
    /// Virtual time that the turn costs.
    pub step: i64,
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// Held; with the recipient's new turn, when one was taken.
    Held { turn: Option<Turn> },
    /// Nothing is held: this window is full, with so many used.
    Full { window: String, used: i64 },
    /// Nothing is held: the lease is over.
    Lost,
}

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
    /// The delivery that ended. A delivery that was not accepted gives its places back.
    pub delivery: Option<DeliveryEnd>,
    /// A decision that led to no reservation.
    pub decision: Option<Decision>,
    pub then: Then,
}

/// How a delivery ended.
#[derive(Clone, Debug)]
pub struct DeliveryEnd {
    pub number: i32,
    pub state: DeliveryState,
    pub record_id: Option<String>,
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

/// Places in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub recipient: RecipientKey,
    pub window: String,
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

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Can't be reached, or broke off: try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Refused, or holds what it should not: trying again won't help.
    #[error("the store refused: {0}")]
    Refused(String),
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// A store of leads. Answers come in the order of what was asked.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Keeps new leads. Within one batch, earlier ones come first.
    async fn append(&self, leads: Vec<NewLead>) -> Result<Vec<Appended>>;

    /// Hands out up to `most` leads that are due and that nobody has, oldest due first, each leased to `owner` until `now + lease`.
    async fn claim(&self, owner: &str, most: usize, lease: SignedDuration, now: Timestamp) -> Result<Vec<Claimed>>;

    /// Prolongs the leases of these (lead, epoch); returns those that were lost.
    async fn renew(&self, owner: &str, leads: Vec<(LeadId, i64)>, lease: SignedDuration, now: Timestamp) -> Result<Vec<LeadId>>;

    /// Takes places, all or none for each reservation, never beyond a limit. With it: the delivery, its request, the decision, the turn.
    async fn reserve(&self, reservations: Vec<Reservation>) -> Result<Vec<Reserved>>;

    /// Puts tries on record. False for a lost lease.
    async fn record(&self, tries: Vec<Tried>) -> Result<Vec<bool>>;

    /// Ends deliveries, runs and leases. False for a lost lease.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>>;

    /// Ends the agent's work on a delivered lead: its `open` places are given back, and leads for which nobody had a place are made due, a new run for
    /// each. False when the lead is not delivered.
    async fn close(&self, lead: LeadId, now: Timestamp) -> Result<bool>;

    /// Makes due those unmatched leads that were left so under rules other than `rules`, a new run for each. Returns how many.
    async fn rerun(&self, rules: &str, now: Timestamp) -> Result<u64>;

    /// All places in use, of windows that are not over (`open`, and calendar windows no older than 62 days).
    async fn used(&self, now: Timestamp) -> Result<Vec<Used>>;

    /// All turns.
    async fn turns(&self) -> Result<Vec<TurnAt>>;

    /// Where these leads stand; `None` for those unknown.
    async fn outcomes(&self, leads: Vec<LeadId>) -> Result<Vec<Option<Outcome>>>;

    /// Everything on record of a lead.
    async fn lead(&self, lead: LeadId) -> Result<Option<LeadFile>>;

    /// The lead that arrived last.
    async fn latest(&self) -> Result<Option<LeadId>>;

    /// How many leads are in each state.
    async fn count(&self) -> Result<Vec<(State, i64)>>;

    /// What waits, as seen at `now`.
    async fn depth(&self, now: Timestamp) -> Result<Depth>;

    /// Keeps the rules that decisions were made under, for replay. Known ones cost one look.
    async fn remember_rules(&self, digest: &str, objects: Vec<RuleObject>) -> Result<()>;

    /// The rules of a digest.
    async fn rules(&self, digest: &str) -> Result<Option<Vec<RuleObject>>>;

    /// Whether the store can be written to just now.
    async fn ping(&self) -> Result<()>;

    /// Tells what happens, also in other processes. May tell too much or lag: callers look for themselves, and also look without being told.
    fn watch(&self) -> broadcast::Receiver<Happened>;
}

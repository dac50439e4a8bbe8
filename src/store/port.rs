//! The port: what every store promises, in batches.
//!
//! Promises that hold for each call, whatever is killed and whenever:
//! - a call that returned is durable; a call that failed or never returned happened whole or not at all, per batch;
//! - of two calls that touch the same lead, cap or key, one comes wholly first;
//! - `now` is the caller's clock; stores read none of their own.
//!
//! A lead that is being worked on is *leased*: `claim` hands it out with an `epoch`, one higher each time. `reserve`, `record` and `settle` with an
//! older epoch change nothing and say [`Lost`](Reserved::Lost): somebody else has the lead now.

mod append;
mod look;
mod reserve;
mod settle;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;

pub use self::append::*;
pub use self::look::*;
pub use self::reserve::*;
pub use self::settle::*;
use crate::lead::{LeadId, Outcome, State, UnmatchedReason};

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

    /// Keeps leads that were acknowledged before this store had them. None is turned away: a repeated Idempotency-Key makes a duplicate; with another
    /// body it counts for nothing, and the lead is kept for its own sake. A lead that is there already stays as it is, so this can be repeated.
    async fn adopt(&self, leads: Vec<NewLead>) -> Result<Vec<Adopted>>;

    /// Hands out up to `most` leads that are due and that nobody has, oldest due first, each leased to `owner` until `now + lease`.
    async fn claim(&self, owner: &str, most: usize, lease: SignedDuration, now: Timestamp) -> Result<Vec<Claimed>>;

    /// Prolongs the leases of these (lead, epoch); returns those that were lost.
    async fn renew(&self, owner: &str, leads: Vec<(LeadId, i64)>, lease: SignedDuration, now: Timestamp) -> Result<Vec<LeadId>>;

    /// Takes places, all or none for each reservation, never beyond a limit. With it: the delivery, its request, the decisions, the turn.
    async fn reserve(&self, reservations: Vec<Reservation>) -> Result<Vec<Reserved>>;

    /// Puts tries on record. False for a lost lease.
    async fn record(&self, tries: Vec<Tried>) -> Result<Vec<bool>>;

    /// Ends deliveries, runs and leases. False for a lost lease. A recipient that accepted is the owner by the keys given, in place of the one before.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>>;

    /// Ends the agent's work on a delivered lead: its places in windows that begin with `open` are given back, and leads that wait for a place
    /// (`CapsReached`, `Queued`) are made due, a new run for each. False when the lead is not delivered.
    async fn close(&self, lead: LeadId, now: Timestamp) -> Result<bool>;

    /// Makes due those unmatched leads that were left so under rules other than `rules`, a new run for each. Returns how many.
    async fn rerun(&self, rules: &str, now: Timestamp) -> Result<u64>;

    /// Makes due at most `most` unmatched leads that were left for one of these reasons (for any, when none is given), oldest first, a new run for
    /// each. Returns how many.
    async fn wake(&self, reasons: &[UnmatchedReason], most: usize, now: Timestamp) -> Result<u64>;

    /// Makes one unmatched lead due, for a new run. False when it is not unmatched.
    async fn release(&self, lead: LeadId, now: Timestamp) -> Result<bool>;

    /// Lets one at a time probe an endpoint: whether `probe` may until `until`. Nobody else may before then, unless `probe` itself asks once more: with
    /// a later end, or with `now`, which gives its leave back.
    async fn probe(&self, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> Result<bool>;

    /// What is used of windows that are not long over. Hours last three days, other calendar windows 62, all else stays. What is over is forgotten.
    async fn used(&self, now: Timestamp) -> Result<Vec<Used>>;

    /// All turns.
    async fn turns(&self) -> Result<Vec<TurnAt>>;

    /// Who is known as owner by these keys.
    async fn owners(&self, keys: Vec<[u8; 32]>) -> Result<Vec<Owner>>;

    /// Leads in the order of arrival, newest first: those before the last one of the page before, given by arrival and id. At most `most` come, and
    /// at most 1,000; after the oldest, none.
    async fn arrived(&self, before: Option<(Timestamp, LeadId)>, most: usize) -> Result<Vec<Arrived>>;

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

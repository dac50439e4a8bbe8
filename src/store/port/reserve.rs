//! Leads that are handed out, and places that are held for them.

use jiff::Timestamp;

use super::{Sealed, TurnAt};
use crate::lead::decision::Turn;
use crate::lead::{Decision, Delivery, LeadId, RecipientKey};

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
    /// Refused by the far side: its places were given back, but those to be kept.
    Refused,
    /// Never got through: its places were given back, but those to be kept.
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
    /// Decisions that are not on record yet: the one that led here, and those of shadow policies beside it.
    pub decisions: Vec<Decision>,
    pub at: Timestamp,
}

/// So much of a window, under a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub recipient: RecipientKey,
    /// The key of the window, each counted for itself: `open` (until the lead is closed), `hour:2026-11-01T01-07:00`, `day:2026-11-22`,
    /// `week:2026-11-16` (its first day), `month:2026-11` or `total`. A suffix after `/` tells what is counted when it is not leads, such as
    /// `open/weight` or `day:2026-11-22/spend`.
    pub window: String,
    /// How much it takes, 0 or more: 1 for a lead, or minor units of money, or a weight.
    pub amount: i64,
    /// What is used may come to this and no more.
    pub limit: i64,
    /// Whether it stays used when the delivery is refused or fails, since what counts is that the lead was sent.
    pub keep: bool,
}

/// A turn in a tier's rotation. The store computes `position = max(position, floor) + step` and gives it the next sequence number.
///
/// Two routers that know the same turns choose the same recipient. `expect` lets one of them have it: the other is told what it missed, and decides anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeTurn {
    /// `policy/tier`.
    pub rotation: String,
    /// The rotation's virtual time as the router knew it.
    pub floor: i64,
    /// Virtual time that the turn costs.
    pub step: i64,
    /// The last sequence number of the rotation that the router knows.
    pub seen: i64,
    /// Nothing is held when the recipient has come further than this. The recipient's turn as the router knew it when it decided (the default for one that never had a turn), counting what comes before in the
    /// batch. `None` takes the turn whatever happened since.
    pub expect: Option<Turn>,
}

/// What became of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// Held; with the recipient's new turn, when one was taken.
    Held { turn: Option<Turn> },
    /// Nothing is held: this window has no room for the amount, with so much used.
    Full { window: String, used: i64 },
    /// Nothing is held: the recipient had another turn since. These are all turns of the rotation later than `seen`, earliest first.
    Stale { turns: Vec<TurnAt> },
    /// Nothing is held: the lease is over.
    Lost,
}

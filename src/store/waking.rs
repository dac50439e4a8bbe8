//! Making unmatched leads due again, step by step.

use crate::lead::{LeadId, UnmatchedReason};

/// How many leads one transaction makes due.
pub(super) const STEP: usize = 5_000;

/// Why leads rest that a place may help.
pub(super) const WAIT_FOR_A_PLACE: [UnmatchedReason; 2] = [UnmatchedReason::CapsReached, UnmatchedReason::Queued];

/// What one step of waking came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Woken {
    /// How many were made due.
    pub leads: u64,
    /// The last lead that was looked at, when there may be more.
    pub go_on_after: Option<LeadId>,
}

/// The reasons that were asked for: all, when none was given.
pub(super) fn reasons(asked: &[UnmatchedReason]) -> &[UnmatchedReason] {
    const ANY: &[UnmatchedReason] = &UnmatchedReason::ALL;
    if asked.is_empty() { ANY } else { asked }
}

/// How many more one step may make due, of so many that are wanted.
pub(super) fn step(most: usize, woken: u64) -> usize {
    most.saturating_sub(usize::try_from(woken).unwrap_or(usize::MAX)).min(STEP)
}

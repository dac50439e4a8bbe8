//! Who is away.

use jiff::Timestamp;

use crate::calendar::Presence;
use crate::table::bits::Bits;
use crate::table::recipient::Recipient;

/// Who is away.
pub(super) struct Presences {
    pub away: Bits,
}

impl Presences {
    pub fn new(size: usize) -> Self {
        Self { away: Bits::none(size) }
    }

    /// Looks at a recipient. Returns when that changes.
    pub fn look(&mut self, number: u32, recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
        let (away, until) = match recipient.availability.at(now) {
            Presence::Here { until } => (false, until),
            Presence::Away { until, .. } => (true, until),
        };
        self.away.set(number, away);
        until
    }
}

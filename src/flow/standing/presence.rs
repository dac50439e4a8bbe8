//! Who is away.

use jiff::Timestamp;

use crate::calendar::Presence;
use crate::calendar::hours::LOOK_AHEAD;
use crate::table::bits::Bits;
use crate::table::recipient::Recipient;

/// Who is away, and until when.
pub(super) struct Presences {
    pub away: Bits,
    /// By number, for those who are away: when they are back.
    back: Vec<Option<Timestamp>>,
}

impl Presences {
    pub fn new(size: usize) -> Self {
        Self { away: Bits::none(size), back: vec![None; size] }
    }

    /// Looks at a recipient. Returns when to look again.
    pub fn look(&mut self, number: u32, recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
        let (away, until) = match recipient.availability.at(now) {
            Presence::Here { until } => (false, until),
            Presence::Away { until, .. } => (true, until),
        };
        self.away.set(number, away);
        if let Some(back) = self.back.get_mut(number as usize) {
            *back = until.filter(|_| away);
        }
        // What is further away than can be seen comes into sight later.
        until.or_else(|| recipient.availability.hours.as_ref().and(now.checked_add(LOOK_AHEAD).ok()))
    }

    /// When somebody who is away will be back.
    pub fn back(&self, number: u32, recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
        if !self.away.has(number) {
            return None;
        }
        self.back.get(number as usize).copied().flatten().or_else(|| match recipient.availability.at(now) {
            Presence::Away { until, .. } => until,
            Presence::Here { .. } => None,
        })
    }
}

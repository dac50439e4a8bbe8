//! When to look at whom again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

/// Times at which something about a recipient changes.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    times: BinaryHeap<Reverse<(Timestamp, u32)>>,
}

impl Agenda {
    pub fn put(&mut self, at: Timestamp, number: u32) {
        self.times.push(Reverse((at, number)));
    }

    /// Somebody whose time has come, each time once.
    pub fn due(&mut self, now: Timestamp) -> Option<u32> {
        let Reverse((at, number)) = self.times.peek().copied()?;
        if at > now {
            return None;
        }
        self.times.pop();
        // Several entries of one recipient that are due together are one look.
        while self.times.peek().is_some_and(|Reverse((at, other))| *at <= now && *other == number) {
            self.times.pop();
        }
        Some(number)
    }
}

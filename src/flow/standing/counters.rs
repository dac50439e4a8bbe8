//! What is used of each limit, and who has no room.

use jiff::Timestamp;

use crate::calendar::Window;
use crate::flow::decide::Full;
use crate::store::{Hold, Used};
use crate::table::Table;
use crate::table::bits::Bits;
use crate::table::recipient::Recipient;

/// The counters of all recipients.
pub(super) struct Counters {
    /// By number; one for each limit.
    counters: Vec<Vec<Counter>>,
    /// Who has no room for the least that a lead can add.
    full: Bits,
}

/// What is used of one limit in its present window.
#[derive(Clone, Debug)]
struct Counter {
    label: String,
    window: Window,
    used: i64,
    /// The most that may be used now.
    allowed: i64,
    /// The least that a lead adds.
    least: i64,
}

impl Counter {
    fn has_room(&self, amount: i64) -> bool {
        self.used.saturating_add(amount) <= self.allowed
    }
}

impl Counters {
    pub fn new(table: &Table, now: Timestamp) -> Self {
        let counters = table.recipients.iter().map(|recipient| counters_of(recipient, now)).collect();
        Self { counters, full: Bits::none(table.recipients.len()) }
    }

    /// Begins anew with a recipient whose limits may have changed; what is used of windows that stay is kept.
    pub fn renew(&mut self, number: u32, recipient: &Recipient, now: Timestamp) {
        let Some(counters) = self.counters.get_mut(number as usize) else { return };
        let before = std::mem::replace(counters, counters_of(recipient, now));
        take_over(&before, counters);
    }

    /// Takes over what is used, from the counters of another table.
    pub fn take_over(&mut self, before: &Self, was: &Table, is: &Table) {
        for (number, (recipient, counters)) in (0..).zip(is.recipients.iter().zip(&mut self.counters)) {
            if let Some(known) = was.numbers.get(&recipient.key).and_then(|number| before.counters.get(*number as usize)) {
                take_over(known, counters);
                self.full.set(number, is_full(counters, recipient));
            }
        }
    }

    /// Turns to the windows that `now` is in. Returns when a window ends, or more is allowed.
    pub fn look(&mut self, number: u32, recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
        let counters = self.counters.get_mut(number as usize)?;
        let mut changes = None;
        for (counter, limit) in counters.iter_mut().zip(&recipient.limits) {
            if !counter.window.contains(now) {
                counter.window = limit.window(&recipient.availability.zone, now);
                counter.label = limit.label(&counter.window);
                counter.used = 0;
            }
            counter.allowed = limit.allowed(&counter.window, &recipient.availability, now);
            let more = if limit.is_paced() {
                limit.room_at(&counter.window, &recipient.availability, counter.allowed, now)
            } else {
                counter.window.end
            };
            changes = changes.into_iter().chain(more.into_iter().filter(|at| *at > now)).min();
        }
        let full = is_full(counters, recipient);
        self.full.set(number, full);
        changes
    }

    /// Takes over what the store says is used: what it does not name is not.
    pub fn refresh(&mut self, used: &[Used], table: &Table) {
        self.counters.iter_mut().flatten().for_each(|counter| counter.used = 0);
        self.full = Bits::none(table.recipients.len());
        for place in used {
            if let Some(number) = table.numbers.get(&place.recipient) {
                self.set(*number, &place.window, place.count, table);
            }
        }
        // A limit of nothing is reached without anything being used.
        for (number, (counters, recipient)) in (0..).zip(self.counters.iter().zip(table.recipients.iter())) {
            if counters.iter().any(|counter| counter.allowed < counter.least) {
                self.full.set(number, is_full(counters, recipient));
            }
        }
    }

    /// Sets what is used of a window.
    pub fn set(&mut self, number: u32, window: &str, used: i64, table: &Table) {
        self.change(number, table, |counter| {
            if counter.label == window {
                counter.used = used;
            }
        });
    }

    /// Counts places as taken.
    pub fn take(&mut self, number: u32, holds: &[Hold], table: &Table) {
        self.add(number, holds, 1, table);
    }

    /// Counts places as given back, but for those that stay taken when the lead is refused.
    pub fn give_back(&mut self, number: u32, holds: &[Hold], table: &Table) {
        let back: Vec<Hold> = holds.iter().filter(|hold| !hold.keep).cloned().collect();
        self.add(number, &back, -1, table);
    }

    /// Counts places as never taken.
    pub fn put_back(&mut self, number: u32, holds: &[Hold], table: &Table) {
        self.add(number, holds, -1, table);
    }

    fn add(&mut self, number: u32, holds: &[Hold], sign: i64, table: &Table) {
        self.change(number, table, |counter| {
            if let Some(hold) = holds.iter().find(|hold| hold.window == counter.label) {
                counter.used = (counter.used + sign * hold.amount).max(0);
            }
        });
    }

    fn change(&mut self, number: u32, table: &Table, change: impl FnMut(&mut Counter)) {
        let (Some(counters), Some(recipient)) = (self.counters.get_mut(number as usize), table.recipients.get(number as usize)) else {
            return;
        };
        counters.iter_mut().for_each(change);
        let full = is_full(counters, recipient);
        self.full.set(number, full);
    }

    pub fn is_full(&self, number: u32) -> bool {
        self.full.has(number)
    }

    pub fn used(&self, number: u32, limit: usize) -> i64 {
        self.counters.get(number as usize).and_then(|counters| counters.get(limit)).map_or(0, |counter| counter.used)
    }

    /// Who of these has no room for a lead.
    pub fn full(&self, left: &Bits, table: &Table, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        let mut asked = self.full.clone();
        asked.or(&table.traits.uneven);
        asked.and(left);
        asked
            .iter()
            .filter_map(|number| {
                let limits = &table.recipients[number as usize].limits;
                let counters = self.counters.get(number as usize)?;
                let limit = (counters.iter().zip(limits))
                    .enumerate()
                    .position(|(limit, (counter, rules))| rules.is_limited() && !counter.has_room(amount(number, limit)))?;
                Some(Full { number, limit, used: counters[limit].used })
            })
            .collect()
    }
}

fn counters_of(recipient: &Recipient, now: Timestamp) -> Vec<Counter> {
    let counter = |limit: &crate::table::recipient::Limit| {
        let window = limit.window(&recipient.availability.zone, now);
        let allowed = limit.allowed(&window, &recipient.availability, now);
        Counter { label: limit.label(&window), window, used: 0, allowed, least: recipient.least_amount(limit) }
    };
    recipient.limits.iter().map(counter).collect()
}

fn take_over(before: &[Counter], after: &mut [Counter]) {
    for counter in after {
        counter.used = before.iter().find(|known| known.label == counter.label).map_or(0, |known| known.used);
    }
}

fn is_full(counters: &[Counter], recipient: &Recipient) -> bool {
    counters.iter().zip(&recipient.limits).any(|(counter, limit)| limit.is_limited() && !counter.has_room(counter.least))
}

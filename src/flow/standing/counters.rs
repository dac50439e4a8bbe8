//! What is used of each limit, and who has no room.

use std::cell::OnceCell;

use jiff::Timestamp;

use crate::calendar::{OpenTime, Window};
use crate::flow::decide::{Full, Left};
use crate::store::{Hold, Used};
use crate::table::Table;
use crate::table::bits::Bits;
use crate::table::recipient::{Limit, Recipient};

/// The counters of all recipients.
pub(super) struct Counters {
    /// By number; one for each limit.
    counters: Vec<Vec<Counter>>,
    /// Who has no room for the least that a lead can add, whatever the pace.
    full: Bits,
}

/// What is used of one limit in its present window.
#[derive(Clone, Debug)]
struct Counter {
    label: String,
    window: Window,
    used: i64,
    /// The most that may be used in the whole window.
    most: i64,
    /// The least that a lead adds.
    least: i64,
    /// The window's working time, laid out when it is first asked for.
    open: OnceCell<Option<OpenTime>>,
}

impl Counter {
    fn of(limit: &Limit, recipient: &Recipient, now: Timestamp) -> Self {
        let zone = &recipient.availability.zone;
        let window = limit.window(zone, now);
        Self {
            label: limit.label(&window),
            used: 0,
            most: limit.most(&window, zone),
            least: recipient.least_amount(limit),
            open: OnceCell::new(),
            window,
        }
    }

    fn open(&self, recipient: &Recipient) -> Option<&OpenTime> {
        self.open.get_or_init(|| OpenTime::of(&self.window, &recipient.availability)).as_ref()
    }

    fn has_room(&self, amount: i64, limit: &Limit, recipient: &Recipient, now: Timestamp) -> bool {
        let all = self.used.saturating_add(amount);
        // Working time is asked for only when it matters.
        !limit.is_limited()
            || (all <= self.most && (!limit.is_paced() || self.open(recipient).is_none_or(|open| all <= open.allowed(self.most, now))))
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

    /// Turns to the windows that `now` is in. Returns when one of them ends.
    pub fn look(&mut self, number: u32, recipient: &Recipient, now: Timestamp) -> Option<Timestamp> {
        let counters = self.counters.get_mut(number as usize)?;
        for (counter, limit) in counters.iter_mut().zip(&recipient.limits) {
            if !counter.window.contains(now) {
                *counter = Counter::of(limit, recipient, now);
            }
        }
        self.full.set(number, is_full(counters, recipient));
        counters.iter().filter_map(|counter| counter.window.end).min()
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
            if counters.iter().any(|counter| counter.most < counter.least) {
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
                counter.used = counter.used.saturating_add(sign * hold.amount).max(0);
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

    /// Whether somebody has no room for the least that a lead can add.
    pub fn is_full(&self, number: u32, table: &Table, now: Timestamp) -> bool {
        let Some((counters, recipient)) = self.counters.get(number as usize).zip(table.recipients.get(number as usize)) else {
            return false;
        };
        counters.iter().zip(&recipient.limits).any(|(counter, limit)| !counter.has_room(counter.least, limit, recipient, now))
    }

    pub fn used(&self, number: u32, limit: usize) -> i64 {
        self.counter(number, limit).map_or(0, |counter| counter.used)
    }

    /// The share of a window's working time that is over.
    pub fn elapsed(&self, number: u32, limit: usize, table: &Table, now: Timestamp) -> f64 {
        let counter = self.counter(number, limit).zip(table.recipients.get(number as usize));
        counter.and_then(|(counter, recipient)| counter.open(recipient)).map_or(0.0, |open| open.elapsed_share(now))
    }

    fn counter(&self, number: u32, limit: usize) -> Option<&Counter> {
        self.counters.get(number as usize)?.get(limit)
    }

    /// Who of these has no room for a lead.
    pub fn full(&self, left: &Left, table: &Table, now: Timestamp, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        let traits = &table.traits;
        left.iter()
            .filter(|number| self.full.has(*number) || traits.uneven.has(*number) || traits.paced.has(*number))
            .filter_map(|number| {
                let recipient = table.recipients.get(number as usize)?;
                let counters = self.counters.get(number as usize)?;
                let limit = (counters.iter().zip(&recipient.limits))
                    .enumerate()
                    .position(|(limit, (counter, rules))| !counter.has_room(amount(number, limit), rules, recipient, now))?;
                Some(Full { number, limit, used: counters[limit].used })
            })
            .collect()
    }
}

fn counters_of(recipient: &Recipient, now: Timestamp) -> Vec<Counter> {
    recipient.limits.iter().map(|limit| Counter::of(limit, recipient, now)).collect()
}

fn take_over(before: &[Counter], after: &mut [Counter]) {
    for counter in after {
        counter.used = before.iter().find(|known| known.label == counter.label).map_or(0, |known| known.used);
    }
}

/// Whether there is no room for the least that a lead can add, before limits are spread over their windows.
fn is_full(counters: &[Counter], recipient: &Recipient) -> bool {
    let full = |(counter, limit): (&Counter, &Limit)| limit.is_limited() && counter.used.saturating_add(counter.least) > counter.most;
    counters.iter().zip(&recipient.limits).any(full)
}

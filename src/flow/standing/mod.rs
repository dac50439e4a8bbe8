//! What a router knows of the world when it decides: who is there, places used and turns, by the numbers of one table.
//!
//! It is kept up to date by the router's own deeds and by time, and read afresh from the store; so it may lag behind other routers. That never breaks a
//! limit: the store checks each reservation, and its answer corrects the standing. [`counters`] count what is used and keep who has no room as bits,
//! [`presence`] who is away; both are looked at again only when their time has come ([`agenda`]). [`rotations`] are the turns. [`generations`] keep the standing under the
//! table before too, while leads go by it.

mod agenda;
mod counters;
mod generations;
mod presence;
mod rotations;

use std::sync::Arc;

use jiff::Timestamp;

pub use generations::Generations;

use agenda::Agenda;
use counters::Counters;
use presence::Presences;
use rotations::Rotations;

use super::decide::{Full, World};
use crate::lead::RecipientKey;
use crate::lead::decision::Turn;
use crate::store::{Hold, TakeTurn, TurnAt, Used};
use crate::table::Table;
use crate::table::bits::Bits;
use crate::table::policy::Tier;

/// What is known, under one table.
pub struct Standing {
    table: Arc<Table>,
    /// When the store was last asked; older than anything before it was.
    pub read_at: Timestamp,
    agenda: Agenda,
    counters: Counters,
    presences: Presences,
    rotations: Rotations,
}

impl Standing {
    /// What is known at the start: nothing but who is there.
    pub fn new(table: Arc<Table>, now: Timestamp) -> Self {
        let mut standing = Self {
            read_at: Timestamp::MIN,
            agenda: Agenda::default(),
            counters: Counters::new(&table, now),
            presences: Presences::new(table.recipients.len()),
            rotations: Rotations::default(),
            table,
        };
        (0..standing.table.recipients.len() as u32).for_each(|number| standing.look_at(number, now));
        standing
    }

    /// Whether recipients' numbers are those of this table.
    pub fn is_under(&self, table: &Arc<Table>) -> bool {
        Arc::ptr_eq(&self.table, table)
    }

    /// The same under another table.
    fn beside(&self, table: &Arc<Table>, now: Timestamp) -> Self {
        let mut other = Self::new(Arc::clone(table), now);
        other.read_at = self.read_at;
        other.counters.take_over(&self.counters, &self.table, table);
        other.rotations = self.rotations.clone().renumbered(&self.table, table);
        other
    }

    /// Takes over a table, and what is known of recipients that it has too.
    pub fn follow(&mut self, table: &Arc<Table>, now: Timestamp) {
        if Arc::ptr_eq(&self.table, table) {
            return;
        }
        let before = std::mem::replace(&mut self.table, Arc::clone(table));
        if Arc::ptr_eq(&before.numbers, &table.numbers) {
            for number in table.recipients.different(&before.recipients) {
                self.counters.renew(number, &table.recipients[number as usize], now);
                self.look_at(number, now);
            }
            return;
        }
        self.table = before;
        *self = self.beside(table, now);
    }

    /// Looks again at those whose hours, windows or paces change by `now`.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(number) = self.agenda.due(now) {
            self.look_at(number, now);
        }
    }

    fn look_at(&mut self, number: u32, now: Timestamp) {
        let Some(recipient) = self.table.recipients.get(number as usize) else { return };
        let changes = [self.presences.look(number, recipient, now), self.counters.look(number, recipient, now)];
        if let Some(at) = changes.into_iter().flatten().min() {
            self.agenda.put(at, number);
        }
    }

    /// Takes over what the store says, asked at `read_at`.
    pub fn refresh(&mut self, read_at: Timestamp, used: &[Used], turns: Vec<TurnAt>) {
        self.read_at = read_at;
        self.counters.refresh(used, &self.table);
        self.rotations.refresh(turns, &self.table);
    }

    /// Counts an assignment that is about to be reserved, so that the next decision sees it.
    pub fn assume(&mut self, recipient: &RecipientKey, holds: &[Hold], turn: Option<&TakeTurn>) {
        let Some(number) = self.table.numbers.get(recipient).copied() else { return };
        self.counters.take(number, holds, &self.table);
        if let Some(taken) = turn {
            self.rotations.take(number, taken);
        }
    }

    /// Counts places that were given back. Returns whether one of them had been the last.
    pub fn release(&mut self, recipient: &RecipientKey, holds: &[Hold]) -> bool {
        let Some(number) = self.table.numbers.get(recipient).copied() else { return false };
        let was_full = self.counters.is_full(number);
        self.counters.give_back(number, holds, &self.table);
        was_full && !self.counters.is_full(number)
    }

    /// Takes over the store's word that a window is full.
    pub fn full(&mut self, recipient: &RecipientKey, window: &str, used: i64) {
        if let Some(number) = self.table.numbers.get(recipient).copied() {
            self.counters.set(number, window, used, &self.table);
        }
    }

    /// Takes an assignment back that was never reserved, its turn too.
    pub fn never_mind(&mut self, recipient: &RecipientKey, holds: &[Hold], turn: Option<&TakeTurn>) {
        let Some(number) = self.table.numbers.get(recipient).copied() else { return };
        self.counters.put_back(number, holds, &self.table);
        if let Some(taken) = turn {
            self.rotations.put_back(number, taken);
        }
    }

    /// Takes over the store's word on turns.
    pub fn turned(&mut self, turns: Vec<TurnAt>) {
        self.rotations.put(turns, &self.table);
    }

    /// The turn that an assignment by this tier uses up. Every method takes one: it tells who was assigned least recently.
    pub fn turn_for(&self, tier: &Tier, number: u32) -> TakeTurn {
        self.rotations.next(tier, number, self.table.recipients.get(number as usize).map_or(1, |recipient| recipient.weight))
    }
}

impl World for Standing {
    fn away(&mut self, left: &Bits) -> Bits {
        left.both(&self.presences.away)
    }

    fn full(&mut self, left: &Bits, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        self.counters.full(left, &self.table, amount)
    }

    fn used(&mut self, number: u32, limit: usize) -> i64 {
        self.counters.used(number, limit)
    }

    fn turn(&mut self, rotation: &str, number: u32) -> Turn {
        self.rotations.turn(rotation, number)
    }

    fn floor(&mut self, rotation: &str) -> i64 {
        self.rotations.floor(rotation)
    }
}

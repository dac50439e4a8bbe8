//! The record of what a decision read of the world.
//!
//! It is a tape: each answer is put down in the order of asking, and a replay, which asks the same in the same order, reads it off. On the tape are numbers
//! alone: for who is full, their count and then (number, limit, used) of each; for a turn, position and sequence; for the rest, the number itself. Who is
//! away, until when, and how much of a window is over, are not on it: these follow from rules and time.

use jiff::Timestamp;

use super::left::Left;
use super::world::{Full, World};
use crate::calendar::{Presence, pacing};
use crate::lead::decision::Turn;
use crate::table::Table;

/// A world whose answers are put on tape.
pub struct Recording<'w, W> {
    world: &'w mut W,
    tape: Vec<i64>,
}

impl<'w, W: World> Recording<'w, W> {
    pub fn of(world: &'w mut W) -> Self {
        Self { world, tape: Vec::new() }
    }

    pub fn tape(self) -> Vec<i64> {
        self.tape
    }
}

impl<W: World> World for Recording<'_, W> {
    fn away(&mut self, left: &Left) -> Vec<u32> {
        self.world.away(left)
    }

    fn back(&mut self, number: u32) -> Option<Timestamp> {
        self.world.back(number)
    }

    fn elapsed(&mut self, number: u32, limit: usize) -> f64 {
        self.world.elapsed(number, limit)
    }

    fn full(&mut self, left: &Left, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        let full = self.world.full(left, amount);
        self.tape.push(full.len() as i64);
        for Full { number, limit, used } in &full {
            self.tape.extend([i64::from(*number), *limit as i64, *used]);
        }
        full
    }

    fn used(&mut self, number: u32, limit: usize) -> i64 {
        let used = self.world.used(number, limit);
        self.tape.push(used);
        used
    }

    fn turn(&mut self, rotation: &str, number: u32) -> Turn {
        let turn = self.world.turn(rotation, number);
        self.tape.extend([turn.position, turn.last]);
        turn
    }

    fn floor(&mut self, rotation: &str) -> i64 {
        let floor = self.world.floor(rotation);
        self.tape.push(floor);
        floor
    }
}

/// The world of a record. A tape that ends too early reads as zeros.
pub struct Replaying<'a> {
    table: &'a Table,
    now: Timestamp,
    tape: std::slice::Iter<'a, i64>,
}

impl<'a> Replaying<'a> {
    pub fn of(table: &'a Table, now: Timestamp, tape: &'a [i64]) -> Self {
        Self { table, now, tape: tape.iter() }
    }

    fn next(&mut self) -> i64 {
        self.tape.next().copied().unwrap_or(0)
    }
}

impl World for Replaying<'_> {
    fn away(&mut self, left: &Left) -> Vec<u32> {
        away(self.table, left, self.now)
    }

    fn back(&mut self, number: u32) -> Option<Timestamp> {
        match self.table.recipients.get(number as usize)?.availability.at(self.now) {
            Presence::Away { until, .. } => until,
            Presence::Here { .. } => None,
        }
    }

    fn elapsed(&mut self, number: u32, limit: usize) -> f64 {
        let Some(recipient) = self.table.recipients.get(number as usize) else { return 0.0 };
        let Some(limit) = recipient.limits.get(limit) else { return 0.0 };
        pacing::elapsed_share(&limit.window(&recipient.availability.zone, self.now), &recipient.availability, self.now)
    }

    fn full(&mut self, _: &Left, _: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        let count = usize::try_from(self.next()).unwrap_or(0).min(self.tape.len() / 3);
        let one = |world: &mut Self| Full {
            number: u32::try_from(world.next()).unwrap_or(u32::MAX),
            limit: usize::try_from(world.next()).unwrap_or(usize::MAX),
            used: world.next(),
        };
        (0..count).map(|_| one(self)).collect()
    }

    fn used(&mut self, _: u32, _: usize) -> i64 {
        self.next()
    }

    fn turn(&mut self, _: &str, _: u32) -> Turn {
        Turn { position: self.next(), last: self.next() }
    }

    fn floor(&mut self, _: &str) -> i64 {
        self.next()
    }
}

/// Who of these is away, asked one by one.
pub fn away(table: &Table, left: &Left, now: Timestamp) -> Vec<u32> {
    left.iter().filter(|number| !table.recipients[*number as usize].availability.is_here(now)).collect()
}

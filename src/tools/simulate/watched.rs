//! A standing, with an eye on whom caps keep leads from.

use jiff::Timestamp;

use crate::flow::decide::{Full, Left, World};
use crate::flow::standing::Standing;
use crate::lead::decision::Turn;
use crate::table::Table;
use crate::table::recipient::What;

/// Answers as the standing does, and notes who is at a cap.
pub struct Watched<'a> {
    pub standing: &'a mut Standing,
    pub table: &'a Table,
    /// Numbers of recipients, as often as they were found at a cap.
    pub capped: &'a mut Vec<u32>,
}

impl World for Watched<'_> {
    fn away(&mut self, left: &Left) -> Vec<u32> {
        self.standing.away(left)
    }

    fn full(&mut self, left: &Left, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full> {
        let full = World::full(self.standing, left, amount);
        let is_cap = |one: &&Full| {
            let limit = self.table.recipients.get(one.number as usize).and_then(|recipient| recipient.limits.get(one.limit));
            limit.is_some_and(|limit| matches!(limit.what, What::Taken(_) | What::Spent(_)))
        };
        self.capped.extend(full.iter().filter(is_cap).map(|one| one.number));
        full
    }

    fn back(&mut self, number: u32) -> Option<Timestamp> {
        self.standing.back(number)
    }

    fn elapsed(&mut self, number: u32, limit: usize) -> f64 {
        self.standing.elapsed(number, limit)
    }

    fn used(&mut self, number: u32, limit: usize) -> i64 {
        self.standing.used(number, limit)
    }

    fn turn(&mut self, rotation: &str, number: u32) -> Turn {
        self.standing.turn(rotation, number)
    }

    fn floor(&mut self, rotation: &str) -> i64 {
        self.standing.floor(rotation)
    }
}

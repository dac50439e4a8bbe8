//! What a decision may know of the world.

use jiff::Timestamp;

use super::left::Left;
use crate::lead::decision::Turn;

/// What is known of places and turns, at the moment of the decision and under its table. Recipients go by their numbers in the table.
pub trait World {
    /// Who of these takes no leads now: closed, off or paused. Ascending. This follows from table and time alone.
    fn away(&mut self, left: &Left) -> Vec<u32>;
    /// When somebody who is away will be back, as far as that is in sight. This, too, follows from table and time.
    fn back(&mut self, number: u32) -> Option<Timestamp>;
    /// The share of the working time of a limit's present window that is over, from 0 to 1, by the limit's place. This, too, follows from table and time.
    fn elapsed(&mut self, number: u32, limit: usize) -> f64;
    /// Who of these has no room for one more lead, ascending. `amount` tells what the lead adds to a recipient's limit, by its place.
    fn full(&mut self, left: &Left, amount: &mut dyn FnMut(u32, usize) -> i64) -> Vec<Full>;
    /// How much of a limit is used in its present window, by its place.
    fn used(&mut self, number: u32, limit: usize) -> i64;
    /// How far a recipient has come in a rotation.
    fn turn(&mut self, rotation: &str, number: u32) -> Turn;
    /// Where the rotation's last turn began.
    fn floor(&mut self, rotation: &str) -> i64;
}

/// A recipient without room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    pub number: u32,
    /// The place of the first limit that is reached.
    pub limit: usize,
    pub used: i64,
}

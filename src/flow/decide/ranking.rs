//! The order in which a tier's recipients are asked.
//!
//! Whatever the method, equals go by who was assigned least recently in this tier, then by a fixed hash of tier and name. Nothing depends on the order
//! in which objects were made.

use std::cmp::Ordering;

use crate::lead::decision::{Ranked, Turn};
use crate::table::bits::Bits;
use crate::table::policy::{Method, Tier};
use crate::table::recipient::OPEN;

use super::Deciding;

impl Deciding<'_> {
    /// Everybody who is left, best first.
    pub(super) fn rank(&mut self, tier: &Tier, left: &Bits) -> Vec<(u32, Ranked)> {
        if left.is_empty() {
            return Vec::new();
        }
        let floor = self.question.known.floor(&tier.rotation);
        if floor != 0 {
            self.inputs.floors.insert(tier.rotation.clone(), floor);
        }
        let mut placed: Vec<Placed> = left
            .iter()
            .map(|number| {
                let turn = self.turn(tier, number);
                let (value, error) = self.value(tier, number, turn, floor);
                Placed { number, value, last: turn.last, hash: hash(&tier.rotation, self.recipient(number).key.as_str()), error }
            })
            .collect();
        placed.sort_by(Placed::order);
        placed
            .into_iter()
            .map(|placed| {
                let recipient = self.recipient(placed.number).key.clone();
                (placed.number, Ranked { recipient, value: placed.value, error: placed.error })
            })
            .collect()
    }

    /// What the method compares; the greater goes first.
    fn value(&mut self, tier: &Tier, number: u32, turn: Turn, floor: i64) -> (f64, Option<String>) {
        let recipient = self.recipient(number);
        match &tier.method {
            Method::Priority => (f64::from(recipient.priority), None),
            Method::RoundRobin | Method::Weighted => (-(turn.position.max(floor) as f64), None),
            Method::Score(expression) => {
                let load = self.used(&recipient.key, OPEN);
                match expression.score(&self.facts, &recipient.facts(load)) {
                    Ok(score) => (score, None),
                    Err(fault) => (f64::MIN, Some(fault.to_string())),
                }
            }
        }
    }

    /// Reads and writes down a turn.
    fn turn(&mut self, tier: &Tier, number: u32) -> Turn {
        let recipient = &self.recipient(number).key;
        let turn = self.question.known.turn(&tier.rotation, recipient);
        if turn != Turn::default() {
            self.inputs.turns.entry(tier.rotation.clone()).or_default().insert(recipient.clone(), turn);
        }
        turn
    }
}

/// A recipient with all that its place depends on.
struct Placed {
    number: u32,
    value: f64,
    last: i64,
    hash: u64,
    error: Option<String>,
}

impl Placed {
    fn order(&self, other: &Self) -> Ordering {
        other
            .value
            .total_cmp(&self.value)
            .then(self.last.cmp(&other.last))
            .then(self.hash.cmp(&other.hash))
            .then(self.number.cmp(&other.number))
    }
}

/// The fixed hash that breaks the last tie.
fn hash(rotation: &str, recipient: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(rotation.as_bytes());
    hasher.update(&[0]);
    hasher.update(recipient.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

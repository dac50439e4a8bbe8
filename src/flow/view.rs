//! What a router knows of the world when it decides: places used and turns, kept up to date by its own deeds and read afresh from the store.
//!
//! The view may lag behind other routers. That never breaks a limit: the store checks each reservation, and its answer corrects the view.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::decide::{Known, TURN};
use crate::lead::RecipientKey;
use crate::lead::decision::{Turn, Unavailable};
use crate::store::{Hold, TakeTurn, TurnAt, Used};
use crate::table::compile::Table;
use crate::table::policy::{Method, Tier};

/// Places used and turns.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When the store was last asked; older than anything before it was.
    pub read_at: Timestamp,
    used: HashMap<RecipientKey, HashMap<String, i64>>,
    rotations: HashMap<String, Rotation>,
}

/// The turns of one tier.
#[derive(Clone, Debug, Default)]
struct Rotation {
    turns: HashMap<RecipientKey, Turn>,
    /// Where the last turn began.
    floor: i64,
    /// The last sequence number.
    last: i64,
}

impl View {
    /// Takes over what the store says, asked at `read_at`.
    pub fn refresh(&mut self, read_at: Timestamp, used: Vec<Used>, turns: Vec<TurnAt>, table: &Table) {
        self.read_at = read_at;
        self.used.clear();
        for place in used {
            self.used.entry(place.recipient).or_default().insert(place.window, place.count);
        }
        self.rotations.clear();
        let weighted: HashSet<&str> =
            tiers(table).filter(|tier| tier.method == Method::Weighted).map(|tier| tier.rotation.as_str()).collect();
        for at in turns {
            let weight = table
                .numbers
                .get(&at.recipient)
                .filter(|_| weighted.contains(at.rotation.as_str()))
                .map(|number| table.recipients[*number as usize].weight);
            let rotation = self.rotations.entry(at.rotation).or_default();
            if at.turn.last > rotation.last {
                rotation.last = at.turn.last;
                rotation.floor = at.turn.position - weight.map_or(TURN, step);
            }
            rotation.turns.insert(at.recipient, at.turn);
        }
    }

    /// Counts an assignment that is about to be reserved, so that the next decision sees it.
    pub fn assume(&mut self, recipient: &RecipientKey, holds: &[Hold], turn: Option<&TakeTurn>) {
        for hold in holds {
            *self.used.entry(recipient.clone()).or_default().entry(hold.window.clone()).or_default() += 1;
        }
        if let Some(taken) = turn {
            let rotation = self.rotations.entry(taken.rotation.clone()).or_default();
            let turn = rotation.turns.entry(recipient.clone()).or_default();
            rotation.floor = rotation.floor.max(turn.position.max(taken.floor));
            rotation.last += 1;
            *turn = Turn { position: turn.position.max(taken.floor) + taken.step, last: rotation.last };
        }
    }

    /// Counts places that were given back.
    pub fn release(&mut self, recipient: &RecipientKey, holds: &[Hold]) {
        let Some(windows) = self.used.get_mut(recipient) else { return };
        for hold in holds {
            if let Some(count) = windows.get_mut(&hold.window) {
                *count = (*count - 1).max(0);
            }
        }
    }

    /// Takes over the store's word that a window is full.
    pub fn full(&mut self, recipient: &RecipientKey, window: &str, used: i64) {
        self.used.entry(recipient.clone()).or_default().insert(window.to_owned(), used);
    }

    /// The turn that an assignment by this tier uses up. Every method takes one: it tells who was assigned least recently.
    pub fn turn_for(&self, tier: &Tier, weight: i32) -> TakeTurn {
        let floor = self.rotations.get(&tier.rotation).map_or(0, |rotation| rotation.floor);
        let step = if tier.method == Method::Weighted { step(weight) } else { TURN };
        TakeTurn { rotation: tier.rotation.clone(), floor, step, seen: 0, expect: None }
    }
}

fn tiers(table: &Table) -> impl Iterator<Item = &Tier> {
    table.policies.iter().flat_map(|policy| &policy.tiers)
}

/// Virtual time that a turn costs.
fn step(weight: i32) -> i64 {
    TURN / i64::from(weight.max(1))
}

/// A view together with the circuits of the moment.
pub struct Seen<'a> {
    pub view: &'a View,
    pub unavailable: &'a BTreeMap<String, Unavailable>,
}

impl Known for Seen<'_> {
    fn used(&self, recipient: &RecipientKey, window: &str) -> i64 {
        self.view.used.get(recipient).and_then(|windows| windows.get(window)).copied().unwrap_or(0)
    }

    fn turn(&self, rotation: &str, recipient: &RecipientKey) -> Turn {
        self.view.rotations.get(rotation).and_then(|rotation| rotation.turns.get(recipient)).copied().unwrap_or_default()
    }

    fn floor(&self, rotation: &str) -> i64 {
        self.view.rotations.get(rotation).map_or(0, |rotation| rotation.floor)
    }

    fn unavailable(&self, endpoint: &str) -> Option<Unavailable> {
        self.unavailable.get(endpoint).cloned()
    }
}

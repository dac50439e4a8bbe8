//! Turns: how far each recipient has come in each tier's rotation.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::api::routing_policy::AfterAbsence;
use crate::flow::decide::TURN;
use crate::lead::decision::Turn;
use crate::store::{TakeTurn, TurnAt};
use crate::table::Table;
use crate::table::policy::{Order, Tier};

/// The turns of all tiers.
#[derive(Clone, Default)]
pub(super) struct Rotations {
    rotations: HashMap<String, Rotation, FxBuildHasher>,
}

/// The turns of one tier.
#[derive(Clone, Debug, Default)]
struct Rotation {
    turns: HashMap<u32, Turn, FxBuildHasher>,
    /// Where the last turn began.
    floor: i64,
    /// The last sequence number.
    last: i64,
}

impl Rotations {
    /// Takes over what the store says: all turns.
    pub fn refresh(&mut self, turns: Vec<TurnAt>, table: &Table) {
        self.rotations.clear();
        self.put(turns, table);
    }

    /// Takes over turns.
    pub fn put(&mut self, turns: Vec<TurnAt>, table: &Table) {
        for at in turns {
            let Some(number) = table.numbers.get(&at.recipient).copied() else { continue };
            let weight = if is_weighted(table, &at.rotation) { table.recipients[number as usize].weight } else { 1 };
            let rotation = self.rotations.entry(at.rotation).or_default();
            if at.turn.last > rotation.last {
                rotation.last = at.turn.last;
                rotation.floor = at.turn.position - step(weight);
            }
            rotation.turns.insert(number, at.turn);
        }
    }

    /// The turns by the numbers of another table.
    pub fn renumbered(mut self, before: &Table, after: &Table) -> Self {
        for rotation in self.rotations.values_mut() {
            let turns = std::mem::take(&mut rotation.turns);
            rotation.turns = turns
                .into_iter()
                .filter_map(|(number, turn)| Some((*after.numbers.get(&before.recipients.get(number as usize)?.key)?, turn)))
                .collect();
        }
        self
    }

    /// The turn that an assignment uses up.
    pub fn next(&self, tier: &Tier, number: u32, weight: i32) -> TakeTurn {
        let rotation = self.rotations.get(&tier.rotation);
        let turn = rotation.and_then(|rotation| rotation.turns.get(&number)).copied().unwrap_or_default();
        let order = tier.method.order();
        let catches_up = matches!(order, Some(Order::RoundRobin(AfterAbsence::CatchUp) | Order::Weighted(AfterAbsence::CatchUp)));
        // Who catches up goes on from where it was; who never had a turn begins where the rotation is.
        let floor = if catches_up && turn.last != 0 { i64::MIN } else { rotation.map_or(0, |rotation| rotation.floor) };
        TakeTurn {
            rotation: tier.rotation.clone(),
            floor,
            step: if matches!(order, Some(Order::Weighted(_))) { step(weight) } else { TURN },
            seen: rotation.map_or(0, |rotation| rotation.last),
            expect: order.is_some_and(Order::takes_turns).then_some(turn),
        }
    }

    /// Counts a turn as taken.
    pub fn take(&mut self, number: u32, taken: &TakeTurn) {
        let rotation = self.rotations.entry(taken.rotation.clone()).or_default();
        let turn = rotation.turns.entry(number).or_default();
        let from = turn.position.max(taken.floor);
        rotation.floor = rotation.floor.max(from);
        rotation.last += 1;
        *turn = Turn { position: from.saturating_add(taken.step), last: rotation.last };
    }

    /// Counts a turn as never taken, unless somebody has said otherwise since.
    pub fn put_back(&mut self, number: u32, taken: &TakeTurn) {
        let Some(turn) = self.rotations.get_mut(&taken.rotation).and_then(|rotation| rotation.turns.get_mut(&number)) else { return };
        if let Some(before) = taken.expect.filter(|before| before.position.max(taken.floor).saturating_add(taken.step) == turn.position) {
            *turn = before;
        }
    }

    pub fn turn(&self, rotation: &str, number: u32) -> Turn {
        self.rotations.get(rotation).and_then(|rotation| rotation.turns.get(&number)).copied().unwrap_or_default()
    }

    pub fn floor(&self, rotation: &str) -> i64 {
        self.rotations.get(rotation).map_or(0, |rotation| rotation.floor)
    }
}

fn is_weighted(table: &Table, rotation: &str) -> bool {
    let tier = rotation.split_once('/').and_then(|(policy, tier)| table.policy(policy)?.tier(tier));
    matches!(tier.and_then(|tier| tier.method.order()), Some(Order::Weighted(_)))
}

/// Virtual time that a turn costs.
fn step(weight: i32) -> i64 {
    TURN / i64::from(weight.max(1))
}

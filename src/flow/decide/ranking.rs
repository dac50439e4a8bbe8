//! The order in which a tier's recipients are asked.
//!
//! Whatever the method, equals go by who was assigned least recently in this tier, then by a fixed hash of tier and name. Nothing depends on the order
//! in which objects were made.

use std::cmp::Ordering;

use jiff::SignedDuration;

use super::deciding::{Deciding, SHOWN};
use super::world::World;
use crate::api::routing_policy::{AfterAbsence, LoadBy};
use crate::calendar::pacing;
use crate::lead::decision::{Ranked, Turn};
use crate::table::bits::Bits;
use crate::table::policy::{Method, Order, Tier};
use crate::table::recipient::{Recipient, What};
use crate::table::row::Row;

/// A recipient with all that its place depends on.
pub(super) struct Placed {
    pub number: u32,
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

    pub fn shown(&self, recipients: &Row<Recipient>) -> Ranked {
        Ranked { recipient: recipients[self.number as usize].key.clone(), value: self.value, error: self.error.clone() }
    }
}

impl<W: World> Deciding<'_, '_, W> {
    /// Who is left, best first: all of them in a tier that compares prices, else as many as can matter.
    pub(super) fn rank(&mut self, tier: &Tier, left: &Bits) -> Vec<Placed> {
        if left.is_empty() {
            return Vec::new();
        }
        let floor = match tier.method.order() {
            Some(order) if order.takes_turns() => self.world.floor(&tier.rotation),
            _ => 0,
        };
        let mut placed: Vec<Placed> = Vec::with_capacity(left.count() as usize);
        let hashes = &self.question.table.traits.hashes;
        for number in left.iter() {
            let turn = self.world.turn(&tier.rotation, number);
            let (value, error) = match tier.method.order() {
                Some(order) => self.value(order, number, turn, floor),
                None => (0.0, None),
            };
            placed.push(Placed { number, value, last: turn.last, hash: mix(tier.hash, hashes[number as usize]), error });
        }
        // Whoever is beyond those that show can't become a candidate.
        if placed.len() > SHOWN * 2 && !tier.compares {
            placed.select_nth_unstable_by(SHOWN * 2, Placed::order);
            let owner = self.owner_of(tier, left);
            let kept = placed.iter().skip(SHOWN * 2).position(|one| Some(one.number) == owner).map(|at| placed.swap_remove(at + SHOWN * 2));
            placed.truncate(SHOWN * 2);
            placed.extend(kept);
        }
        placed.sort_unstable_by(Placed::order);
        if let Some(owner) = self.owner_of(tier, left)
            && let Some(at) = placed.iter().position(|one| one.number == owner)
        {
            placed[..=at].rotate_right(1);
        }
        placed
    }

    fn owner_of(&self, tier: &Tier, left: &Bits) -> Option<u32> {
        match &tier.method {
            Method::Sticky { by, within, .. } => self.owner(by, *within, left),
            Method::Order(_) => None,
        }
    }

    /// The known owner of the lead among those left: the one by the first field that tells any.
    pub(super) fn owner(&self, by: &[String], within: Option<SignedDuration>, left: &Bits) -> Option<u32> {
        let since = within.and_then(|within| self.question.now.checked_sub(within).ok());
        by.iter().find_map(|field| {
            let known = self.question.owners.iter().filter(|owner| owner.field == *field && since.is_none_or(|since| owner.at >= since));
            known.filter_map(|owner| self.question.table.numbers.get(&owner.recipient).copied()).find(|number| left.has(*number))
        })
    }

    /// What the method compares; the greater goes first.
    fn value(&mut self, order: &Order, number: u32, turn: Turn, floor: i64) -> (f64, Option<String>) {
        // For most orders nothing of the recipient itself is looked at: among many, that is what costs.
        let recipient = || self.question.table.recipients[number as usize].as_ref();
        let value = match order {
            Order::Priority => f64::from(recipient().priority),
            // Who never had a turn begins where the rotation is.
            Order::RoundRobin(AfterAbsence::CatchUp) | Order::Weighted(AfterAbsence::CatchUp) if turn.last != 0 => -(turn.position as f64),
            Order::RoundRobin(_) | Order::Weighted(_) => -(turn.position.max(floor) as f64),
            Order::HighestPrice => recipient().price_of(self.terms(recipient())).map_or(0.0, |price| price.minor as f64),
            Order::Attainment => self.behind(number),
            Order::LeastLoaded(by) => -self.load(recipient(), number, *by),
            Order::Score(expression) => {
                let (recipient, terms) = (recipient(), self.terms(recipient()));
                let world = &mut self.world;
                let facts = recipient.facts(terms, |limit| world.used(number, limit));
                match expression.score(&self.facts, &facts) {
                    Ok(score) => score,
                    Err(fault) => return (f64::MIN, Some(fault.to_string())),
                }
            }
        };
        (value, None)
    }

    /// How far a recipient is behind its target: the share of the window's working time that is over, less the share of the target that it got.
    fn behind(&mut self, number: u32) -> f64 {
        let recipient = self.recipient(number);
        let Some((target, limit)) = recipient.target.and_then(|target| Some((target, recipient.limits.get(target.limit)?))) else {
            return f64::MIN;
        };
        let used = self.world.used(number, target.limit);
        let window = limit.window(&recipient.availability.zone, self.question.now);
        pacing::elapsed_share(&window, &recipient.availability, self.question.now) - used as f64 / target.leads.max(1) as f64
    }

    fn load(&mut self, recipient: &Recipient, number: u32, by: LoadBy) -> f64 {
        let mut used = |what: What| recipient.counting(what).map(|limit| self.world.used(number, limit));
        let open = used(What::Open).unwrap_or(0) as f64;
        match by {
            LoadBy::OpenLeads => open,
            LoadBy::OpenWeight => used(What::OpenWeight).map_or(open, |weight| weight as f64),
            // Somebody without a capacity has all of it free.
            LoadBy::ShareOfCapacity => {
                let share = |used: f64, what: What| recipient.capacity(what).map_or(0.0, |most| used / most.max(1) as f64);
                let weight = used(What::OpenWeight).map_or(0.0, |weight| share(weight as f64, What::OpenWeight));
                share(open, What::Open).max(weight)
            }
        }
    }
}

/// The fixed number that breaks the last tie: the two hashes, mixed so that neither order shows.
fn mix(tier: u64, recipient: u64) -> u64 {
    let mut mixed = tier ^ recipient.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

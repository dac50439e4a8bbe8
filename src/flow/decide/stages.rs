//! The stages of a tier: who goes at each, and who is left.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::deciding::{Deciding, LOOK_AGAIN};
use super::left::Left;
use super::stand_ins::Absent;
use super::world::{Full, World};
use crate::lead::decision::{Stage, TierTrace};
use crate::lead::{Candidate, UnmatchedReason};
use crate::table::bits::Bits;
use crate::table::index;
use crate::table::policy::{Method, Order, Tier};
use crate::table::recipient::{Reached, Recipient, Terms, What};

/// Who went at the stages that tell why nobody is left, over all tiers.
#[derive(Default)]
pub(super) struct Removed {
    tried: u32,
    skills: u32,
    quiet: u32,
    away: Vec<u32>,
    full: Vec<Full>,
    circuits: u32,
}

/// Stages whose names are always the same.
pub(super) struct Names {
    when: Arc<str>,
    asked_before: Arc<str>,
    exclusive: Arc<str>,
    quiet_hours: Arc<str>,
    away: Arc<str>,
    circuit: Arc<str>,
    weight: Arc<str>,
    target: Arc<str>,
    owner: Arc<str>,
}

pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    when: "when".into(),
    asked_before: "asked before".into(),
    exclusive: "exclusive".into(),
    quiet_hours: "quiet hours".into(),
    away: "away".into(),
    circuit: "circuit".into(),
    weight: "weight".into(),
    target: "target".into(),
    owner: "owner".into(),
});

impl<W: World> Deciding<'_, '_, W> {
    /// Leaves who can be asked. Returns who would be, but for a cap at which the lead waits, and until when.
    pub(super) fn stages(
        &mut self,
        tier: &Tier,
        (left, removed): (&mut Left, index::Removed),
        before: &[Candidate],
        trace: &mut TierTrace,
    ) -> Vec<(u32, Timestamp)> {
        let stages = &mut trace.stages;
        for (name, removed) in self.question.table.stages.iter().zip(removed).filter(|(_, removed)| *removed > 0) {
            stages.push(Stage { name: Arc::clone(name), removed });
        }
        self.conditions(left, stages);
        self.removed.tried += self.asked(left, before, stages);
        self.not_alone(left, before, stages);
        self.skills(left, stages);
        self.quiet_hours(left, stages);
        self.unranked(tier, left, stages);
        if let Method::Sticky { by, within, otherwise: None } = &tier.method {
            let owner = self.owner(by, *within, left);
            let others = left.count() - u32::from(owner.is_some());
            if others > 0 {
                stages.push(Stage { name: Arc::clone(&NAMES.owner), removed: others });
            }
            *left = owner.map(Left::one).unwrap_or_default();
        }
        let mut absent = Vec::new();
        self.away(left, stages, &mut absent);
        let waiting = self.places(left, stages, &mut absent);
        self.stand_ins(absent, left, before, &mut trace.stand_ins);
        self.circuits(left, &mut trace.stages);
        waiting
    }

    /// Who has no place in the method's order; a known owner needs none.
    fn unranked(&self, tier: &Tier, left: &mut Left, stages: &mut Vec<Stage>) {
        let traits = &self.question.table.traits;
        let (name, without) = match tier.method.order() {
            Some(Order::Weighted(_)) => (&NAMES.weight, &traits.weightless),
            Some(Order::Attainment) => (&NAMES.target, &traits.aimless),
            _ => return,
        };
        match self.owner_of(tier, left).filter(|owner| without.has(*owner)) {
            None => {
                remove(left, stages, name, without);
            }
            Some(owner) => {
                let mut others = without.clone();
                others.take(owner);
                remove(left, stages, name, &others);
            }
        }
    }

    /// Recipients' own CEL conditions.
    fn conditions(&self, left: &mut Left, stages: &mut Vec<Stage>) {
        let traits = &self.question.table.traits;
        let before = left.count();
        left.retain(|number| {
            !traits.conditional.has(number) || traits.condition(number).is_none_or(|when| when.holds(&self.facts) == Ok(true))
        });
        let removed = before - left.count();
        if removed > 0 {
            stages.push(Stage { name: Arc::clone(&NAMES.when), removed });
        }
    }

    /// Who was asked already, or is a candidate of an earlier tier.
    fn asked(&self, left: &mut Left, before: &[Candidate], stages: &mut Vec<Stage>) -> u32 {
        let numbers = &self.question.table.numbers;
        let asked = self.question.tried.iter().chain(before.iter().map(|candidate| &candidate.recipient));
        let mut going: Vec<u32> = asked.filter_map(|key| numbers.get(key).copied()).collect();
        going.sort_unstable();
        let before = left.count();
        left.take_all(going);
        let removed = before - left.count();
        if removed > 0 {
            stages.push(Stage { name: Arc::clone(&NAMES.asked_before), removed });
        }
        removed
    }

    /// Who takes leads alone only, when somebody has this one.
    fn not_alone(&self, left: &mut Left, before: &[Candidate], stages: &mut Vec<Stage>) {
        if !self.question.taken.is_empty() || before.iter().any(|candidate| !candidate.exclusive) {
            remove(left, stages, &NAMES.exclusive, &self.question.table.traits.exclusive);
        }
    }

    /// Agents without a skill that the lead needs.
    fn skills(&mut self, left: &mut Left, stages: &mut Vec<Stage>) {
        let Some(policy) = self.policy else { return };
        let traits = &self.question.table.traits;
        for needed in &policy.skills {
            let until = needed.relax_after.and_then(|after| self.question.lead.arrived_at.checked_add(after).ok());
            let relaxed = until.is_some_and(|until| until <= self.question.now);
            if relaxed || needed.when.as_ref().is_some_and(|when| when.holds(&self.facts) != Ok(true)) {
                continue;
            }
            let mut without = traits.agents.clone();
            if let Some(skilled) = traits.skilled(&needed.skill) {
                without.and_not(skilled);
            }
            let removed = remove(left, stages, &Arc::from(needed.stage.as_str()), &without);
            self.removed.skills += removed;
            if let Some(until) = until.filter(|_| removed > 0) {
                self.retry_no_later_than(until);
            }
        }
    }

    /// Who calls, when the law forbids it.
    fn quiet_hours(&mut self, left: &mut Left, stages: &mut Vec<Stage>) {
        let Some(until) = self.quiet_until else { return };
        let removed = remove(left, stages, &NAMES.quiet_hours, &self.question.table.traits.callers);
        self.removed.quiet += removed;
        if removed > 0 {
            self.retry_no_later_than(until);
        }
    }

    /// Who is closed, off or paused.
    fn away(&mut self, left: &mut Left, stages: &mut Vec<Stage>, absent: &mut Vec<Absent>) {
        let away = self.world.away(left);
        left.take_all(away.iter().copied());
        if !away.is_empty() {
            stages.push(Stage { name: Arc::clone(&NAMES.away), removed: away.len() as u32 });
        }
        absent.extend(away.iter().filter_map(|number| self.covered(*number)));
        self.removed.away.extend(away);
    }

    /// Who has no place left: open leads and calendar windows. Returns those for whom the lead waits.
    fn places(&mut self, left: &mut Left, stages: &mut Vec<Stage>, absent: &mut Vec<Absent>) -> Vec<(u32, Timestamp)> {
        let full = self.no_room(left);
        let mut waiting = Vec::new();
        let mut counts: Vec<(&'static str, u32)> = Vec::new();
        for one in &full {
            let Some(limit) = self.recipient(one.number).limits.get(one.limit) else { continue };
            match counts.iter_mut().find(|(stage, _)| *stage == limit.stage()) {
                Some((_, count)) => *count += 1,
                None => counts.push((limit.stage(), 1)),
            }
            match &limit.reached {
                Reached::NextCandidate => {}
                Reached::Queue => waiting.push((one.number, self.room_at(one))),
                Reached::Fallback(named) => absent.push(Absent { number: one.number, named: named.clone() }),
            }
        }
        left.take_all(full.iter().map(|one| one.number));
        counts.sort_unstable();
        stages.extend(counts.into_iter().map(|(stage, removed)| Stage { name: stage.into(), removed }));
        self.removed.full.extend(full);
        waiting
    }

    /// Who of these has no room for the lead.
    pub(super) fn no_room(&mut self, left: &Left) -> Vec<Full> {
        let alone = self.policy.is_some_and(|policy| policy.max_recipients == 1);
        self.no_room_at(left, |recipient| recipient.exclusive || alone)
    }

    /// Who of these has no room for the lead, told who would have it alone.
    pub(super) fn no_room_at(&mut self, left: &Left, alone: impl Fn(&Recipient) -> bool) -> Vec<Full> {
        let (recipients, grade) = (&self.question.table.recipients, self.grade);
        self.world.full(left, &mut |number, limit| {
            let recipient = &recipients[number as usize];
            let terms = Terms { grade, exclusive: alone(recipient) };
            recipient.limits.get(limit).map_or(0, |limit| recipient.amount(limit, terms))
        })
    }

    /// When there may be room again.
    fn room_at(&self, full: &Full) -> Timestamp {
        let now = self.question.now;
        let recipient = self.recipient(full.number);
        let at = recipient.limits.get(full.limit).and_then(|limit| match limit.what {
            // When an open lead is closed, nobody knows.
            What::Open | What::OpenWeight => None,
            What::Taken(_) | What::Spent(_) => {
                let window = limit.window(&recipient.availability.zone, now);
                limit.room_at(&window, &recipient.availability, full.used, recipient.amount(limit, self.terms(recipient)), now)
            }
        });
        at.unwrap_or_else(|| now.saturating_add(LOOK_AGAIN).unwrap_or(now))
    }

    /// Whose endpoint can't be delivered to.
    fn circuits(&mut self, left: &mut Left, stages: &mut Vec<Stage>) {
        let mut removed = 0;
        for (endpoint, unavailable) in self.question.unavailable {
            let of_endpoint = self.question.table.traits.delivered_to(endpoint).iter().filter(|number| left.has(**number));
            let of_endpoint: Vec<u32> = of_endpoint.copied().collect();
            if of_endpoint.is_empty() {
                continue;
            }
            self.inputs.unavailable.insert(endpoint.clone(), unavailable.clone());
            if unavailable.hint && self.ignore_hints {
                continue;
            }
            removed += of_endpoint.len() as u32;
            left.take_all(of_endpoint);
            if let Some(until) = unavailable.until {
                self.retry_no_later_than(until);
            }
        }
        if removed > 0 {
            stages.push(Stage { name: Arc::clone(&NAMES.circuit), removed });
        }
        self.removed.circuits += removed;
    }

    /// When somebody who was away or at a limit may be back: asked when nobody is left.
    pub(super) fn when_back(&mut self) {
        for number in std::mem::take(&mut self.removed.away) {
            if let Some(until) = self.world.back(number) {
                self.retry_no_later_than(until);
            }
        }
        for full in std::mem::take(&mut self.removed.full) {
            let back = self.room_at(&full);
            self.retry_no_later_than(back);
        }
    }

    /// The last stage at which anybody went tells why nobody is left.
    pub(super) fn why_nobody(&self) -> UnmatchedReason {
        let removed = &self.removed;
        if self.policy.is_none() {
            UnmatchedReason::NoPolicy
        } else if removed.circuits > 0 {
            UnmatchedReason::EndpointsUnavailable
        } else if !removed.full.is_empty() {
            UnmatchedReason::CapsReached
        } else if !removed.away.is_empty() {
            UnmatchedReason::AllAway
        } else if removed.quiet > 0 {
            UnmatchedReason::QuietHours
        } else if removed.skills > 0 {
            UnmatchedReason::SkillMissing
        } else if removed.tried > 0 {
            UnmatchedReason::AllRefused
        } else {
            UnmatchedReason::NobodyMatches
        }
    }
}

/// Removes members and writes the stage down when any went.
fn remove(left: &mut Left, stages: &mut Vec<Stage>, name: &Arc<str>, going: &Bits) -> u32 {
    let before = left.count();
    left.retain(|number| !going.has(number));
    let removed = before - left.count();
    if removed > 0 {
        stages.push(Stage { name: Arc::clone(name), removed });
    }
    removed
}

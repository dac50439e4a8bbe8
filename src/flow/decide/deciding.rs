//! One run of a decision: through the tiers of a policy.

use jiff::{SignedDuration, Timestamp};

use super::Question;
use super::left::Left;
use super::stages::Removed;
use super::tape::Recording;
use super::world::World;
use crate::api::routing_policy::{Mode, WhenClosed};
use crate::geography::{Calling, Location, calling};
use crate::lead::decision::{Inputs, PassedOver, Scored, TierTrace};
use crate::lead::{Candidate, Decision, UnmatchedReason, Value};
use crate::table::bits::Bits;
use crate::table::expression::LeadFacts;
use crate::table::index::Subject;
use crate::table::policy::{Policy, Tier};
use crate::table::recipient::{Recipient, Terms};

/// Candidates that a decision lists beyond those wanted, for when one has no place left.
const SPARE: usize = 3;
/// Recipients that a tier's trace shows.
pub(super) const SHOWN: usize = 16;
/// After how long it is asked again whether somebody has finished an open lead.
pub(super) const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(60);

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// One run.
pub(super) struct Deciding<'a, 'w, W> {
    pub question: &'a Question<'a>,
    pub policy: Option<&'a Policy>,
    pub world: Recording<'w, W>,
    pub facts: LeadFacts<'a>,
    /// `lead.grade`, `lead.score` and `lead.source`, as the index looks them up.
    derived: [Option<Value>; 3],
    pub grade: Option<&'a str>,
    score: Option<Scored>,
    pub inputs: Inputs,
    pub ignore_hints: bool,
    pub retry_at: Option<Timestamp>,
    pub removed: Removed,
    /// The law forbids to call the lead until then.
    pub quiet_until: Option<Timestamp>,
}

impl<'a, 'w, W: World> Deciding<'a, 'w, W> {
    pub fn new(question: &'a Question<'a>, policy: Option<&'a Policy>, ignore_hints: bool, world: Recording<'w, W>) -> Self {
        let Question { table, lead, now, tried, taken, owners, .. } = *question;
        let inputs = Inputs {
            now,
            tried: tried.to_vec(),
            taken: taken.to_vec(),
            owners: owners.to_vec(),
            hints_ignored: ignore_hints,
            ..Inputs::default()
        };
        let mut facts = LeadFacts::of(lead, &table.schema);
        let (mut grade, mut score) = (None, None);
        let mut derived = [None, None, Some(Value::Text(lead.source.clone()))];
        if let Some(scoring) = policy.and_then(|policy| policy.scoring.as_ref()) {
            let scored = scoring.score(&facts);
            facts = facts.with_score(scored.points, scored.grade);
            grade = scored.grade;
            derived[0] = grade.map(|grade| Value::Text(grade.to_owned()));
            derived[1] = Some(Value::Integer(scored.points));
            score = Some(Scored {
                points: scored.points,
                grade: grade.map(str::to_owned),
                fired: scored.fired.into_iter().map(str::to_owned).collect(),
            });
        }
        Self {
            question,
            policy,
            world,
            facts,
            derived,
            grade,
            score,
            inputs,
            ignore_hints,
            retry_at: None,
            removed: Removed::default(),
            quiet_until: None,
        }
    }

    pub fn run(mut self, passed_over: &[PassedOver]) -> Decision {
        let mut tiers = Vec::new();
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut waits = None;
        if let Some(policy) = self.policy {
            self.quiet_until = policy.quiet_hours.and_then(|_| self.quiet());
            if policy.quiet_hours == Some(WhenClosed::Wait) && self.quiet_until.is_some() {
                waits = self.quiet_until.map(|until| (UnmatchedReason::QuietHours, until));
            } else if self.wanted() > 0 {
                waits = self.tiers(policy, &mut tiers, &mut candidates).map(|until| (UnmatchedReason::Queued, until));
            }
        }
        let unmatched = candidates.is_empty().then(|| waits.map_or_else(|| self.why_nobody(), |(reason, _)| reason));
        if unmatched.is_some() {
            waits.into_iter().for_each(|(_, until)| self.retry_no_later_than(until));
            self.when_back();
        }
        self.inputs.read = self.world.tape();
        Decision {
            lead: self.question.lead.id,
            rules: self.question.table.digest.clone(),
            policy: self.policy.map(|policy| policy.name.clone()),
            shadow: self.policy.is_some_and(|policy| policy.mode == Mode::Shadow),
            passed_over: passed_over.to_vec(),
            score: self.score,
            tiers,
            retry_at: if unmatched.is_some() { self.retry_at } else { None },
            candidates,
            unmatched,
            inputs: self.inputs,
        }
    }

    /// Goes through the tiers. Returns until when the lead waits for a recipient at its cap, when it is the best.
    fn tiers(&mut self, policy: &'a Policy, traces: &mut Vec<TierTrace>, candidates: &mut Vec<Candidate>) -> Option<Timestamp> {
        let taken = self.question.taken;
        let nobody_yet = taken.is_empty();
        let enough = self.wanted() + SPARE;
        for tier in &policy.tiers {
            let of_tier = taken.iter().filter(|taken| taken.tier == tier.name).count();
            let limit = tier.limit.map_or(usize::MAX, |limit| limit as usize);
            if of_tier < limit && candidates.len() < enough {
                let wanted = self.wanted().min(limit - of_tier);
                let waits = self.tier(tier, wanted, enough - candidates.len(), traces, candidates);
                if candidates.is_empty() && waits.is_some() {
                    return waits;
                }
            }
            // A sale in this tier keeps the lead from the next ones; so will one that is about to be made.
            if candidates.len() >= self.wanted() || (tier.stops && (of_tier > 0 || candidates.iter().any(|one| one.tier == tier.name))) {
                break;
            }
        }
        if let Some(fallback) = policy.fallback.as_ref().filter(|_| candidates.is_empty() && nobody_yet) {
            let waits = self.tier(fallback, self.wanted(), enough, traces, candidates);
            if candidates.is_empty() {
                return waits;
            }
        }
        None
    }

    /// One tier: its stages, who is left, best first.
    fn tier(
        &mut self,
        tier: &'a Tier,
        wanted: usize,
        room: usize,
        traces: &mut Vec<TierTrace>,
        candidates: &mut Vec<Candidate>,
    ) -> Option<Timestamp> {
        let mut trace = TierTrace {
            tier: tier.name.clone(),
            method: tier.method.name().to_owned(),
            used: tier.when.as_ref().is_none_or(|when| when.holds(&self.facts) == Ok(true)),
            members: tier.members.count(),
            stages: Vec::new(),
            stand_ins: Vec::new(),
            left: 0,
            comparison: None,
            waits_for: None,
            ranked: Vec::new(),
        };
        if !trace.used {
            traces.push(trace);
            return None;
        }
        let mut members = tier.members.clone();
        let removed = self.narrow(&mut members);
        let mut left = Left::of(&members);
        let waiting = self.stages(tier, (&mut left, removed), candidates, &mut trace);
        trace.left = left.count();
        let with_room = left.clone();
        waiting.iter().for_each(|(number, _)| left.add(*number));
        let mut ranked = self.rank(tier, &left);
        let sold = self.exclusive_or_shared(tier, wanted, &with_room, &mut ranked, &mut trace);
        trace.ranked = ranked.iter().take(SHOWN).map(|placed| placed.shown(&self.question.table.recipients)).collect();
        let mut waits = None;
        for placed in ranked.iter().take(room) {
            let recipient = self.recipient(placed.number);
            if let Some((_, until)) = waiting.iter().find(|(number, _)| *number == placed.number) {
                trace.waits_for = Some(recipient.key.clone());
                waits = Some(*until);
                break;
            }
            let exclusive = sold.is_exclusive(placed.number) || recipient.exclusive || self.policy.is_some_and(|p| p.max_recipients == 1);
            candidates.push(Candidate {
                recipient: recipient.key.clone(),
                tier: tier.name.clone(),
                endpoint: recipient.endpoint.to_string(),
                price: recipient.price_of(Terms { grade: self.grade, exclusive }),
                exclusive,
            });
        }
        traces.push(trace);
        waits
    }

    /// How many more recipients the lead may have.
    pub fn wanted(&self) -> usize {
        if self.question.taken.iter().any(|taken| taken.exclusive) {
            return 0;
        }
        self.policy.map_or(0, |policy| (policy.max_recipients as usize).saturating_sub(self.question.taken.len()))
    }

    pub fn recipient(&self, number: u32) -> &'a Recipient {
        &self.question.table.recipients[number as usize]
    }

    /// The terms on which a recipient would have the lead before it is known whether it is compared.
    pub fn terms(&self, recipient: &Recipient) -> Terms<'a> {
        Terms { grade: self.grade, exclusive: recipient.exclusive || self.policy.is_some_and(|policy| policy.max_recipients == 1) }
    }

    /// Keeps who takes the lead by its fields.
    pub fn narrow(&self, left: &mut Bits) -> crate::table::index::Removed {
        let value = |subject: Subject| match subject {
            Subject::Field(slot) => self.facts.slot(slot),
            Subject::Grade => self.derived[0].as_ref(),
            Subject::Score => self.derived[1].as_ref(),
            Subject::Source => self.derived[2].as_ref(),
        };
        self.question.table.index.narrow(value, left)
    }

    /// Until when the law forbids to call the lead.
    fn quiet(&self) -> Option<Timestamp> {
        let lead = self.question.lead;
        let text = |field: &str| match lead.get(field) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let location = Location { zip: text("location.zip"), phone: text("contact.phone"), state: text("location.state") };
        match calling(&location, self.question.now) {
            Calling::Open => None,
            Calling::Quiet { until } => Some(until),
            // Where it may be called at no hour, it is looked at again when its place may be known better.
            Calling::Never => Some(self.question.now.saturating_add(A_DAY).unwrap_or(Timestamp::MAX)),
        }
    }

    pub fn retry_no_later_than(&mut self, at: Timestamp) {
        self.retry_at = Some(self.retry_at.map_or(at, |before| before.min(at)));
    }
}

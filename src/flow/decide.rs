//! Who gets a lead: the pure function at the heart.
//!
//! `decide` sees rules, the lead and what is [`Known`] of the world (places used, turns, circuits, time), and nothing else. It writes down what it saw,
//! so [`again`] comes to the same bytes from the record.

mod ranking;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::lead::decision::{Inputs, PassedOver, PassedOverWhy, Stage, TierTrace, Turn, Unavailable};
use crate::lead::{Candidate, Decision, Lead, RecipientKey, UnmatchedReason};
use crate::table::bits::Bits;
use crate::table::compile::Table;
use crate::table::expression::LeadFacts;
use crate::table::policy::{Method, Policy, Tier};
use crate::table::recipient::Recipient;

/// Candidates that a decision lists beyond those wanted, for when one has no place left.
const SPARE: usize = 3;
/// Recipients that a tier's trace shows.
const SHOWN: usize = 16;
/// After how long it is asked again whether somebody has finished an open lead.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Virtual time of one turn at weight 1.
pub const TURN: i64 = 1_000_000_000;

/// What a decision may know of the world.
pub trait Known {
    /// Places used in a window.
    fn used(&self, recipient: &RecipientKey, window: &str) -> i64;
    /// How far a recipient has come in a rotation.
    fn turn(&self, rotation: &str, recipient: &RecipientKey) -> Turn;
    /// Where the rotation's last turn began.
    fn floor(&self, rotation: &str) -> i64;
    /// Whether, and for how long, an endpoint can't be delivered to.
    fn unavailable(&self, endpoint: &str) -> Option<Unavailable>;
}

/// What is asked.
pub struct Question<'a> {
    pub table: &'a Table,
    pub lead: &'a Lead,
    pub known: &'a dyn Known,
    pub now: Timestamp,
    /// Recipients that were asked in this run, or have the lead.
    pub tried: &'a [RecipientKey],
    /// How many have the lead.
    pub taken: u32,
}

/// Decides.
pub fn decide(question: &Question<'_>) -> Decision {
    let decision = Deciding::new(question, false).run();
    let only_hints = decision.candidates.is_empty() && decision.inputs.unavailable.values().any(|unavailable| unavailable.hint);
    if only_hints { Deciding::new(question, true).run() } else { decision }
}

/// Decides again from a decision's record, by the rules and the lead of then.
pub fn again(table: &Table, lead: &Lead, record: &Decision) -> Decision {
    let Inputs { now, tried, taken, .. } = &record.inputs;
    decide(&Question { table, lead, known: &record.inputs, now: *now, tried, taken: *taken })
}

/// The policy that takes a lead, and those passed over before it.
pub fn policy<'t>(table: &'t Table, lead: &Lead, facts: &LeadFacts<'_>) -> (Option<&'t Policy>, Vec<PassedOver>) {
    let empty = BTreeMap::new();
    let labels = table.sources.get(&lead.source).map_or(&empty, |source| &source.labels);
    let mut passed_over = Vec::new();
    for policy in &table.policies {
        let why = if !policy.takes_source(labels) {
            PassedOverWhy::OtherSource
        } else {
            match policy.when.as_ref().map_or(Ok(true), |when| when.holds(facts)) {
                Ok(true) => return (Some(policy), passed_over),
                Ok(false) => PassedOverWhy::ConditionFalse,
                Err(_) => PassedOverWhy::ConditionFailed,
            }
        };
        passed_over.push(PassedOver { policy: policy.name.clone(), why });
    }
    (None, passed_over)
}

/// One run of a decision.
struct Deciding<'a> {
    question: &'a Question<'a>,
    facts: LeadFacts<'a>,
    inputs: Inputs,
    ignore_hints: bool,
    retry_at: Option<Timestamp>,
    removed: Removed,
}

/// How many went at the stages that tell why nobody is left.
#[derive(Default)]
struct Removed {
    tried: u32,
    caps: u32,
    circuits: u32,
}

impl<'a> Deciding<'a> {
    fn new(question: &'a Question<'a>, ignore_hints: bool) -> Self {
        let inputs = Inputs { now: question.now, tried: question.tried.to_vec(), taken: question.taken, ..Inputs::default() };
        Self {
            question,
            facts: LeadFacts::of(question.lead, &question.table.schema),
            inputs,
            ignore_hints,
            retry_at: None,
            removed: Removed::default(),
        }
    }

    fn run(mut self) -> Decision {
        let (policy, passed_over) = policy(self.question.table, self.question.lead, &self.facts);
        let mut tiers = Vec::new();
        let mut candidates: Vec<Candidate> = Vec::new();
        if let Some(policy) = policy {
            let wanted = policy.max_recipients.saturating_sub(self.question.taken) as usize;
            for tier in &policy.tiers {
                if candidates.len() >= wanted {
                    break;
                }
                let (trace, numbers) = self.tier(tier, &candidates);
                tiers.push(trace);
                let room = (wanted + SPARE).saturating_sub(candidates.len());
                candidates.extend(numbers.into_iter().take(room).map(|number| {
                    let recipient = self.recipient(number);
                    Candidate { recipient: recipient.key.clone(), tier: tier.name.clone(), endpoint: recipient.endpoint.to_string() }
                }));
            }
        }
        let unmatched = candidates.is_empty().then(|| self.why_nobody(policy.is_some()));
        Decision {
            lead: self.question.lead.id,
            rules: self.question.table.digest.clone(),
            policy: policy.map(|policy| policy.name.clone()),
            passed_over,
            tiers,
            retry_at: if unmatched.is_some() { self.retry_at } else { None },
            candidates,
            unmatched,
            inputs: self.inputs,
        }
    }

    fn recipient(&self, number: u32) -> &'a Recipient {
        &self.question.table.recipients[number as usize]
    }

    /// The stages of one tier, and who is left, best first.
    fn tier(&mut self, tier: &Tier, before: &[Candidate]) -> (TierTrace, Vec<u32>) {
        let mut trace = TierTrace {
            tier: tier.name.clone(),
            method: tier.method.name().to_owned(),
            used: tier.when.as_ref().is_none_or(|when| when.holds(&self.facts) == Ok(true)),
            members: tier.members.count(),
            stages: Vec::new(),
            left: 0,
            ranked: Vec::new(),
        };
        if !trace.used {
            return (trace, Vec::new());
        }
        let mut left = tier.members.clone();
        let stages = &mut trace.stages;
        self.question
            .table
            .index
            .narrow(self.question.lead, &mut left, |name, removed| stages.push(Stage { name: name.to_owned(), removed }));
        self.conditions(&mut left, stages);
        self.tried(&mut left, before, stages);
        self.places(&mut left, stages);
        self.circuits(&mut left, stages);
        if tier.method == Method::Weighted {
            remove(&mut left, stages, "weight", |number| self.recipient(number).weight == 0);
        }
        trace.left = left.count();
        let ranked = self.rank(tier, &left);
        trace.ranked = ranked.iter().take(SHOWN).map(|(_, shown)| shown.clone()).collect();
        (trace, ranked.into_iter().map(|(number, _)| number).collect())
    }

    /// Recipients' own CEL conditions.
    fn conditions(&self, left: &mut Bits, stages: &mut Vec<Stage>) {
        remove(left, stages, "when", |number| self.recipient(number).when.as_ref().is_some_and(|when| when.holds(&self.facts) != Ok(true)));
    }

    /// Who was asked already, or is a candidate of an earlier tier.
    fn tried(&mut self, left: &mut Bits, before: &[Candidate], stages: &mut Vec<Stage>) {
        let numbers = &self.question.table.numbers;
        let asked = self.question.tried.iter().chain(before.iter().map(|candidate| &candidate.recipient));
        let asked: Vec<u32> = asked.filter_map(|key| numbers.get(key).copied()).collect();
        self.removed.tried += remove(left, stages, "asked before", |number| asked.contains(&number));
    }

    /// Who has no place left: open leads and calendar windows.
    fn places(&mut self, left: &mut Bits, stages: &mut Vec<Stage>) {
        let now = self.question.now;
        let mut gone: Vec<(u32, &'static str)> = Vec::new();
        for number in left.iter() {
            let recipient = self.recipient(number);
            // All windows are read, so that all are on record.
            let holds = recipient.holds(now);
            let full: Vec<bool> = holds.iter().map(|hold| self.used(&recipient.key, &hold.window) >= hold.limit).collect();
            if let Some(first) = full.iter().position(|full| *full) {
                gone.push((number, stage_of(&holds[first].window)));
            }
        }
        for (number, stage) in &gone {
            left.take(*number);
            let recipient = self.recipient(*number);
            let full = recipient.caps.iter().filter(|cap| self.used_now(&recipient.key, &recipient.window(cap.per, now)) >= cap.leads);
            // All full windows must have ended before the recipient is back. When an open lead is closed, nobody knows.
            let ends = full.filter_map(|cap| recipient.window_end(cap.per, now));
            let look_again = (*stage == "open leads").then(|| now.saturating_add(LOOK_AGAIN).unwrap_or(now));
            if let Some(back) = ends.chain(look_again).max() {
                self.retry_no_later_than(back);
            }
        }
        for stage in ["open leads", "cap day", "cap month"] {
            let removed = gone.iter().filter(|(_, at)| *at == stage).count() as u32;
            if removed > 0 {
                stages.push(Stage { name: stage.to_owned(), removed });
                self.removed.caps += removed;
            }
        }
    }

    /// Whose endpoint can't be delivered to.
    fn circuits(&mut self, left: &mut Bits, stages: &mut Vec<Stage>) {
        let mut gone = Vec::new();
        for number in left.iter() {
            let endpoint = self.recipient(number).endpoint.as_ref();
            let Some(unavailable) = self.question.known.unavailable(endpoint) else { continue };
            self.inputs.unavailable.insert(endpoint.to_owned(), unavailable.clone());
            if unavailable.hint && self.ignore_hints {
                continue;
            }
            gone.push(number);
            if let Some(until) = unavailable.until {
                self.retry_no_later_than(until);
            }
        }
        self.removed.circuits += remove(left, stages, "circuit", |number| gone.contains(&number));
    }

    /// Reads and writes down how many places are used.
    fn used(&mut self, recipient: &RecipientKey, window: &str) -> i64 {
        let used = self.used_now(recipient, window);
        if used != 0 {
            self.inputs.used.entry(recipient.clone()).or_default().insert(window.to_owned(), used);
        }
        used
    }

    fn used_now(&self, recipient: &RecipientKey, window: &str) -> i64 {
        self.question.known.used(recipient, window)
    }

    fn retry_no_later_than(&mut self, at: Timestamp) {
        self.retry_at = Some(self.retry_at.map_or(at, |before| before.min(at)));
    }

    /// The last stage at which anybody went tells why nobody is left.
    fn why_nobody(&self, has_policy: bool) -> UnmatchedReason {
        match self.removed {
            _ if !has_policy => UnmatchedReason::NoPolicy,
            Removed { circuits: 1.., .. } => UnmatchedReason::EndpointsUnavailable,
            Removed { caps: 1.., .. } => UnmatchedReason::CapsReached,
            Removed { tried: 1.., .. } => UnmatchedReason::AllRefused,
            _ => UnmatchedReason::NobodyMatches,
        }
    }
}

/// Removes members and writes the stage down when any went.
fn remove(left: &mut Bits, stages: &mut Vec<Stage>, name: &str, mut goes: impl FnMut(u32) -> bool) -> u32 {
    let gone: Vec<u32> = left.iter().filter(|number| goes(*number)).collect();
    gone.iter().for_each(|number| left.take(*number));
    let removed = gone.len() as u32;
    if removed > 0 {
        stages.push(Stage { name: name.to_owned(), removed });
    }
    removed
}

fn stage_of(window: &str) -> &'static str {
    match window.split(':').next() {
        Some("day") => "cap day",
        Some("month") => "cap month",
        _ => "open leads",
    }
}

/// A record knows what its decision knew.
impl Known for Inputs {
    fn used(&self, recipient: &RecipientKey, window: &str) -> i64 {
        self.used.get(recipient).and_then(|windows| windows.get(window)).copied().unwrap_or(0)
    }

    fn turn(&self, rotation: &str, recipient: &RecipientKey) -> Turn {
        self.turns.get(rotation).and_then(|turns| turns.get(recipient)).copied().unwrap_or_default()
    }

    fn floor(&self, rotation: &str) -> i64 {
        self.floors.get(rotation).copied().unwrap_or(0)
    }

    fn unavailable(&self, endpoint: &str) -> Option<Unavailable> {
        self.unavailable.get(endpoint).cloned()
    }
}

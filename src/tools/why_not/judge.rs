//! Goes through the tests of a decision for one recipient.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::filters;
use crate::api::exchange::Privacy;
use crate::calendar::{AwayWhy, Presence};
use crate::flow::decide::tape::Replaying;
use crate::flow::decide::{Full, Left, Question, World, decide};
use crate::lead::decision::{TierTrace, Turn};
use crate::lead::{Decision, Lead, LeadId, RecipientKey, Value};
use crate::table::expression::LeadFacts;
use crate::table::nearest::nearest;
use crate::table::policy::{Method, Order, Policy, Tier};
use crate::table::recipient::{Recipient, filters as compiled};
use crate::table::{Objects, Table};
use crate::tools::explanation::{ShownDelivery, ShownState};
use crate::tools::explanation_text::{compared, measure, passed_over};
use crate::tools::parties::parties;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyNot {
    pub lead: LeadId,
    pub recipient: String,
    /// When the decision was made that is spoken of: the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// One sentence.
    pub verdict: String,
    /// In the order in which a decision makes them.
    pub tests: Vec<Tested>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// The tier that it belongs to; none for the recipient's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What had to hold.
    pub test: String,
    pub passed: bool,
    /// What was there.
    pub found: String,
}

/// What is asked.
pub struct Asked<'a> {
    /// The rules of the decision.
    pub table: &'a Table,
    pub objects: &'a Objects,
    pub lead: &'a Lead,
    /// The last decision by a live policy.
    pub decision: Option<&'a Decision>,
    pub deliveries: &'a [ShownDelivery],
    pub recipient: &'a RecipientKey,
}

/// Why the recipient did not get the lead.
pub fn judge(asked: &Asked<'_>) -> WhyNot {
    let mut tests = Vec::new();
    let verdict = asked.verdict(&mut tests);
    WhyNot {
        lead: asked.lead.id,
        recipient: asked.recipient.to_string(),
        decided_at: asked.decision.map(|decision| decision.inputs.now),
        verdict,
        tests,
    }
}

impl Asked<'_> {
    fn verdict(&self, tests: &mut Vec<Tested>) -> String {
        let key = self.recipient;
        let Some((number, recipient)) =
            self.table.numbers.get(key).and_then(|number| Some((*number, self.table.recipients.get(*number as usize)?)))
        else {
            let known = self.table.numbers.keys().map(RecipientKey::as_str);
            let near = nearest(key.as_str(), known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return format!("The rules have no recipient {key}{near}");
        };
        let Some(decision) = self.decision else { return "The lead has not been decided yet".to_owned() };
        for passed in &decision.passed_over {
            tests.push(Tested {
                tier: None,
                test: format!("policy {} takes the lead", passed.policy),
                passed: false,
                found: passed_over(passed.why).to_owned(),
            });
        }
        let Some(policy) = decision.policy.as_deref().and_then(|name| self.table.policy(name)) else {
            return "No policy takes the lead".to_owned();
        };
        // Policies that were passed over are no fault of the recipient's.
        tests.clear();
        let spied = self.spied(decision);
        self.own_tests(recipient, decision, tests);
        let tiers: Vec<_> = policy.all_tiers().filter(|tier| tier.members.has(number)).collect();
        if tiers.is_empty() {
            tests.push(Tested {
                tier: None,
                test: format!("is in a tier or the fallback of policy {}", policy.name),
                passed: false,
                found: "it is in none".to_owned(),
            });
        }
        for tier in &tiers {
            self.tier_tests(policy, tier, (number, recipient), decision, &spied, tests);
        }
        self.sentence(policy, decision, tests)
    }

    /// The recipient's filters and its condition.
    fn own_tests(&self, recipient: &Recipient, decision: &Decision, tests: &mut Vec<Tested>) {
        let grade = decision.score.as_ref().and_then(|score| score.grade.as_deref());
        let points = decision.score.as_ref().map(|score| score.points);
        let Some(party) = parties(self.objects).into_iter().find(|party| party.key() == *self.recipient) else { return };
        for filter in party.accepts() {
            let derived = match filter.field.as_str() {
                "lead.grade" => Some(grade.map(|grade| Value::Text(grade.to_owned()))),
                "lead.score" => Some(points.map(Value::Integer)),
                "lead.source" => Some(Some(Value::Text(self.lead.source.clone()))),
                _ => None,
            };
            let personal = self.table.schema.field(&filter.field).is_some_and(|field| field.privacy == Privacy::Personal);
            let value = derived.unwrap_or_else(|| self.lead.get(&filter.field).cloned());
            let test = compiled::tests(std::slice::from_ref(filter), "spec.accepts", &self.table.schema);
            let passed = test.is_ok_and(|tests| tests.iter().all(|(_, test)| test.passes(value.as_ref())));
            let found = match value {
                None => "the lead has none".to_owned(),
                Some(_) if personal => "a personal value, not shown".to_owned(),
                Some(value) => format!("it is {value}"),
            };
            tests.push(Tested { tier: None, test: filters::words(filter), passed, found });
        }
        if let Some(when) = &recipient.when {
            let facts = LeadFacts::of(self.lead, &self.table.schema).with_score(points.unwrap_or_default(), grade);
            tests.push(condition(None, when.text(), when.holds(&facts).map_err(|fault| fault.to_string())));
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn tier_tests(
        &self,
        policy: &Policy,
        tier: &Tier,
        recipient: (u32, &Recipient),
        decision: &Decision,
        spied: &Spied,
        tests: &mut Vec<Tested>,
    ) {
        let (number, recipient) = recipient;
        let mut test =
            |test: String, passed: bool, found: String| tests.push(Tested { tier: Some(tier.name.clone()), test, passed, found });
        let Some(trace) = decision.tiers.iter().find(|trace| trace.tier == tier.name) else {
            return test("the tier is asked".to_owned(), false, "earlier tiers had somebody, or an end of the waterfall".to_owned());
        };
        if let Some(when) = &tier.when {
            let found = if trace.used { "it is true" } else { "it is false, or reads what the lead lacks" };
            test(format!("the tier is used when {}", when.text()), trace.used, found.to_owned());
        }
        if !trace.used {
            return;
        }
        let inputs = &decision.inputs;
        let tried = inputs.tried.contains(self.recipient);
        test("was not asked before for this lead".to_owned(), !tried, self.fate().unwrap_or("it was not").to_owned());
        if recipient.exclusive {
            let alone = inputs.taken.is_empty();
            test("nobody else has the lead".to_owned(), alone, format!("{} have it", inputs.taken.len()));
        }
        self.skills(policy, recipient, number, decision, &mut test);
        if trace.stages.iter().any(|stage| &*stage.name == "quiet hours") {
            test(
                "does not call, in quiet hours".to_owned(),
                !recipient.calls,
                if recipient.calls { "it calls" } else { "it doesn't" }.to_owned(),
            );
        }
        match &tier.method {
            Method::Order(Order::Weighted(_)) => {
                test("has a weight".to_owned(), recipient.weight > 0, format!("it is {}", recipient.weight))
            }
            Method::Order(Order::Attainment) => {
                let found = recipient.target.map_or_else(|| "it has none".to_owned(), |target| format!("it is {} leads", target.leads));
                test("has a target".to_owned(), recipient.target.is_some(), found);
            }
            Method::Sticky { by, otherwise: None, .. } => {
                let known: Vec<_> = inputs.owners.iter().map(|owner| owner.recipient.to_string()).collect();
                let is_owner = inputs.owners.iter().any(|owner| owner.recipient == *self.recipient);
                let found = if known.is_empty() { "nobody is known".to_owned() } else { format!("known is {}", known.join(", ")) };
                test(format!("is known as owner by {}", by.join(" or ")), is_owner, found);
            }
            _ => {}
        }
        let (here, found) = presence(recipient, inputs.now);
        test("takes leads at this time".to_owned(), here, found);
        let full = spied.full.iter().find(|full| full.number == number).and_then(|full| Some((full, recipient.limits.get(full.limit)?)));
        if let Some((full, limit)) = full {
            let window = limit.window(&recipient.availability.zone, inputs.now);
            let allowed = limit.allowed(&window, &recipient.availability, inputs.now);
            test(format!("has room under {}", limit.stage()), false, format!("{} of {allowed} are used", full.used));
        } else if spied.asked.iter().any(|asked| asked.has(number)) {
            test("has room under its caps and capacity".to_owned(), true, "it has".to_owned());
        }
        if let Some(down) = inputs.unavailable.get(recipient.endpoint.as_ref()).filter(|down| !(down.hint && inputs.hints_ignored)) {
            let until = down.until.map_or_else(|| "paused".to_owned(), |until| format!("tripped until {until}"));
            test(format!("its endpoint {} can be delivered to", recipient.endpoint), false, format!("it was {until}"));
        }
        if let Some(found) = place(trace, self.recipient) {
            test("comes first in its tier".to_owned(), found.0, found.1);
        }
    }

    fn skills(
        &self,
        policy: &Policy,
        recipient: &Recipient,
        number: u32,
        decision: &Decision,
        test: &mut impl FnMut(String, bool, String),
    ) {
        let facts = LeadFacts::of(self.lead, &self.table.schema);
        for needed in policy.skills.iter().filter(|_| self.table.traits.agents.has(number)) {
            let until = needed.relax_after.and_then(|after| self.lead.arrived_at.checked_add(after).ok());
            let relaxed = until.is_some_and(|until| until <= decision.inputs.now);
            let is_needed = !relaxed && needed.when.as_ref().is_none_or(|when| when.holds(&facts) == Ok(true));
            if is_needed {
                let found =
                    if recipient.skills.is_empty() { "it has none".to_owned() } else { format!("it has {}", recipient.skills.join(", ")) };
                test(format!("has the skill {}", needed.skill), recipient.skills.contains(&needed.skill), found);
            }
        }
    }

    /// What became of its deliveries, the last one telling.
    fn fate(&self) -> Option<&'static str> {
        let last = self.deliveries.iter().rfind(|delivery| delivery.recipient == *self.recipient)?;
        Some(match last.state {
            ShownState::Accepted => "it took the lead",
            ShownState::Open => "it is being asked",
            ShownState::Refused => "it refused the lead",
            ShownState::Failed => "it could not be reached",
        })
    }

    fn sentence(&self, policy: &Policy, decision: &Decision, tests: &[Tested]) -> String {
        let key = self.recipient;
        if let Some(fate) = self.fate() {
            return format!("{key} was asked: {fate}");
        }
        // The first that failed, of the recipient's own or else of its first tier in which any did.
        if let Some(failed) = tests.iter().find(|test| !test.passed) {
            let tier = failed.tier.as_ref().map_or_else(String::new, |tier| format!(", tier {tier}"));
            return format!("Policy {}{tier}: {key} fails at: {}; {}", policy.name, failed.test, failed.found);
        }
        match decision.candidates.iter().position(|candidate| candidate.recipient == *key) {
            Some(at) => format!("{key} was no. {} to be asked; nobody before it refused", at + 1),
            None => format!("{key} passes every test; others were enough"),
        }
    }

    /// The decision made again, with an eye on who had no room.
    fn spied(&self, decision: &Decision) -> Spied {
        let inputs = &decision.inputs;
        let heeded = |hint: bool| !(hint && inputs.hints_ignored);
        let unavailable: BTreeMap<_, _> =
            inputs.unavailable.iter().filter(|(_, down)| heeded(down.hint)).map(|(name, down)| (name.clone(), down.clone())).collect();
        let question = Question {
            table: self.table,
            lead: self.lead,
            now: inputs.now,
            tried: &inputs.tried,
            taken: &inputs.taken,
            owners: &inputs.owners,
            unavailable: &unavailable,
        };
        let mut spy = Spy { world: Replaying::of(self.table, inputs.now, &inputs.read), spied: Spied::default() };
        decide(&question, &mut spy);
        spy.spied
    }
}

fn condition(tier: Option<String>, text: &str, holds: Result<bool, String>) -> Tested {
    let found = match &holds {
        Ok(true) => "it is true".to_owned(),
        Ok(false) => "it is false".to_owned(),
        Err(why) => format!("it can't be told: {why}"),
    };
    Tested { tier, test: format!("takes leads when {text}"), passed: holds == Ok(true), found }
}

fn presence(recipient: &Recipient, now: Timestamp) -> (bool, String) {
    match recipient.availability.at(now) {
        Presence::Here { .. } => (true, "it does".to_owned()),
        Presence::Away { why, until } => {
            let why = match why {
                AwayWhy::Paused => "it is paused".to_owned(),
                AwayWhy::TimeOff { cover } => cover.map_or_else(|| "it is off".to_owned(), |cover| format!("it is off, {cover} stands in")),
                AwayWhy::Closed => "it is closed".to_owned(),
            };
            (false, until.map_or_else(|| why.clone(), |until| format!("{why} until {until}")))
        }
    }
}

/// Whether it comes first among those left, and what was compared.
fn place(trace: &TierTrace, key: &RecipientKey) -> Option<(bool, String)> {
    let at = trace.ranked.iter().position(|ranked| ranked.recipient == *key)?;
    let shown = |at: usize| {
        trace.ranked.get(at).map(|one| {
            let value = one.error.clone().unwrap_or_else(|| format!("{} {}", measure(&trace.method), compared(&trace.method, one.value)));
            format!("{} ({})", one.recipient, value.trim())
        })
    };
    let mine = shown(at).unwrap_or_default();
    Some(if at == 0 {
        (true, format!("it does: {mine}"))
    } else {
        (false, format!("it is no. {}: {mine}; first is {}", at + 1, shown(0).unwrap_or_default()))
    })
}

/// Who had no room, and who was asked for it.
#[derive(Default)]
struct Spied {
    full: Vec<Full>,
    asked: Vec<Left>,
}

/// A record's world, with an eye on who has no room.
struct Spy<'a> {
    world: Replaying<'a>,
    spied: Spied,
}

impl World for Spy<'_> {
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
        self.spied.full.extend(&full);
        self.spied.asked.push(left.clone());
        full
    }

    fn used(&mut self, number: u32, limit: usize) -> i64 {
        self.world.used(number, limit)
    }

    fn turn(&mut self, rotation: &str, number: u32) -> Turn {
        self.world.turn(rotation, number)
    }

    fn floor(&mut self, rotation: &str) -> i64 {
        self.world.floor(rotation)
    }
}

//! Random rules, leads and moments, each from its number alone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::house::{Router, at, fields, objects_of};
use crate::lead::decision::{KnownOwner, Unavailable};
use crate::lead::{Lead, RecipientKey};
use crate::table::{Objects, Table, compile};

/// A source of numbers (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    fn some(&mut self, of: &[&str]) -> Vec<String> {
        of.iter().filter(|_| self.one_in(2)).map(|one| (*one).to_owned()).collect()
    }
}

const AGENTS: [&str; 5] = ["ann", "bob", "cat", "dan", "eve"];
const BUYERS: [&str; 3] = ["acme", "beta", "core"];
const ZONES: [&str; 4] = ["America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "UTC"];
const HOURS: [&str; 4] = ["Mo-Fr 09:00-17:00; PH off", "24/7", "Mo-Su 22:00-06:00", "Sa,Su 10:00-12:00"];
const ZIPS: [&str; 4] = ["90210", "10001", "60601", "99999"];

/// Gives an object a field, once in so many times.
fn maybe(dice: &mut Dice, times: u64, spec: &mut Value, field: &str, value: impl FnOnce(&mut Dice) -> Value) {
    if dice.one_in(times) {
        spec[field] = value(dice);
    }
}

fn filter(dice: &mut Dice) -> Value {
    match dice.below(6) {
        0 => json!({"field": "location.zip", "in": ["90210", "10001"]}),
        1 => json!({"field": "budget", "atLeast": "100", "below": "900"}),
        2 => json!({"field": "location.zip", "startsWith": ["9"]}),
        3 => json!({"field": "language", "exists": dice.one_in(2)}),
        4 => json!({"field": "lead.grade", "in": ["A", "B"]}),
        _ => json!({"field": "location.zip", "notIn": ["60601"]}),
    }
}

fn reference(dice: &mut Dice) -> Value {
    match dice.below(2) {
        0 => json!({"agent": dice.pick(&AGENTS)}),
        _ => json!({"buyer": dice.pick(&BUYERS), "contract": dice.pick(&["one", "two"])}),
    }
}

fn caps(dice: &mut Dice, priced: bool) -> Value {
    let mut caps = Vec::new();
    for per in ["Hour", "Day", "Week", "Month", "Total"] {
        for counts in ["Sold", "Sent"] {
            if !dice.one_in(7) {
                continue;
            }
            let mut cap = json!({"per": per, "counts": counts, "leads": dice.below(5)});
            if priced && dice.one_in(2) {
                cap["spend"] = format!("{}.50", dice.below(150)).into();
            }
            if per == "Day" {
                maybe(dice, 3, &mut cap, "leadsOn", |dice| json!({"Mo": dice.below(4), "Su": 0}));
            }
            if per == "Week" {
                maybe(dice, 2, &mut cap, "weekStartsOn", |dice| dice.pick(&["Saturday", "Sunday"]).into());
            }
            if !["Hour", "Total"].contains(&per) {
                maybe(dice, 3, &mut cap, "pacing", |_| "Even".into());
            }
            match dice.below(5) {
                0 => cap["whenReached"] = "Queue".into(),
                1 => {
                    cap["whenReached"] = "Fallback".into();
                    cap["fallback"] = reference(dice);
                }
                _ => {}
            }
            caps.push(cap);
        }
    }
    Value::Array(caps)
}

/// What agents and contracts have in common.
fn recipient(dice: &mut Dice, priced: bool) -> Value {
    let mut spec = json!({"deliverTo": dice.pick(&["crm", "other-crm"]), "priority": dice.below(3), "weight": dice.below(4)});
    maybe(dice, 2, &mut spec, "accepts", |dice| Value::Array(vec![filter(dice)]));
    maybe(dice, 4, &mut spec, "when", |dice| dice.pick(&["lead.budget > 500.0", "lead.language == \"es\"", "lead.score >= 20"]).into());
    maybe(dice, 3, &mut spec, "hours", |dice| json!({"weekly": dice.pick(&HOURS)}));
    maybe(dice, 3, &mut spec, "timeOff", |dice| {
        let day = 10 + dice.below(20);
        let mut off = json!({"from": format!("2026-11-{day}"), "to": format!("2026-11-{}T12:00", day.min(28) + 2)});
        maybe(dice, 2, &mut off, "cover", reference);
        Value::Array(vec![off])
    });
    maybe(dice, 15, &mut spec, "paused", |_| true.into());
    maybe(dice, 3, &mut spec, "calls", |_| false.into());
    maybe(dice, 2, &mut spec, "target", |dice| json!({"per": dice.pick(&["Day", "Week", "Month"]), "leads": 1 + dice.below(20)}));
    spec["caps"] = caps(dice, priced);
    spec
}

pub fn agent(dice: &mut Dice, name: &str) -> Value {
    let mut spec = recipient(dice, false);
    maybe(
        dice,
        2,
        &mut spec,
        "capacity",
        |dice| json!({"openLeads": dice.below(6), "openWeight": dice.below(9), "weightByGrade": {"A": 3, "B": 0}}),
    );
    maybe(dice, 2, &mut spec, "skills", |_| json!(["Spanish"]));
    maybe(dice, 2, &mut spec, "performance", |_| json!({"conversionRate": "0.3"}));
    maybe(dice, 2, &mut spec, "timeZone", |dice| dice.pick(&ZONES).into());
    json!({"kind": "Agent", "metadata": {"name": name, "labels": {"team": dice.pick(&["east", "west"])}}, "spec": spec})
}

pub fn buyer(dice: &mut Dice, name: &str) -> Value {
    let contract = |dice: &mut Dice, name: &str| {
        let priced = !dice.one_in(4);
        let mut contract = recipient(dice, priced);
        contract["name"] = name.into();
        if priced {
            contract["price"] = json!({"amount": format!("{}.00", 10 + dice.below(30)), "byGrade": {"A": "45.00"}});
            maybe(dice, 2, &mut contract["price"], "exclusive", |dice| format!("{}.00", 40 + dice.below(60)).into());
        }
        maybe(dice, 6, &mut contract, "exclusive", |_| true.into());
        contract
    };
    let contracts: Vec<Value> = ["one", "two"].into_iter().map(|name| contract(dice, name)).collect();
    json!({"kind": "Buyer", "metadata": {"name": name}, "spec": {"timeZone": dice.pick(&ZONES), "contracts": contracts}})
}

fn method(dice: &mut Dice) -> Value {
    const KINDS: [&str; 7] = ["Priority", "RoundRobin", "Weighted", "Attainment", "HighestPrice", "Score", "LeastLoaded"];
    let kind = dice.pick(&KINDS);
    let mut method = json!({"type": kind, "afterAbsence": dice.pick(&["KeepPlace", "CatchUp"])});
    if kind == "Score" {
        let text = dice.pick(&["recipient.price - recipient.load * 2.0", "lead.budget / 100.0 - recipient.sold", "recipient.weight"]);
        method["score"] = json!({"expression": text});
    }
    if kind == "LeastLoaded" {
        method["leastLoaded"] = json!({"by": dice.pick(&["OpenLeads", "OpenWeight", "ShareOfCapacity"])});
    }
    if dice.one_in(4) {
        method["sticky"] = json!({"by": ["contact.phone", "language"], "withinDays": 1 + dice.below(40)});
        if kind == "Score" || !dice.one_in(3) {
            method["sticky"]["otherwise"] = kind.into();
        }
        method["type"] = "Sticky".into();
    }
    method
}

pub fn policy(dice: &mut Dice, name: &str, precedence: u64) -> Value {
    let tiers: Vec<Value> = (0..1 + dice.below(3))
        .map(|at| {
            let to = match dice.below(4) {
                0 => json!({"agents": {}}),
                1 => json!({"buyers": {}}),
                2 => json!({"agents": {"selector": {"matchLabels": {"team": "east"}}}, "buyers": {"names": ["acme", "beta"]}}),
                _ => json!({"agents": {}, "buyers": {}}),
            };
            let mut tier = json!({"name": format!("t{at}"), "to": to, "method": method(dice)});
            maybe(dice, 4, &mut tier, "when", |_| "lead.budget > 300.0".into());
            maybe(dice, 3, &mut tier, "limit", |dice| (1 + dice.below(2)).into());
            maybe(dice, 3, &mut tier, "ifSold", |_| "Stop".into());
            maybe(dice, 3, &mut tier, "exclusive", |_| "CompareWithShared".into());
            tier
        })
        .collect();
    let mut spec = json!({"precedence": precedence, "maxRecipients": 1 + dice.below(4), "tiers": tiers});
    maybe(
        dice,
        2,
        &mut spec,
        "score",
        |_| json!({"rules": [{"name": "rich", "when": "lead.budget > 600.0", "points": 60}, {"name": "es", "when": "has(lead.language)", "points": 25}]}),
    );
    maybe(dice, 3, &mut spec, "takes", |_| json!({"when": "lead.budget > 200.0"}));
    maybe(dice, 3, &mut spec, "skills", |_| json!([{"skill": "Spanish", "when": "has(lead.language)", "relaxAfterSeconds": 600}]));
    maybe(dice, 4, &mut spec, "quietHours", |dice| json!({"jurisdictions": "US", "whenClosed": dice.pick(&["Wait", "WithoutCalls"])}));
    maybe(dice, 3, &mut spec, "fallback", |_| json!({"to": {"agents": {}}}));
    maybe(dice, 6, &mut spec, "mode", |_| "Shadow".into());
    json!({"kind": "RoutingPolicy", "metadata": {"name": name}, "spec": spec})
}

/// What all random rules begin with.
pub fn house() -> Vec<Value> {
    let url =
        |name: &str| json!({"kind": "Endpoint", "metadata": {"name": name}, "spec": {"http": {"url": "https://crm.example.com/leads"}}});
    vec![
        json!({"kind": "Exchange", "metadata": {"name": "house"}, "spec": {
            "store": {"embedded": {}}, "timeZone": "America/Chicago", "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}},
            "schema": {"fields": [{"name": "budget", "type": "Decimal"}, {"name": "language", "type": "String"}]}}}),
        json!({"kind": "LeadSource", "metadata": {"name": "web"}, "spec": {"auth": {"keysFrom": {"secretRef": {"name": "web-keys"}}}}}),
        url("crm"),
        url("other-crm"),
    ]
}

pub fn objects(dice: &mut Dice) -> Objects {
    let mut documents = house();
    documents.extend(dice.some(&AGENTS).iter().map(|name| agent(dice, name)).collect::<Vec<_>>());
    documents.extend(dice.some(&BUYERS).iter().map(|name| buyer(dice, name)).collect::<Vec<_>>());
    documents.extend([("first", 2), ("second", 1)].map(|(name, precedence)| policy(dice, name, precedence)));
    let objects = objects_of(documents);
    let rejected = compile(&objects).1;
    assert_eq!(rejected, Vec::new());
    objects
}

pub fn table(dice: &mut Dice) -> Arc<Table> {
    Arc::new(compile(&objects(dice)).0)
}

/// A moment of November 2026, when clocks go back in the United States.
pub fn moment(dice: &mut Dice) -> Timestamp {
    at("2026-10-31T20:00:00Z") + SignedDuration::from_secs(dice.below(28 * 86_400) as i64)
}

pub fn lead(dice: &mut Dice, now: Timestamp) -> Lead {
    let mut given: Vec<(&str, Value)> = vec![("location.zip", dice.pick(&ZIPS).into())];
    if !dice.one_in(6) {
        given.push(("budget", dice.below(1000).into()));
    }
    if dice.one_in(3) {
        given.push(("language", dice.pick(&["es", "fr"]).into()));
    }
    Lead { arrived_at: now - SignedDuration::from_secs(dice.below(900) as i64), ..fields(&given) }
}

fn key(dice: &mut Dice, table: &Table) -> Option<RecipientKey> {
    let many = table.recipients.len() as u64;
    (many > 0).then(|| table.recipients[dice.below(many) as usize].key.clone())
}

/// A router that may have anything behind it: known owners, endpoints that are down.
pub fn router(dice: &mut Dice, table: &Arc<Table>, now: Timestamp) -> Router {
    let mut router = Router::at(table, &now.to_string());
    for _ in 0..dice.below(3) {
        let field = dice.pick(&["contact.phone", "language"]).to_owned();
        let ago = SignedDuration::from_hours(dice.below(1000) as i64);
        router.owners.extend(key(dice, table).map(|recipient| KnownOwner { field, recipient, at: now - ago }));
    }
    if dice.one_in(4) {
        let until = dice.one_in(2).then(|| now + SignedDuration::from_secs(30));
        router.unavailable.insert(dice.pick(&["crm", "other-crm"]).to_owned(), Unavailable { until, hint: dice.one_in(2) });
    }
    router
}

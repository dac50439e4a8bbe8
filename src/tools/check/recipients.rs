//! Recipients that never get a lead: in no tier, at a cap of 0, behind a test that nothing passes.

use rust_decimal::Decimal;
use std::str::FromStr;

use super::finding::{Code, Finding};
use crate::api::agent::Capacity;
use crate::api::cap::{Cap, RecipientRef};
use crate::api::exchange::FieldType;
use crate::api::shared::Filter;
use crate::flow::normalise::{self, Country};
use crate::formats::Entry;
use crate::table::Objects;
use crate::table::schema::Schema;
use crate::tools::parties::{Party, parties};

/// Recipients that no policy asks.
pub fn unused(objects: &Objects) -> Vec<Finding> {
    let parties = parties(objects);
    let stand_ins: Vec<&RecipientRef> = parties
        .iter()
        .flat_map(|party| {
            let caps = party.caps().iter().filter_map(|cap| cap.fallback.as_ref());
            caps.chain(party.time_off().iter().filter_map(|off| off.cover.as_ref()))
        })
        .collect();
    let asked = |party: &Party<'_>| objects.policies.values().any(|policy| party.is_asked_by(&policy.spec));
    let unused = parties.iter().filter(|party| !asked(party) && !stand_ins.iter().any(|reference| party.is_named(reference)));
    unused
        .map(|party| {
            let what = if party.is_agent() { "the agent" } else { "the contract" };
            let message = format!("{what} is in no tier and no fallback of any policy, and stands in for nobody");
            let field = if party.is_agent() { String::new() } else { party.field("") };
            Finding::of(Code::RecipientUnused, &party.object(), field, message)
                .fix("give it the labels that a tier chooses, or name it in one")
        })
        .collect()
}

/// Caps and capacities that let nothing through.
pub fn caps(objects: &Objects) -> Vec<Finding> {
    let mut found = Vec::new();
    for party in parties(objects) {
        let mut zero = |field: String, what: &str| {
            let message = format!("{what} is 0: {} never gets a lead", party.short());
            found.push(
                Finding::of(Code::CapOfZero, &party.object(), party.field(&field), message)
                    .fix("to stop leads for a while, write `paused: true`"),
            );
        };
        for (at, cap) in party.caps().iter().enumerate() {
            if let Some(field) = takes_nothing(cap) {
                zero(format!("caps[{at}].{field}"), "the cap");
            }
        }
        if let Party::Agent { agent, .. } = party
            && let Some(Capacity { open_leads, open_weight, .. }) = &agent.spec.capacity
        {
            for (field, most) in [("capacity.openLeads", open_leads), ("capacity.openWeight", open_weight)] {
                if *most == Some(0) {
                    zero(field.to_owned(), "the capacity");
                }
            }
        }
    }
    found
}

/// The field by which a cap lets nothing through, on any day of the week.
fn takes_nothing(cap: &Cap) -> Option<&'static str> {
    if cap.spend.as_ref().is_some_and(|spend| Decimal::from_str(spend).is_ok_and(|spend| spend.is_zero())) {
        return Some("spend");
    }
    let Some(days) = &cap.leads_on else { return (cap.leads == Some(0)).then_some("leads") };
    let days = [days.monday, days.tuesday, days.wednesday, days.thursday, days.friday, days.saturday, days.sunday];
    days.iter().all(|day| day.or(cap.leads) == Some(0)).then_some("leadsOn")
}

/// Tests that no lead can pass.
pub fn filters(objects: &Objects, schema: &Schema) -> Vec<Finding> {
    let mut found = Vec::new();
    for party in parties(objects) {
        let accepts = party.accepts();
        for (at, filter) in accepts.iter().enumerate() {
            let at_field = |rest: &str| party.field(&format!("accepts[{at}]{rest}"));
            let finding = |field: String, message: String| Finding::of(Code::FilterNeverPasses, &party.object(), field, message);
            if let Some(against) = accepts.iter().take(at + 1).position(|other| contradict(other, filter)) {
                let with = if against == at {
                    "nothing is at least the one and below the other".to_owned()
                } else {
                    format!("it contradicts accepts[{against}]")
                };
                found.push(
                    finding(at_field(""), format!("no lead can pass: {with}"))
                        .fix("all tests of a recipient must pass; write one test with both lists or bounds"),
                );
            }
            let Some(known) = schema.field(&filter.field) else { continue };
            for (list, values) in [("in", &filter.any_of), ("notIn", &filter.not_in)] {
                for (place, value) in values.iter().flatten().enumerate() {
                    if let Some((message, fix)) = spelling(known.kind, value, || {
                        normalise::value(known, &Entry::Text(value.clone()), Country { code: "US", named: false })
                            .ok()
                            .map(|value| value.to_string())
                    }) {
                        found.push(finding(at_field(&format!(".{list}[{place}]")), message).fix(fix));
                    }
                }
            }
        }
    }
    found
}

/// What is wrong with the spelling of a listed value, and what would be right.
fn spelling(kind: FieldType, value: &str, canonical: impl Fn() -> Option<String>) -> Option<(String, String)> {
    // Postal codes of other countries are many; only what is one of the United States is judged.
    let foreign = kind == FieldType::Postcode && !value.starts_with(|c: char| c.is_ascii_digit());
    if foreign || matches!(kind, FieldType::String | FieldType::PersonName) {
        return None;
    }
    match canonical() {
        Some(canonical) if canonical == value => None,
        Some(canonical) => {
            Some((format!("no lead has the value '{value}': leads have it as '{canonical}'"), format!("write '{canonical}'")))
        }
        None => Some((format!("no lead has the value '{value}': it is no {kind:?}"), "remove it, or write it as leads have it".to_owned())),
    }
}

/// Whether no value passes both tests; for one test with itself, whether its own range is empty.
fn contradict(one: &Filter, other: &Filter) -> bool {
    if one.field != other.field {
        return false;
    }
    let lists = match (&one.any_of, &other.any_of) {
        (Some(these), Some(those)) => !these.iter().any(|value| those.contains(value)),
        _ => false,
    };
    let number = |text: &Option<String>| text.as_ref().and_then(|text| Decimal::from_str(text).ok());
    let least = number(&one.at_least).max(number(&other.at_least));
    let below = [number(&one.below), number(&other.below)].into_iter().flatten().min();
    lists || least.zip(below).is_some_and(|(least, below)| least >= below)
}

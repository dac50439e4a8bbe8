//! Who is asked instead of somebody, and until when a lead waits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::house::{Router, at, fields, names, objects_of, table_of};
use super::random;
use crate::lead::UnmatchedReason;
use crate::lead::decision::KnownOwner;
use crate::table::Table;

fn rules(recipients: Vec<Value>, policy: Value) -> Arc<Table> {
    let mut documents = random::house();
    documents.extend(recipients);
    documents.push(json!({"kind": "RoutingPolicy", "metadata": {"name": "sales"}, "spec": policy}));
    table_of(&objects_of(documents))
}

fn agent(name: &str, mut spec: Value) -> Value {
    spec["deliverTo"] = "crm".into();
    json!({"kind": "Agent", "metadata": {"name": name}, "spec": spec})
}

/// One tier of these agents, by priority.
fn only(names: &[&str]) -> Value {
    json!({"tiers": [{"name": "all", "to": {"agents": {"names": names}}, "method": {"type": "Priority"}}]})
}

#[test]
fn the_fallback_of_the_cap_that_is_reached_stands_in_not_that_of_another() {
    let caps = json!([
        {"per": "Day", "leads": 10, "whenReached": "Fallback", "fallback": {"agent": "bob"}},
        {"per": "Week", "leads": 10, "whenReached": "Fallback", "fallback": {"agent": "cat"}},
    ]);
    let table = rules(vec![agent("ann", json!({"caps": caps})), agent("bob", json!({})), agent("cat", json!({}))], only(&["ann"]));
    let mut router = Router::new(&table).used(&[("agent/ann", "week:2026-11-16", 10)]);
    let decision = router.ask(&fields(&[]));
    assert_eq!(names(&decision), ["agent/cat"]);
    assert_eq!(decision.tiers[0].stand_ins[0].absent.as_str(), "agent/ann");
    let mut router = router.used(&[("agent/ann", "week:2026-11-16", 9), ("agent/ann", "day:2026-11-22", 10)]);
    assert_eq!(names(&router.ask(&fields(&[]))), ["agent/bob"]);
}

#[test]
fn a_stand_in_that_refused_is_not_passed_on_from() {
    let caps = |to: &str| json!([{"per": "Day", "leads": 1, "whenReached": "Fallback", "fallback": {"agent": to}}]);
    let recipients = vec![agent("ann", json!({"caps": caps("bob")})), agent("bob", json!({"caps": caps("cat")})), agent("cat", json!({}))];
    let table = rules(recipients, only(&["ann"]));
    let mut router = Router::new(&table).used(&[("agent/ann", "day:2026-11-22", 1)]).tried(&["agent/bob"]);
    assert!(router.ask(&fields(&[])).candidates.is_empty(), "bob has room, and said no");
    let mut router = router.used(&[("agent/ann", "day:2026-11-22", 1), ("agent/bob", "day:2026-11-22", 1)]).tried(&[]);
    assert_eq!(names(&router.ask(&fields(&[]))), ["agent/cat"]);
}

#[test]
fn covers_that_name_each_other_come_to_an_end() {
    let off = |cover: &str| json!({"timeOff": [{"from": "2026-11-20", "to": "2026-11-24", "cover": {"agent": cover}}]});
    let table = rules(vec![agent("ann", off("bob")), agent("bob", off("ann"))], only(&["ann", "bob"]));
    let decision = Router::new(&table).ask(&fields(&[]));
    assert_eq!(decision.unmatched, Some(UnmatchedReason::AllAway));
    assert_eq!(decision.retry_at, Some(at("2026-11-25T06:00:00Z")), "midnight in Chicago");
}

#[test]
fn behind_a_known_owner_weightless_others_get_nothing_and_a_weightless_owner_gets_its_lead() {
    let policy = json!({"tiers": [{"name": "all", "to": {"agents": {}},
        "method": {"type": "Sticky", "sticky": {"by": ["contact.phone"], "otherwise": "Weighted"}}}]});
    let table = rules(vec![agent("ann", json!({"weight": 0})), agent("bob", json!({"weight": 0})), agent("cat", json!({}))], policy);
    let mut router = Router::new(&table);
    assert_eq!(names(&router.ask(&fields(&[]))), ["agent/cat"]);
    let (field, recipient) = ("contact.phone".to_owned(), table.recipients[0].key.clone());
    router.owners.push(KnownOwner { field, recipient, at: at("2026-11-01T00:00:00Z") });
    assert_eq!(names(&router.ask(&fields(&[]))), ["agent/ann", "agent/cat"]);
}

#[test]
fn a_lead_waits_until_its_whole_price_is_paced_off() {
    let contract = json!({"name": "east", "deliverTo": "crm", "price": {"amount": "30.00"},
        "caps": [{"per": "Day", "spend": "240.00", "pacing": "Even"}]});
    let buyer = json!({"kind": "Buyer", "metadata": {"name": "acme"}, "spec": {"timeZone": "UTC", "contracts": [contract]}});
    let table = rules(vec![buyer], json!({"tiers": [{"name": "all", "to": {"buyers": {}}, "method": {"type": "Priority"}}]}));
    let mut router = Router::at(&table, "2026-11-23T04:00:00Z");
    assert_eq!(router.assign(&fields(&[])).as_deref(), Some("buyer/acme/east"), "10 dollars an hour, four hours");
    let decision = router.ask(&fields(&[]));
    assert_eq!(decision.unmatched, Some(UnmatchedReason::CapsReached));
    let at = decision.retry_at.expect("a time");
    assert!((at - super::house::at("2026-11-23T06:00:00Z")).get_seconds().abs() < 60, "{at}");
    router.goes_to(at);
    assert!(router.assign(&fields(&[])).is_some(), "at that very moment there is room");
}

#[test]
fn what_is_given_back_can_be_had_again() {
    let table = rules(vec![agent("ann", json!({"capacity": {"openLeads": 1}}))], only(&["ann"]));
    let mut router = Router::new(&table);
    let decision = router.ask(&fields(&[]));
    let holds = router.take(&decision, &decision.candidates[0]);
    assert!(router.ask(&fields(&[])).candidates.is_empty());
    assert!(router.standing.release(&decision.candidates[0].recipient, &holds), "that was the last place");
    assert_eq!(names(&router.ask(&fields(&[]))), ["agent/ann"]);
}

//! What a decision promises, over the rules of `tests/data/decide`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::flow::view::{Seen, View};
use crate::lead::{LeadId, Value};
use crate::store::{Hold, TurnAt, Used};
use crate::table::{Objects, compile};

const NOW: &str = "2026-11-22T18:00:00Z";

static TABLE: LazyLock<Table> = LazyLock::new(compiled);

fn table() -> Table {
    TABLE.clone()
}

fn compiled() -> Table {
    let text = include_str!("../../../tests/data/decide/brokerage.yaml");
    let mut objects = Objects::default();
    for document in serde_saphyr::from_multiple::<serde_json::Value>(text).expect("the rules are YAML") {
        let name = document["metadata"]["name"].as_str().expect("a name").to_owned();
        fn of<T: serde::de::DeserializeOwned>(document: serde_json::Value) -> Arc<T> {
            Arc::new(serde_json::from_value(document).expect("an object"))
        }
        match document["kind"].as_str().expect("a kind") {
            "Exchange" => drop(objects.exchanges.insert(name, of(document))),
            "LeadSource" => drop(objects.sources.insert(name, of(document))),
            "Agent" => drop(objects.agents.insert(name, of(document))),
            "Buyer" => drop(objects.buyers.insert(name, of(document))),
            "Endpoint" => drop(objects.endpoints.insert(name, of(document))),
            _ => drop(objects.policies.insert(name, of(document))),
        }
    }
    let (table, rejected) = compile(&objects);
    assert_eq!(rejected, Vec::new());
    table
}

fn lead(zip: &str, price: i64, kind: &str) -> Lead {
    let fields = [
        ("location.zip", Value::Text(zip.to_owned())),
        ("home.price_max", Value::Decimal(Decimal::from(price))),
        ("home.type", Value::Text(kind.to_owned())),
    ];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Lead { id: LeadId(uuid::Uuid::nil()), source: "web".to_owned(), arrived_at: now(), fields }
}

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn ask(table: &Table, lead: &Lead, known: &dyn Known, tried: &[RecipientKey]) -> Decision {
    decide(&Question { table, lead, known, now: now(), tried, taken: 0 })
}

fn names(decision: &Decision) -> Vec<&str> {
    decision.candidates.iter().map(|candidate| candidate.recipient.as_str()).collect()
}

fn used(counts: &[(&str, &str, i64)]) -> Inputs {
    let mut inputs = Inputs::default();
    for (recipient, window, count) in counts {
        inputs.used.entry(RecipientKey((*recipient).into())).or_default().insert((*window).to_owned(), *count);
    }
    inputs
}

fn down(endpoint: &str, until: Option<&str>, hint: bool) -> Inputs {
    let until = until.map(|until| until.parse().expect("a time"));
    Inputs { unavailable: BTreeMap::from([(endpoint.to_owned(), Unavailable { until, hint })]), ..Inputs::default() }
}

#[test]
fn the_best_score_of_those_who_match_wins() {
    let table = table();
    let decision = ask(&table, &lead("90210", 750_000, "BUYER"), &Inputs::default(), &[]);
    assert_eq!(decision.policy.as_deref(), Some("residential"));
    assert_eq!(names(&decision), ["agent/sarah", "agent/tom"]);
    let tier = &decision.tiers[0];
    assert_eq!((tier.members, tier.left), (3, 2));
    assert_eq!(tier.stages, [Stage { name: "accepts home.price_max".to_owned(), removed: 1 }]);
    assert_eq!(tier.ranked[0].value, 3.0);
}

#[test]
fn load_lowers_a_score() {
    let table = table();
    let decision = ask(&table, &lead("90210", 750_000, "BUYER"), &used(&[("agent/sarah", "open", 2)]), &[]);
    assert_eq!(names(&decision), ["agent/tom", "agent/sarah"]);
}

#[test]
fn who_is_at_capacity_or_cap_is_left_out_and_the_stage_says_so() {
    let table = table();
    let full = used(&[("agent/sarah", "open", 3)]);
    let decision = ask(&table, &lead("90210", 750_000, "BUYER"), &full, &[]);
    assert_eq!(names(&decision), ["agent/tom"]);
    assert!(decision.tiers[0].stages.contains(&Stage { name: "open leads".to_owned(), removed: 1 }));
    let capped = used(&[("agent/sarah", "day:2026-11-22", 5)]);
    let decision = ask(&table, &lead("90211", 750_000, "BUYER"), &capped, &[]);
    assert_eq!(decision.unmatched, Some(UnmatchedReason::CapsReached));
    assert_eq!(decision.retry_at, Some("2026-11-23T08:00:00Z".parse().expect("midnight in Los Angeles")));
}

#[test]
fn the_next_tier_is_asked_when_the_first_has_nobody() {
    let table = table();
    let decision = ask(&table, &lead("10001", 100, "SELLER"), &Inputs::default(), &[]);
    assert_eq!(names(&decision), ["agent/vic"]);
    assert_eq!(decision.candidates[0].tier, "anyone");
}

#[test]
fn nobody_matching_is_said_as_such() {
    let table = table();
    let decision = ask(&table, &lead("10001", 100, "BUYER"), &Inputs::default(), &[]);
    assert_eq!(decision.unmatched, Some(UnmatchedReason::NobodyMatches));
    assert_eq!(decision.retry_at, None);
}

#[test]
fn who_was_asked_is_not_asked_again() {
    let table = table();
    let tried = ["agent/sarah", "agent/tom"].map(|key| RecipientKey(key.into()));
    let decision = ask(&table, &lead("90210", 750_000, "BUYER"), &Inputs::default(), &tried);
    assert_eq!(decision.unmatched, Some(UnmatchedReason::AllRefused));
}

#[test]
fn a_policy_whose_condition_is_false_is_passed_over_for_the_next() {
    let table = table();
    let decision = ask(&table, &lead("90210", 750_000, "RENTER"), &Inputs::default(), &[]);
    assert_eq!(decision.policy.as_deref(), Some("rest"));
    assert_eq!(decision.passed_over, [PassedOver { policy: "residential".to_owned(), why: PassedOverWhy::ConditionFalse }]);
}

#[test]
fn a_lead_without_the_field_that_a_condition_reads_is_passed_over() {
    let table = table();
    let mut lead = lead("90210", 750_000, "BUYER");
    lead.fields.remove("home.type");
    let decision = ask(&table, &lead, &Inputs::default(), &[]);
    assert_eq!(decision.passed_over[0].why, PassedOverWhy::ConditionFailed);
}

#[test]
fn the_highest_priority_goes_first() {
    let table = table();
    let tried = ["buyer/acme/small", "buyer/acme/large"].map(|key| RecipientKey(key.into()));
    let decision = ask(&table, &lead("90210", 750_000, "RENTER"), &Inputs::default(), &tried);
    assert_eq!(names(&decision), ["agent/tom", "agent/sarah"]);
}

#[test]
fn a_tripped_endpoint_takes_its_recipients_out_until_it_may_be_back() {
    let table = table();
    let decision = ask(&table, &lead("90210", 750_000, "BUYER"), &down("crm", Some("2026-11-22T18:00:30Z"), false), &[]);
    assert_eq!(decision.unmatched, Some(UnmatchedReason::EndpointsUnavailable));
    assert_eq!(decision.retry_at, Some("2026-11-22T18:00:30Z".parse().expect("a time")));
}

#[test]
fn a_hint_of_another_router_never_takes_the_last_candidates() {
    let table = table();
    let hint = down("crm", Some("2026-11-22T18:00:30Z"), true);
    assert_eq!(names(&ask(&table, &lead("90210", 750_000, "BUYER"), &hint, &[])), ["agent/sarah", "agent/tom"]);
    let seller = ask(&table, &lead("90210", 750_000, "SELLER"), &hint, &[]);
    assert_eq!(names(&seller), ["agent/vic"], "with somebody else to go to, the hint is heeded");
}

#[test]
fn a_cap_counts_in_the_recipients_own_month() {
    let table = table();
    let full = used(&[("buyer/acme/small", "month:2026-11", 2)]);
    let decision = ask(&table, &lead("90210", 750_000, "RENTER"), &full, &[]);
    assert_eq!(names(&decision)[0], "buyer/acme/large");
    assert!(decision.tiers[0].stages.contains(&Stage { name: "cap month".to_owned(), removed: 1 }));
}

/// Assigns `count` leads one after the other, as a router does, and counts who got them.
fn assign(table: &Table, lead: &Lead, count: usize) -> HashMap<String, usize> {
    let mut view = View::default();
    let mut got = HashMap::new();
    for _ in 0..count {
        let unavailable = BTreeMap::new();
        let decision = ask(table, lead, &Seen { view: &view, unavailable: &unavailable }, &[]);
        let first = &decision.candidates[0];
        let policy = table.policies.iter().find(|policy| Some(&policy.name) == decision.policy.as_ref()).expect("the policy");
        let tier = policy.tiers.iter().find(|tier| tier.name == first.tier).expect("the tier");
        let number = table.numbers[&first.recipient];
        let turn = view.turn_for(tier, table.recipients[number as usize].weight);
        view.assume(&first.recipient, &[], Some(&turn));
        *got.entry(first.recipient.to_string()).or_default() += 1;
    }
    got
}

#[test]
fn weights_are_shares_of_the_flow() {
    let got = assign(&table(), &lead("10001", 1, "RENTER"), 4000);
    assert_eq!(got, HashMap::from([("buyer/acme/small".to_owned(), 1000), ("buyer/acme/large".to_owned(), 3000)]));
}

#[test]
fn turns_go_round_and_differ_by_one_at_most() {
    let mut table = table();
    let policy = Arc::make_mut(&mut table.policies[1]);
    policy.tiers[0].method = Method::RoundRobin;
    for count in 1..30 {
        let got = assign(&table, &lead("10001", 1, "RENTER"), count);
        let counts = ["buyer/acme/small", "buyer/acme/large"].map(|name| got.get(name).copied().unwrap_or(0));
        assert!(counts[0].abs_diff(counts[1]) <= 1, "{counts:?} after {count}");
    }
}

#[test]
fn turns_read_from_the_store_go_on_where_they_stood() {
    let mut table = table();
    Arc::make_mut(&mut table.policies[1]).tiers[0].method = Method::RoundRobin;
    let mut view = View::default();
    let at = |name: &str, position, last| TurnAt {
        rotation: "rest/buyers".to_owned(),
        recipient: RecipientKey(name.into()),
        turn: Turn { position, last },
    };
    view.refresh(
        jiff::Timestamp::UNIX_EPOCH,
        Vec::new(),
        vec![at("buyer/acme/small", 5 * TURN, 9), at("buyer/acme/large", 4 * TURN, 8)],
        &table,
    );
    let unavailable = BTreeMap::new();
    let decision = ask(&table, &lead("10001", 1, "RENTER"), &Seen { view: &view, unavailable: &unavailable }, &[]);
    assert_eq!(names(&decision)[0], "buyer/acme/large");
}

#[test]
fn who_comes_back_from_absence_does_not_catch_up() {
    let mut table = table();
    Arc::make_mut(&mut table.policies[1]).tiers[0].method = Method::RoundRobin;
    let mut view = View::default();
    let at = |name: &str, position, last| TurnAt {
        rotation: "rest/buyers".to_owned(),
        recipient: RecipientKey(name.into()),
        turn: Turn { position, last },
    };
    view.refresh(
        jiff::Timestamp::UNIX_EPOCH,
        Vec::new(),
        vec![at("buyer/acme/small", 100 * TURN, 100), at("buyer/acme/large", TURN, 1)],
        &table,
    );
    let mut got = Vec::new();
    for _ in 0..4 {
        let unavailable = BTreeMap::new();
        let decision = ask(&table, &lead("10001", 1, "RENTER"), &Seen { view: &view, unavailable: &unavailable }, &[]);
        let first = decision.candidates[0].recipient.clone();
        let turn = view.turn_for(&table.policies[1].tiers[0], 1);
        view.assume(&first, &[], Some(&turn));
        got.push(first.to_string());
    }
    assert_eq!(got.iter().filter(|name| name.ends_with("large")).count(), 2, "{got:?}");
}

#[test]
fn what_is_given_back_can_be_had_again() {
    let mut view = View::default();
    let key = RecipientKey("agent/sarah".into());
    let hold = Hold { recipient: key.clone(), window: "open".to_owned(), amount: 1, limit: 3, keep: false };
    view.refresh(
        jiff::Timestamp::UNIX_EPOCH,
        vec![Used { recipient: key.clone(), window: "open".to_owned(), count: 2 }],
        Vec::new(),
        &table(),
    );
    view.assume(&key, std::slice::from_ref(&hold), None);
    let unavailable = BTreeMap::new();
    assert_eq!(Seen { view: &view, unavailable: &unavailable }.used(&key, "open"), 3);
    view.release(&key, &[hold]);
    assert_eq!(Seen { view: &view, unavailable: &unavailable }.used(&key, "open"), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn a_record_replays_to_the_same_bytes(
        zip in prop::sample::select(vec!["90210", "90211", "10001"]),
        price in 0i64..2_500_000,
        kind in prop::sample::select(vec!["BUYER", "SELLER", "RENTER"]),
        open in prop::collection::btree_map(prop::sample::select(vec!["agent/sarah", "agent/tom", "agent/uma", "agent/vic"]), 0i64..5, 0..4),
        days in prop::collection::btree_map(prop::sample::select(vec!["agent/sarah"]), 0i64..7, 0..2),
        months in prop::collection::btree_map(prop::sample::select(vec!["buyer/acme/small"]), 0i64..4, 0..2),
        positions in prop::collection::btree_map(prop::sample::select(vec!["buyer/acme/small", "buyer/acme/large", "agent/vic"]), (0i64..9, 0i64..9), 0..3),
        floor in 0i64..9,
        unavailable in prop::collection::btree_map(prop::sample::select(vec!["crm", "other-crm"]), any::<bool>(), 0..2),
        tried in prop::sample::subsequence(vec!["agent/sarah", "agent/tom", "buyer/acme/large"], 0..3),
    ) {
        let table = &*TABLE;
        let mut known = used(&[]);
        for (windows, window) in [(open, "open"), (days, "day:2026-11-22"), (months, "month:2026-11")] {
            for (name, count) in windows {
                known.used.entry(RecipientKey(name.into())).or_default().insert(window.to_owned(), count);
            }
        }
        for rotation in ["rest/buyers", "residential/anyone"] {
            known.floors.insert(rotation.to_owned(), floor * TURN);
            let turns = positions.iter().map(|(name, (position, last))| (RecipientKey((*name).into()), Turn { position: position * TURN, last: *last }));
            known.turns.insert(rotation.to_owned(), turns.collect());
        }
        known.unavailable = unavailable.into_iter().map(|(name, hint)| (name.to_owned(), Unavailable { until: Some(now()), hint })).collect();
        let tried: Vec<RecipientKey> = tried.into_iter().map(|name| RecipientKey(name.into())).collect();
        let lead = lead(zip, price, kind);

        let decision = ask(table, &lead, &known, &tried);
        let bytes = serde_json::to_string(&decision).expect("JSON");
        let record: Decision = serde_json::from_str(&bytes).expect("a record");
        prop_assert_eq!(serde_json::to_string(&again(table, &lead, &record)).expect("JSON"), bytes);
        prop_assert_eq!(decision.candidates.is_empty(), decision.unmatched.is_some());
    }
}

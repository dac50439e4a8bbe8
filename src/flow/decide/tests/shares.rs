//! How leads are shared out: turns, weights, targets, ties.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::house::{Router, at, fields, objects_of, table_of};
use super::random;
use crate::lead::decision::Turn;
use crate::lead::{Lead, RecipientKey};
use crate::store::TurnAt;
use crate::table::Table;

/// Agents of these specs, `a00` and on, in one tier of this method.
fn team(specs: &[Value], method: &Value) -> Arc<Table> {
    let mut documents = random::house();
    for (number, spec) in specs.iter().enumerate() {
        let mut spec = spec.clone();
        spec["deliverTo"] = "crm".into();
        documents.push(json!({"kind": "Agent", "metadata": {"name": name(number)}, "spec": spec}));
    }
    documents.push(json!({"kind": "RoutingPolicy", "metadata": {"name": "sales"}, "spec": {
        "tiers": [{"name": "all", "to": {"agents": {}}, "method": method}]}}));
    table_of(&objects_of(documents))
}

fn name(number: usize) -> String {
    format!("a{number:02}")
}

fn anything() -> Lead {
    fields(&[])
}

/// All turns as the store has them: it computes positions by itself.
#[derive(Default)]
struct Kept(BTreeMap<RecipientKey, Turn>);

impl Kept {
    /// Assigns one lead, and keeps the turn as the store does.
    fn assign(&mut self, router: &mut Router) -> String {
        let decision = router.ask(&anything());
        let first = &decision.candidates[0];
        let number = router.table.numbers[&first.recipient];
        let taken = router.standing.turn_for(&router.table.policies[0].tiers[0], number);
        router.take(&decision, first);
        let last = self.0.values().map(|turn| turn.last).max().unwrap_or(0) + 1;
        let turn = self.0.entry(first.recipient.clone()).or_default();
        assert_eq!(taken.expect, Some(*turn), "the router and the store know the same turn");
        *turn = Turn { position: turn.position.max(taken.floor) + taken.step, last };
        first.recipient.to_string()
    }

    fn all(&self) -> Vec<TurnAt> {
        let at = |(recipient, turn): (&RecipientKey, &Turn)| TurnAt {
            rotation: "sales/all".to_owned(),
            recipient: recipient.clone(),
            turn: *turn,
        };
        self.0.iter().map(at).collect()
    }
}

/// What somebody got, less what another did, over any stretch of a list.
fn spread(got: &[String], names: &[String]) -> usize {
    let mut most = 0;
    for one in names {
        for other in names {
            let (mut sum, mut least) = (0_i64, 0);
            for name in got {
                sum += i64::from(name == one) - i64::from(name == other);
                least = least.min(sum);
                most = most.max((sum - least) as usize);
            }
        }
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn turns_differ_by_one_over_any_stretch_among_those_always_there_also_after_restarts(
        always in 2..6_usize, absent in 0..3_usize, seed: u64, catch_up: bool, restarts in prop::collection::vec(1..60_usize, 0..4),
    ) {
        let specs: Vec<Value> = (0..always + absent).map(|number| {
            if number < always { return json!({}) }
            let day = 10 + (seed >> number) % 10;
            json!({"timeOff": [{"from": format!("2026-11-{day}"), "to": format!("2026-11-{}", day + 3)}]})
        }).collect();
        let after = if catch_up && absent == 0 { "CatchUp" } else { "KeepPlace" };
        let table = team(&specs, &json!({"type": "RoundRobin", "afterAbsence": after}));
        let mut router = Router::at(&table, "2026-11-09T00:00:00Z");
        let mut kept = Kept::default();
        let mut got = Vec::new();
        for lead in 0..150 {
            router.goes_to(router.now + SignedDuration::from_hours(3));
            if restarts.contains(&lead) {
                router = Router::at(&table, &router.now.to_string()).turns(kept.all());
            }
            got.push(kept.assign(&mut router));
        }
        let names: Vec<String> = (0..always).map(|number| format!("agent/{}", name(number))).collect();
        prop_assert!(spread(&got, &names) <= 1, "{got:?}");
    }
}

#[test]
fn turns_differ_by_one_when_five_hundred_leads_are_decided_before_the_store_hears_of_any() {
    let table = team(&vec![json!({}); 7], &json!({"type": "RoundRobin"}));
    let mut router = Router::new(&table);
    let got: Vec<String> = (0..500).map(|_| router.assign(&anything()).expect("somebody")).collect();
    let names: Vec<String> = (0..7).map(|number| format!("agent/{}", name(number))).collect();
    assert_eq!(spread(&got, &names), 1);
}

#[test]
fn weights_come_to_their_shares_within_a_hundredth_over_ten_thousand() {
    for weights in [vec![1, 2, 3], vec![70, 20, 9, 1], vec![1; 9], vec![100_000, 50_000, 0, 1_000]] {
        let specs: Vec<Value> = weights.iter().map(|weight| json!({"weight": weight})).collect();
        let mut router = Router::new(&team(&specs, &json!({"type": "Weighted"})));
        let mut got: HashMap<String, f64> = HashMap::new();
        for _ in 0..10_000 {
            *got.entry(router.assign(&anything()).expect("somebody")).or_default() += 1.0;
        }
        let sum: i32 = weights.iter().sum();
        for (number, weight) in weights.iter().enumerate() {
            let (is, due) =
                (got.get(&format!("agent/{}", name(number))).copied().unwrap_or(0.0), f64::from(*weight) / f64::from(sum) * 10_000.0);
            assert!((is - due).abs() <= 0.01 * due + 1.0, "{weights:?}: {number} got {is} of {due}");
        }
    }
}

#[test]
fn somebody_new_begins_where_the_rotation_is_also_when_another_catches_up_and_the_router_restarts() {
    let off = json!({"timeOff": [{"from": "2026-11-10", "to": "2026-11-12"}]});
    let later = json!({"timeOff": [{"from": "2026-11-01", "to": "2026-11-13"}]});
    let table = team(&[json!({}), off, later], &json!({"type": "RoundRobin", "afterAbsence": "CatchUp"}));
    let mut router = Router::at(&table, "2026-11-09T00:00:00Z");
    let mut kept = Kept::default();
    (0..4).for_each(|_| drop(kept.assign(&mut router)));
    router.goes_to(at("2026-11-11T00:00:00Z"));
    (0..50).for_each(|_| drop(kept.assign(&mut router)));
    router.goes_to(at("2026-11-13T12:00:00Z"));
    assert_eq!(kept.assign(&mut router), "agent/a01", "it catches up");
    let mut router = Router::at(&table, "2026-11-14T12:00:00Z").turns(kept.all());
    let got: Vec<String> = (0..60).map(|_| kept.assign(&mut router)).collect();
    assert!(got[..49].iter().filter(|name| *name == "agent/a02").count() <= 1, "{got:?}");
}

#[test]
fn nobody_runs_ahead_of_time_while_another_is_behind() {
    let specs = [
        json!({"target": {"per": "Month", "leads": 40}, "hours": {"weekly": "Mo-Fr 09:00-17:00"}}),
        json!({"target": {"per": "Month", "leads": 50}, "hours": {"weekly": "Mo-Su 08:00-20:00"}}),
        json!({"target": {"per": "Month", "leads": 100}, "timeOff": [{"from": "2026-11-05", "to": "2026-11-09"}]}),
        json!({"target": {"per": "Month", "leads": 30}, "caps": [{"per": "Day", "leads": 2}]}),
    ];
    let targets = [40.0, 50.0, 100.0, 30.0];
    let table = team(&specs, &json!({"type": "Attainment"}));
    let mut router = Router::at(&table, "2026-11-01T06:00:00Z");
    let mut got = [0.0; 4];
    while router.now < at("2026-12-01T05:00:00Z") {
        router.goes_to(router.now + SignedDuration::from_mins(113));
        let decision = router.ask(&anything());
        let Some(first) = decision.candidates.first() else { continue };
        router.take(&decision, first);
        let number = table.numbers[&first.recipient] as usize;
        got[number] += 1.0;
        let ahead = |number: usize| {
            let recipient = &table.recipients[number];
            let window = recipient.limits[recipient.target.expect("a target").limit].window(&recipient.availability.zone, router.now);
            got[number] / targets[number] - crate::calendar::pacing::elapsed_share(&window, &recipient.availability, router.now)
        };
        for other in &decision.candidates {
            let other = table.numbers[&other.recipient] as usize;
            assert!(ahead(number) - 1.0 / targets[number] <= ahead(other) + 1e-9, "{number} is ahead of {other} at {}", router.now);
        }
    }
    assert!(got.iter().zip(targets).all(|(got, target)| *got >= target), "{got:?}");
}

#[test]
fn a_tie_favours_neither_who_was_made_first_nor_whose_name_comes_first() {
    let many = 400;
    let mut first = [0_u32; 3];
    let documents = |order: [usize; 3]| {
        let mut documents = random::house();
        for (age, number) in order.into_iter().enumerate() {
            let made = format!("2026-01-0{}T00:00:00Z", age + 1);
            documents.push(
                json!({"kind": "Agent", "metadata": {"name": name(number), "creationTimestamp": made}, "spec": {"deliverTo": "crm"}}),
            );
        }
        let tier = |at: usize| json!({"name": format!("t{at}"), "to": {"agents": {}}, "method": {"type": "Priority"}, "when": format!("lead.budget == {at}.0")});
        for policy in 0..many / 25 {
            let tiers: Vec<Value> = (0..25).map(|at| tier(policy * 25 + at)).collect();
            documents.push(json!({"kind": "RoutingPolicy", "metadata": {"name": format!("p{policy}")}, "spec": {
                "takes": {"when": format!("lead.budget >= {}.0 && lead.budget < {}.0", policy * 25, policy * 25 + 25)}, "tiers": tiers}}));
        }
        table_of(&objects_of(documents))
    };
    let (one, other) = (documents([0, 1, 2]), documents([2, 0, 1]));
    for tier in 0..many {
        let lead = fields(&[("budget", tier.into())]);
        let winner = Router::new(&one).ask(&lead).candidates[0].recipient.clone();
        assert_eq!(Router::new(&other).ask(&lead).candidates[0].recipient, winner, "when they were made is of no matter");
        first[one.numbers[&winner] as usize] += 1;
    }
    // Three equal shares of 400 are 133 each; five standard deviations are 47.
    assert!(first.iter().all(|wins| wins.abs_diff(133) < 47), "{first:?}");
}

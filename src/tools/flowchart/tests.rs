//! The flowcharts of several policies, and of any.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::flowchart;
use super::mermaid::reading::{Read, reached, read};
use crate::table::Objects;

fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, labels: Value, spec: Value) -> Arc<K> {
    let json = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec});
    Arc::new(serde_json::from_value(json).unwrap())
}

fn house() -> Objects {
    let mut objects = Objects::default();
    let auth = json!({"auth": {"keysFrom": {"secretRef": {"name": "keys"}}}});
    for (name, labels) in [("website-form", json!({"channel": "web"})), ("affiliate", json!({"vertical": "solar"}))] {
        objects.sources.insert(name.into(), object("LeadSource", name, labels, auth.clone()));
    }
    for (name, team) in [("ann", "west"), ("bob", "west"), ("cid", "east"), ("dora", "east"), ("eve", "east"), ("fay", "east")] {
        let spec = json!({"deliverTo": "crm", "paused": name == "cid"});
        objects.agents.insert(name.into(), object("Agent", name, json!({"team": team}), spec));
    }
    let contracts = json!({"contracts": [{"name": "ny", "deliverTo": "post"}, {"name": "rest", "deliverTo": "post"}]});
    objects.buyers.insert("acme".into(), object("Buyer", "acme", json!({"vertical": "solar"}), contracts));
    objects
}

fn with(policies: &[(&str, Value)]) -> Objects {
    let mut objects = house();
    for (name, spec) in policies {
        objects.policies.insert((*name).to_owned(), object("RoutingPolicy", name, json!({}), spec.clone()));
    }
    objects
}

fn residential() -> Value {
    json!({
        "precedence": 100,
        "takes": {"sources": {"matchLabels": {"channel": "web"}}, "when": "lead.property_interest.type != \"RENTER\""},
        "score": {
            "rules": [
                {"name": "high-budget", "when": "lead.property_interest.price_max >= 750000", "points": 40},
                {"name": "no-phone", "when": "!has(lead.contact.phone)", "points": -20},
            ],
            "grades": [{"grade": "A", "atLeast": 40}, {"grade": "B", "atLeast": 0}],
        },
        "quietHours": {"jurisdictions": "US"},
        "skills": [{"skill": "Spanish", "when": "lead.language == 'es'", "relaxAfterSeconds": 30}],
        "tiers": [
            {"name": "known-owner", "to": {"agents": {}}, "method": {"type": "Sticky", "sticky": {"by": ["contact.email", "contact.phone"], "withinDays": 90}}},
            {"name": "west", "when": "lead.grade == 'A'", "to": {"agents": {"selector": {"matchLabels": {"team": "west"}}}},
             "method": {"type": "Score", "score": {"expression": "recipient.conversionRate * 10.0 - recipient.load"}}},
            {"name": "anyone", "to": {"agents": {}}, "method": {"type": "RoundRobin"}},
        ],
        "fallback": {"to": {"agents": {"names": ["fay"]}}},
    })
}

fn solar() -> Value {
    let solar = json!({"buyers": {"selector": {"matchLabels": {"vertical": "solar"}}}});
    json!({
        "takes": {"sources": {"matchExpressions": [{"key": "vertical", "operator": "In", "values": ["solar", "roofing"]}]}},
        "maxRecipients": 3,
        "afterTimeout": "NextCandidate",
        "quietHours": {"jurisdictions": "US", "whenClosed": "WithoutCalls"},
        "tiers": [
            {"name": "premium", "to": solar, "method": {"type": "HighestPrice"}, "exclusive": "CompareWithShared"},
            {"name": "rest", "to": {"buyers": {"names": ["nobody"]}}, "method": {"type": "Weighted", "afterAbsence": "CatchUp"}, "limit": 1, "ifSold": "Stop"},
        ],
    })
}

fn drawn(objects: &Objects, name: &str) -> (String, Read) {
    let text = flowchart(objects, name).unwrap();
    let read = read(&text).unwrap();
    (text, read)
}

#[test]
fn a_policy_of_agents() {
    let everything = json!({"tiers": [{"name": "all", "to": {"agents": {}}, "method": {"type": "Priority"}}]});
    let objects = with(&[("residential", residential()), ("leftovers", everything)]);
    insta::assert_snapshot!(drawn(&objects, "residential").0);
}

#[test]
fn a_policy_of_buyers() {
    insta::assert_snapshot!(drawn(&with(&[("solar", solar())]), "solar").0);
}

#[test]
fn a_policy_that_others_come_before() {
    let mut last = residential();
    last["precedence"] = json!(1);
    let objects = with(&[("residential", residential()), ("last", last), ("solar", solar())]);
    insta::assert_snapshot!(drawn(&objects, "last").0);
}

#[test]
fn a_shadow() {
    let mut shadow = solar();
    shadow["mode"] = json!("Shadow");
    shadow["takes"] = json!({"when": "lead.home.owner"});
    let objects = with(&[("solar", solar()), ("candidate", shadow)]);
    insta::assert_snapshot!(drawn(&objects, "candidate").0);
}

#[test]
fn a_policy_that_is_not_there_is_told_with_those_that_are() {
    let error = flowchart(&with(&[("solar", solar())]), "solr").unwrap_err().to_string();
    assert_eq!(error, "there is no RoutingPolicy 'solr'; there are solar");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,40}", "[\"\\[\\](){}|<>;#%`:&\\\\@-]{0,40}", Just("end".to_owned()), Just("style a fill:#f00;".to_owned())]
}

fn any_tier() -> impl Strategy<Value = Value> {
    let method = prop_oneof![
        any_text().prop_map(|text| json!({"type": "Score", "score": {"expression": text}})),
        any_text().prop_map(|text| json!({"type": "Sticky", "sticky": {"by": [text], "otherwise": "Weighted"}})),
        Just(json!({"type": "LeastLoaded", "leastLoaded": {"by": "OpenWeight"}})),
        Just(json!({"type": "Attainment"})),
    ];
    let choices = (any::<bool>(), any::<bool>(), prop::option::of(1..5));
    (any_text(), prop::option::of(any_text()), any_text(), method, choices).prop_map(
        |(name, when, label, method, (stop, compare, limit))| {
            json!({
                "name": name, "when": when, "method": method, "limit": limit,
                "to": {"agents": {"selector": {"matchLabels": {"team": label}}}, "buyers": {"names": [label]}},
                "ifSold": if stop { "Stop" } else { "Continue" },
                "exclusive": if compare { "CompareWithShared" } else { "AsRanked" },
            })
        },
    )
}

fn any_policy() -> impl Strategy<Value = Value> {
    let tiers = prop::collection::vec(any_tier(), 1..33);
    let rules = prop::collection::vec((any_text(), any_text()), 1..65);
    (tiers, rules, prop::option::of(any_text()), 1..20, any::<bool>(), 0..3).prop_map(|(tiers, rules, when, most, shadow, precedence)| {
        let rules: Vec<_> = rules.into_iter().map(|(name, when)| json!({"name": name, "when": when, "points": 1})).collect();
        json!({
            "mode": if shadow { "Shadow" } else { "Live" }, "precedence": precedence, "takes": {"when": when},
            "score": {"rules": rules}, "maxRecipients": most, "tiers": tiers,
            "fallback": {"to": {"agents": {}}}, "quietHours": {"jurisdictions": "US"},
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_policy_breaks_the_diagram(first in any_policy(), second in any_policy()) {
        let objects = with(&[("first", first), ("second", second)]);
        for name in ["first", "second"] {
            let text = flowchart(&objects, name).unwrap();
            let read = read(&text).map_err(TestCaseError::fail)?;
            prop_assert_eq!(reached(&read).len(), read.labels.len(), "every node can be come to: {}", text);
            prop_assert!(text.len() <= 50_000, "{} bytes", text.len());
            let dead_ends: Vec<_> = read.labels.iter().filter(|(node, _)| !read.arrows.iter().any(|(from, _, _)| from == *node)).collect();
            prop_assert!(dead_ends.len() >= 2 && dead_ends.len() <= 4, "{dead_ends:?}");
        }
    }
}

//! The law of unreachable tiers: no lead ever gets to a tier that is told to be one, whatever else is the case.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::flow::decide::{Question, decide};
use crate::flow::standing::Standing;
use crate::lead::decision::{KnownOwner, TakenIn, Unavailable};
use crate::lead::{Lead, LeadId, RecipientKey, Value};
use crate::store::Used;
use crate::table::{Objects, Table, compile};
use crate::tools::check::finding::Code;
use crate::tools::check::tiers::tiers;

const NAMES: [&str; 5] = ["ann", "bob", "cid", "dora", "eve"];

fn object<K: serde::de::DeserializeOwned>(kind: &str, name: &str, spec: Json) -> Arc<K> {
    let json = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    Arc::new(serde_json::from_value(json).unwrap())
}

fn any_tier() -> impl Strategy<Value = Json> {
    let sticky = |otherwise: Option<&'static str>| json!({"type": "Sticky", "sticky": {"by": ["contact.email"], "otherwise": otherwise}});
    let method = prop_oneof![
        4 => prop::sample::select(vec!["Priority", "RoundRobin", "Weighted", "Attainment", "HighestPrice", "LeastLoaded"]).prop_map(|kind| json!({"type": kind})),
        1 => prop::sample::select(vec![None, Some("Weighted"), Some("Priority"), Some("Attainment")]).prop_map(sticky),
    ];
    let agents =
        prop_oneof![2 => Just(json!({})), 3 => prop::sample::subsequence(NAMES.to_vec(), 1..=5).prop_map(|names| json!({"names": names}))];
    let buyers = prop_oneof![Just(json!({})), Just(Json::Null)];
    let when =
        prop_oneof![3 => Just(Json::Null), 1 => Just(json!("has(lead.location.zip)")), 1 => Just(json!("lead.location.zip == '90210'"))];
    let limit = prop_oneof![3 => Just(Json::Null), 1 => (1..4).prop_map(|limit| json!(limit))];
    (agents, buyers, method, when, limit, any::<bool>(), prop::bool::weighted(0.15)).prop_map(
        |(agents, buyers, method, when, limit, stop, compare)| {
            json!({
                "to": {"agents": agents, "buyers": buyers}, "method": method, "when": when, "limit": limit,
                "ifSold": if stop { "Stop" } else { "Continue" }, "exclusive": if compare { "CompareWithShared" } else { "AsRanked" },
            })
        },
    )
}

fn any_agent() -> impl Strategy<Value = Json> {
    let caps = prop_oneof![
        3 => Just(json!([])),
        1 => Just(json!([{"per": "Day", "leads": 2}])),
        1 => Just(json!([{"per": "Day", "leads": 2, "whenReached": "Queue"}])),
        1 => Just(json!([{"per": "Day", "leads": 2, "whenReached": "Fallback", "fallback": {"agent": "eve"}}])),
    ];
    (caps, 0..3, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3), prop::bool::weighted(0.3)).prop_map(
        |(caps, weight, has_target, paused, picky, elsewhere)| {
            let mut spec = json!({"deliverTo": if elsewhere { "other" } else { "crm" }, "caps": caps, "weight": weight, "paused": paused});
            if has_target {
                spec["target"] = json!({"per": "Day", "leads": 3});
            }
            if picky {
                spec["accepts"] = json!([{"field": "location.zip", "in": ["90210"]}]);
            }
            spec
        },
    )
}

fn any_house() -> impl Strategy<Value = Objects> {
    let agents = prop::collection::vec(any_agent(), NAMES.len());
    (agents, prop::collection::vec(any_tier(), 2..5), 1..4, any::<bool>()).prop_map(|(agents, mut tiers, most, alone)| {
        let mut objects = Objects::default();
        let exchange = json!({"store": {"embedded": {}}, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}}});
        objects.exchanges.insert("house".into(), object("Exchange", "house", exchange));
        for name in ["crm", "other"] {
            objects.endpoints.insert(name.into(), object("Endpoint", name, json!({"http": {"url": "https://crm.example.com/"}})));
        }
        for (name, spec) in NAMES.iter().zip(agents) {
            objects.agents.insert((*name).to_owned(), object("Agent", name, spec));
        }
        let contracts = json!({"contracts": [
            {"name": "all", "deliverTo": "crm", "price": {"amount": "5", "exclusive": "9"}},
            {"name": "alone", "deliverTo": "crm", "price": {"amount": "8"}, "exclusive": alone},
        ]});
        objects.buyers.insert("acme".into(), object("Buyer", "acme", contracts));
        for (at, tier) in tiers.iter_mut().enumerate() {
            tier["name"] = json!(format!("t{at}"));
        }
        let fallback = json!({"to": {"agents": {"names": [NAMES[usize::from(alone)], "eve"]}}});
        objects
            .policies
            .insert("p".into(), object("RoutingPolicy", "p", json!({"maxRecipients": most, "tiers": tiers, "fallback": fallback})));
        objects
    })
}

/// The names of the tiers that are told to be unreachable.
fn told(objects: &Objects) -> Vec<String> {
    let name = |field: String| match field.as_str() {
        "spec.fallback" => "fallback".to_owned(),
        tier => tier.replace("spec.tiers[", "t").replace(']', ""),
    };
    tiers(objects).into_iter().filter(|one| one.code == Code::TierUnreachable).map(|one| name(one.field.unwrap())).collect()
}

/// What a router may find: who refused before, and places used.
#[derive(Clone, Debug)]
struct Found {
    zip: Option<&'static str>,
    tried: Vec<usize>,
    used: Vec<i64>,
    down: bool,
    owner: Option<usize>,
}

fn any_found() -> impl Strategy<Value = Found> {
    let zip = prop::sample::select(vec![None, Some("90210"), Some("10001")]);
    let owner = prop::option::of(0..NAMES.len());
    (
        zip,
        prop::sample::subsequence(vec![0, 1, 2, 3, 4], 0..3),
        prop::collection::vec(0..4i64, NAMES.len()),
        prop::bool::weighted(0.2),
        owner,
    )
        .prop_map(|(zip, tried, used, down, owner)| Found { zip, tried, used, down, owner })
}

/// Decides until nobody is left or the lead has all its recipients, the candidates refusing or taking by turns. Gives the tiers that found anybody.
fn reached(table: &Arc<Table>, found: &Found, refusals: u32) -> Vec<String> {
    let now: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let zip = found.zip.map(|zip| ("location.zip".to_owned(), text(zip)));
    let fields: BTreeMap<_, _> = zip.into_iter().chain([("contact.email".to_owned(), text("a@example.com"))]).collect();
    let lead = Lead { id: LeadId(Uuid::nil()), source: "web".into(), arrived_at: now, fields };
    let used = NAMES.iter().zip(&found.used).map(|(name, count)| Used {
        recipient: RecipientKey::agent(name),
        window: "day:2026-11-23".into(),
        count: *count,
    });
    let mut standing = Standing::new(Arc::clone(table), now);
    standing.refresh(now, &used.collect::<Vec<_>>(), vec![]);
    let owners = found.owner.map(|at| KnownOwner { field: "contact.email".into(), recipient: RecipientKey::agent(NAMES[at]), at: now });
    let owners: Vec<_> = owners.into_iter().collect();
    let unavailable: BTreeMap<_, _> =
        found.down.then(|| ("other".to_owned(), Unavailable { until: None, hint: false })).into_iter().collect();
    let mut tried: Vec<_> = found.tried.iter().map(|at| RecipientKey::agent(NAMES[*at])).collect();
    let (mut taken, mut reached) = (Vec::new(), Vec::new());
    for round in 0..16 {
        let question = Question { table, lead: &lead, now, tried: &tried, taken: &taken, owners: &owners, unavailable: &unavailable };
        let decision = decide(&question, &mut standing);
        reached.extend(decision.tiers.iter().filter(|trace| trace.left > 0 || trace.waits_for.is_some()).map(|trace| trace.tier.clone()));
        let Some(first) = decision.candidates.first() else { break };
        tried.push(first.recipient.clone());
        if refusals & (1 << round) == 0 {
            taken.push(TakenIn { tier: first.tier.clone(), exclusive: first.exclusive });
        }
    }
    reached
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_lead_gets_to_a_tier_that_is_told_to_be_unreachable(objects in any_house(), founds in prop::collection::vec((any_found(), any::<u32>()), 12)) {
        let told = told(&objects);
        if !told.is_empty() {
            let (table, rejected) = compile(&objects);
            prop_assert_eq!(rejected, []);
            let table = Arc::new(table);
            for (found, refusals) in founds {
                // Those who refused in earlier walks of the same run were candidates then: of the tiers before.
                let reached = reached(&table, &found, refusals);
                for name in &told {
                    prop_assert!(!reached.contains(name), "{} by {:?}", name, found);
                }
            }
        }
    }
}

#[test]
fn the_law_is_not_empty() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let houses = (0..300).map(|_| any_house().new_tree(&mut runner).unwrap().current());
    let with = houses.filter(|objects| !told(objects).is_empty()).count();
    assert!(with > 30, "{with} of 300 houses have a tier that is told to be unreachable");
}

//! Recipients and leads, drawn from fixed sequences that look random.
//!
//! Each recipient asks for one product of eight, three to twelve of fifty states, a price range, a least score and, three times in ten, for twenty ZIPs;
//! one in ten has a CEL condition besides, one of a hundred and some. Each has weekly hours and a daily cap. About 0.4 % of recipients match a lead.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use leadflow::lead::{Lead, LeadId, Value};
use leadflow::table::Objects;
use rust_decimal::Decimal;
use serde_json::json;

const PRODUCTS: u64 = 8;
const STATES: u64 = 50;
const ZIPS: u64 = 200;
const LEADS: usize = 8192;

/// A Monday morning: everybody is at work.
pub fn now() -> Timestamp {
    "2026-11-23T15:00:00Z".parse().unwrap()
}

/// A fixed sequence of numbers that look random.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What one recipient asks for.
#[derive(Clone, Debug)]
pub struct Wants {
    pub product: String,
    pub states: Vec<String>,
    pub low: u64,
    pub high: u64,
    pub score: u64,
    pub zips: Vec<String>,
    pub conditional: bool,
}

pub fn wants(size: usize) -> Vec<Wants> {
    let mut numbers = Numbers(7);
    (0..size)
        .map(|_| {
            let mut states: Vec<String> = (0..3 + numbers.below(10)).map(|_| format!("S{}", numbers.below(STATES))).collect();
            states.sort();
            states.dedup();
            let low = numbers.below(700_000);
            Wants {
                product: format!("p{}", numbers.below(PRODUCTS)),
                states,
                low,
                high: low + 150_000 + numbers.below(500_000),
                score: numbers.below(50),
                zips: if numbers.below(10) < 3 { (0..20).map(|_| format!("{:05}", numbers.below(ZIPS))).collect() } else { Vec::new() },
                conditional: numbers.below(10) == 0,
            }
        })
        .collect()
}

impl Wants {
    /// The condition of one in ten: one of a hundred and some.
    pub fn condition(&self) -> String {
        format!("lead.price > {}0000.0 && lead.points >= {} && lead.product != 'none'", self.low / 100_000, self.score / 3)
    }

    fn agent(&self, name: &str) -> serde_json::Value {
        let mut accepts = vec![
            json!({"field": "product", "in": [self.product]}),
            json!({"field": "location.state", "in": self.states}),
            json!({"field": "price", "atLeast": self.low.to_string(), "below": self.high.to_string()}),
            json!({"field": "points", "atLeast": self.score.to_string()}),
        ];
        if !self.zips.is_empty() {
            accepts.push(json!({"field": "location.zip", "in": self.zips}));
        }
        let mut spec = json!({
            "accepts": accepts, "deliverTo": "crm",
            "hours": {"weekly": "Mo-Fr 08:00-20:00; PH off"}, "caps": [{"per": "Day", "leads": 50}],
        });
        if self.conditional {
            spec["when"] = json!(self.condition());
        }
        json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": name}, "spec": spec})
    }
}

pub fn objects(size: usize) -> Objects {
    let mut objects = Objects::default();
    let exchange = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange", "metadata": {"name": "bench"},
        "spec": {
            "store": {"embedded": {}}, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}},
            "schema": {"fields": [{"name": "product", "type": "String"}, {"name": "price", "type": "Decimal"}, {"name": "points", "type": "Integer"}]},
        },
    });
    objects.exchanges.insert("bench".into(), Arc::new(serde_json::from_value(exchange).unwrap()));
    let endpoint = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "metadata": {"name": "crm"}, "spec": {"http": {"url": "https://crm.example.com/"}}});
    objects.endpoints.insert("crm".into(), Arc::new(serde_json::from_value(endpoint).unwrap()));
    let policy = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "RoutingPolicy", "metadata": {"name": "all"},
        "spec": {"tiers": [{"name": "all", "to": {"agents": {}}, "method": {"type": "RoundRobin"}}]},
    });
    objects.policies.insert("all".into(), Arc::new(serde_json::from_value(policy).unwrap()));
    for (number, wants) in wants(size).iter().enumerate() {
        let name = name(number);
        let agent = wants.agent(&name);
        objects.agents.insert(name, Arc::new(serde_json::from_value(agent).unwrap()));
    }
    objects
}

fn name(number: usize) -> String {
    format!("agent-{number:06}")
}

/// Changes one agent's price bracket.
pub fn change(objects: &mut Objects, number: usize, round: u64) {
    let mut wants = wants(number + 1).pop().unwrap();
    wants.low += 1 + round;
    let name = name(number);
    let agent = serde_json::from_value(wants.agent(&name)).unwrap();
    objects.agents.insert(name, Arc::new(agent));
}

pub fn leads() -> Vec<Lead> {
    leads_of(LEADS, SignedDuration::ZERO)
}

/// Leads that arrive within a time, evenly.
pub fn leads_of(count: usize, within: SignedDuration) -> Vec<Lead> {
    let mut numbers = Numbers(11);
    let step = within / i32::try_from(count.max(1)).unwrap();
    (0..count)
        .map(|at| {
            let fields = BTreeMap::from([
                ("product".to_owned(), Value::Text(format!("p{}", numbers.below(PRODUCTS)))),
                ("location.state".to_owned(), Value::Text(format!("S{}", numbers.below(STATES)))),
                ("location.zip".to_owned(), Value::Text(format!("{:05}", numbers.below(ZIPS)))),
                ("price".to_owned(), Value::Decimal(Decimal::from(100_000 + numbers.below(900_000)))),
                ("points".to_owned(), Value::Integer(numbers.below(100) as i64)),
            ]);
            let id = LeadId(uuid::Uuid::from_u128(at as u128));
            Lead { id, source: "web".into(), arrived_at: now() + step * i32::try_from(at).unwrap(), fields }
        })
        .collect()
}

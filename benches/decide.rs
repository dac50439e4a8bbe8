//! How long matching, deciding and compiling take, at 100, 1,000 and 10,000 recipients.
//!
//! `cargo bench --bench decide` ends with one line a figure: name, value, unit. Each recipient asks for one product of eight, three to twelve of fifty
//! states, a price range and, three times in ten, for twenty ZIPs; one in ten has a CEL condition besides. About 0.4 % of recipients match a lead.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use leadflow::flow::decide::{Question, decide};
use leadflow::lead::decision::Inputs;
use leadflow::lead::{Lead, LeadId, Value};
use leadflow::table::bits::Bits;
use leadflow::table::{Objects, Table, compile};
use rust_decimal::Decimal;
use serde_json::json;

const PRODUCTS: u64 = 8;
const LEADS: usize = 4096;

fn main() {
    let mut figures = Vec::new();
    for size in [100, 1_000, 10_000] {
        let objects = objects(size);
        let started = Instant::now();
        let (table, rejected) = compile(&objects);
        figures.push((format!("compile/{size}"), started.elapsed().as_secs_f64() * 1e3, "ms"));
        assert!(rejected.is_empty(), "{rejected:?}");
        let leads = leads();
        figures.push((format!("matching-share/{size}"), matching(&table, &leads) * 100.0, "%"));
        figures.push((format!("match/{size}"), median(&leads, |lead| narrow(&table, lead)), "µs"));
        figures.push((format!("decision/{size}"), median(&leads, |lead| drop(black_box(decision(&table, lead)))), "µs"));
    }
    for (name, value, unit) in figures {
        println!("{name} {value:.3} {unit}");
    }
}

fn narrow(table: &Table, lead: &Lead) {
    let mut left = Bits::all(table.recipients.len());
    table.index.narrow(lead, &mut left, |_, _| ());
    black_box(left.count());
}

fn decision(table: &Table, lead: &Lead) -> leadflow::lead::Decision {
    decide(&Question { table, lead, known: &Inputs::default(), now: Timestamp::UNIX_EPOCH, tried: &[], taken: 0 })
}

/// The share of recipients that match, on average.
fn matching(table: &Table, leads: &[Lead]) -> f64 {
    let count: u32 = leads
        .iter()
        .map(|lead| {
            let mut left = Bits::all(table.recipients.len());
            table.index.narrow(lead, &mut left, |_, _| ());
            left.count()
        })
        .sum();
    f64::from(count) / (leads.len() * table.recipients.len()) as f64
}

/// Microseconds, the median of batches of 16 leads.
fn median(leads: &[Lead], work: impl Fn(&Lead)) -> f64 {
    leads.iter().for_each(&work);
    let mut times: Vec<f64> = leads
        .chunks(16)
        .map(|batch| {
            let started = Instant::now();
            batch.iter().for_each(&work);
            started.elapsed().as_secs_f64() * 1e6 / batch.len() as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A fixed sequence of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn objects(size: usize) -> Objects {
    let mut objects = Objects::default();
    let mut numbers = Numbers(7);
    let exchange = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange", "metadata": {"name": "bench"},
        "spec": {
            "store": {"embedded": {}}, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}},
            "schema": {"fields": [{"name": "product", "type": "String"}, {"name": "price", "type": "Decimal"}, {"name": "score", "type": "Integer"}]},
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
    for number in 0..size {
        let name = format!("agent-{number}");
        let mut states: Vec<String> = (0..3 + numbers.below(10)).map(|_| format!("S{}", numbers.below(50))).collect();
        states.sort();
        states.dedup();
        let low = numbers.below(800_000);
        let mut accepts = vec![
            json!({"field": "product", "in": [format!("p{}", numbers.below(PRODUCTS))]}),
            json!({"field": "location.state", "in": states}),
            json!({"field": "price", "atLeast": low.to_string(), "below": (low + 100_000 + numbers.below(400_000)).to_string()}),
            json!({"field": "score", "atLeast": numbers.below(60).to_string()}),
        ];
        if numbers.below(10) < 3 {
            let zips: Vec<String> = (0..20).map(|_| format!("{:05}", numbers.below(400))).collect();
            accepts.push(json!({"field": "location.zip", "in": zips}));
        }
        let mut spec = json!({"accepts": accepts, "deliverTo": "crm"});
        if numbers.below(10) == 0 {
            spec["when"] = json!("lead.price > 1000.0 && lead.score >= 1");
        }
        let agent = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": name}, "spec": spec});
        objects.agents.insert(name, Arc::new(serde_json::from_value(agent).unwrap()));
    }
    objects
}

fn leads() -> Vec<Lead> {
    let mut numbers = Numbers(11);
    (0..LEADS)
        .map(|_| {
            let fields = BTreeMap::from([
                ("product".to_owned(), Value::Text(format!("p{}", numbers.below(PRODUCTS)))),
                ("location.state".to_owned(), Value::Text(format!("S{}", numbers.below(50)))),
                ("location.zip".to_owned(), Value::Text(format!("{:05}", numbers.below(400)))),
                ("price".to_owned(), Value::Decimal(Decimal::from(numbers.below(1_200_000)))),
                ("score".to_owned(), Value::Integer(numbers.below(100) as i64)),
            ]);
            Lead { id: LeadId(uuid::Uuid::nil()), source: "web".into(), arrived_at: Timestamp::UNIX_EPOCH, fields }
        })
        .collect()
}

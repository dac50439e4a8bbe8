//! How long matching, deciding and compiling take, and beside them what others take for the same.
//!
//! `cargo bench --bench decide` ends with one line a figure: name, value, unit. `docs/benchmarks.md` says what each means.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod peers;
mod workload;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use leadflow::flow::decide::{Question, decide};
use leadflow::flow::standing::Standing;
use leadflow::lead::{Decision, Lead};
use leadflow::table::bits::Bits;
use leadflow::table::expression::LeadFacts;
use leadflow::table::index::Subject;
use leadflow::table::{Compiler, Table, compile};
use leadflow::tools::simulate::run::simulate;

/// Leads are timed in batches of so many.
const BATCH: usize = 16;

fn main() {
    let mut figures = Vec::new();
    let leads = workload::leads();
    // Sizes can be chosen: `cargo bench --bench decide -- 100000`.
    let chosen: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    for size in [100, 1_000, 10_000, 100_000] {
        if chosen.is_empty() || chosen.contains(&size) {
            sized(size, &leads, &mut figures);
        }
    }
    if chosen.is_empty() {
        simulated(&mut figures);
        peers::figures(&leads, &mut figures);
    }
    for (name, value, unit) in figures {
        println!("{name} {value:.3} {unit}");
    }
}

/// Name, value, unit.
pub type Figures = Vec<(String, f64, &'static str)>;

fn sized(size: usize, leads: &[Lead], figures: &mut Figures) {
    let mut objects = workload::objects(size);
    let memory = resident();
    let started = Instant::now();
    let (table, rejected) = compile(&objects);
    figures.push((format!("compile/{size}"), started.elapsed().as_secs_f64() * 1e3, "ms"));
    figures.push((format!("compile-memory/{size}"), resident() - memory, "MB"));
    assert!(rejected.is_empty(), "{rejected:?}");
    let table = Arc::new(table);
    figures.push((format!("matching-share/{size}"), share(&table, leads) * 100.0, "%"));

    let facts: Vec<LeadFacts<'_>> = leads.iter().map(|lead| LeadFacts::of(lead, &table.schema)).collect();
    let all = Bits::all(size);
    let mut left = all.clone();
    let matching = spread(&facts, |facts| {
        left.clone_from(&all);
        keep(&table, facts, &mut left);
        black_box(&left);
    });
    figures.push((format!("match/{size}"), matching.median, "µs"));

    let mut standing = Standing::new(Arc::clone(&table), workload::now());
    let deciding = spread(leads, |lead| drop(black_box(decision(&table, lead, &mut standing))));
    figures.push((format!("decision/{size}"), deciding.median, "µs"));
    figures.push((format!("decision-p99/{size}"), deciding.p99, "µs"));

    // One agent's price bracket changes.
    let mut compiler = Compiler::default();
    drop(compiler.compile(&objects));
    let mut times: Vec<f64> = (0..5)
        .map(|round| {
            workload::change(&mut objects, size / 2, round);
            let started = Instant::now();
            let (table, _) = compiler.compile(&objects);
            standing.follow(&table, workload::now());
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    figures.push((format!("reprogram/{size}"), times[2], "ms"));
}

/// 100,000 leads of ten days against 1,000 recipients.
fn simulated(figures: &mut Figures) {
    let (table, _) = compile(&workload::objects(1_000));
    let leads = workload::leads_of(100_000, SignedDuration::from_hours(240));
    let started = Instant::now();
    black_box(simulate(&Arc::new(table), None, leads, SignedDuration::from_hours(8)));
    figures.push(("simulate/100000".to_owned(), started.elapsed().as_secs_f64(), "s"));
}

fn keep(table: &Table, facts: &LeadFacts<'_>, left: &mut Bits) {
    let value = |subject: Subject| match subject {
        Subject::Field(slot) => facts.slot(slot),
        Subject::Grade | Subject::Score | Subject::Source => None,
    };
    table.index.keep(value, left);
}

fn decision(table: &Table, lead: &Lead, standing: &mut Standing) -> Decision {
    let unavailable = BTreeMap::new();
    let now: Timestamp = workload::now();
    let question = Question { table, lead, now, tried: &[], taken: &[], owners: &[], unavailable: &unavailable };
    decide(&question, standing)
}

/// The share of recipients whose filters let a lead through, on average.
fn share(table: &Table, leads: &[Lead]) -> f64 {
    let count: u32 = leads
        .iter()
        .map(|lead| {
            let mut left = Bits::all(table.recipients.len());
            keep(table, &LeadFacts::of(lead, &table.schema), &mut left);
            left.count()
        })
        .sum();
    f64::from(count) / (leads.len() * table.recipients.len()) as f64
}

/// Microseconds a lead.
pub struct Spread {
    pub median: f64,
    pub p99: f64,
}

/// Times single leads for the p99, and batches for the median, where reading the clock would show.
pub fn spread<T>(leads: &[T], mut work: impl FnMut(&T)) -> Spread {
    leads.iter().take(512).for_each(&mut work);
    let mut batches: Vec<f64> = leads
        .chunks(BATCH)
        .map(|batch| {
            let started = Instant::now();
            batch.iter().for_each(&mut work);
            started.elapsed().as_secs_f64() * 1e6 / batch.len() as f64
        })
        .collect();
    let mut single: Vec<f64> = leads
        .iter()
        .map(|lead| {
            let started = Instant::now();
            work(lead);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    single.sort_by(f64::total_cmp);
    Spread { median: batches[batches.len() / 2], p99: single[single.len() * 99 / 100] }
}

/// Resident memory of this process, in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}

//! The examples of `docs/methods.md`, run as they stand there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::house::{Router, at, fields, objects_of, table_of};
use crate::lead::decision::{KnownOwner, TakenIn};
use crate::lead::{Decision, Lead, RecipientKey};
use crate::store::Used;

const DOCUMENT: &str = include_str!("../../../../docs/methods.md");

const HOUSE: &str = r#"
{kind: Exchange, metadata: {name: house}, spec: {
  store: {embedded: {}}, timeZone: UTC, encryption: {keysFrom: {secretRef: {name: keys}}},
  schema: {fields: [{name: budget, type: Decimal}, {name: language, type: String}]}}}
---
{kind: LeadSource, metadata: {name: web}, spec: {auth: {keysFrom: {secretRef: {name: web-keys}}}}}
---
{kind: Endpoint, metadata: {name: crm}, spec: {http: {url: "https://crm.example.com/leads"}}}
"#;

/// One example: rules, and what becomes of leads.
struct Example {
    /// The line of the document that the rules begin at.
    line: usize,
    rules: String,
    /// Rows by the names of their columns.
    rows: Vec<BTreeMap<String, String>>,
}

/// Each block of rules with the next table behind it.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = DOCUMENT.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line == "```yaml" {
            let rules = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
            examples.push(Example { line: number + 2, rules, rows: Vec::new() });
        } else if line.starts_with("| ") && !examples.is_empty() {
            let columns = cells(line);
            lines.next();
            let example = examples.last_mut().expect("there is one");
            assert!(example.rows.is_empty(), "line {}: a second table behind one example", number + 1);
            while let Some((_, row)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                example.rows.push(columns.iter().cloned().zip(cells(row)).collect());
            }
        }
    }
    examples
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn router(rules: &str) -> Router {
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(&format!("{HOUSE}---\n{rules}")).expect("YAML");
    for document in &mut documents {
        document["apiVersion"] = "leadflow.dev/v1alpha1".into();
        let kind = document["kind"].as_str().expect("a kind").to_owned();
        let spec = &mut document["spec"];
        match kind.as_str() {
            "Agent" => spec["deliverTo"] = "crm".into(),
            "Buyer" => spec["contracts"].as_array_mut().expect("contracts").iter_mut().for_each(|one| one["deliverTo"] = "crm".into()),
            _ => {}
        }
    }
    Router::at(&table_of(&objects_of(documents)), "2026-11-02T00:00:00Z")
}

fn time(text: &str) -> Timestamp {
    let text = if text.len() == 10 { format!("{text} 00:00") } else { text.to_owned() };
    text.parse::<DateTime>().expect("a time").to_zoned(TimeZone::UTC).expect("a time").timestamp()
}

fn short(key: &RecipientKey) -> String {
    key.as_str().trim_start_matches("agent/").trim_start_matches("buyer/").to_owned()
}

/// A key by its short name.
fn key(name: &str) -> RecipientKey {
    RecipientKey(format!("{}/{name}", if name.contains('/') { "buyer" } else { "agent" }).into())
}

fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn lead(cell: &str, now: Timestamp) -> Lead {
    let given: Vec<(&str, Value)> = parts(cell)
        .map(|part| {
            let (field, value) = part.split_once(' ').expect("a field and its value");
            let value = if field == "budget" { value.parse::<i64>().expect("a number").into() } else { value.into() };
            (field, value)
        })
        .collect();
    Lead { arrived_at: now, ..fields(&given) }
}

/// `bob by contact.phone on 2026-11-01`.
fn owner(text: &str) -> KnownOwner {
    let (name, rest) = text.split_once(" by ").expect("who by what");
    let (field, on) = rest.split_once(" on ").expect("by what on which day");
    KnownOwner { field: field.to_owned(), recipient: key(name), at: time(on) }
}

/// `ann day 4`: the window by the beginning of its label.
fn used(router: &Router, text: &str) -> Used {
    let words: Vec<&str> = text.split(' ').collect();
    let recipient = router.table.recipient(&key(words[0])).expect("a recipient");
    let labels = recipient.holds(router.now, Default::default()).into_iter().map(|hold| hold.window);
    let mut of = labels.filter(|label| label == words[1] || label.starts_with(&format!("{}:", words[1])));
    Used { recipient: recipient.key.clone(), window: of.next().expect("such a window"), count: words[2].parse().expect("a count") }
}

fn told(decision: &Decision) -> String {
    match (&decision.unmatched, decision.retry_at) {
        (Some(reason), None) => format!("nobody: {}", reason.as_str()),
        (Some(reason), Some(at)) => format!("nobody: {} until {}", reason.as_str(), at.strftime("%Y-%m-%d %H:%M")),
        (None, _) => short(&decision.candidates[0].recipient),
    }
}

/// Leads of one row, told as the document tells them.
fn run(router: &mut Router, row: &BTreeMap<String, String>, last: &mut Lead) -> BTreeMap<String, String> {
    let cell = |name: &str| row.get(name).map_or("", String::as_str);
    if !cell("time").is_empty() {
        router.goes_to(time(cell("time")));
    }
    let before: Vec<Used> = parts(cell("used before")).map(|text| used(router, text)).collect();
    if !before.is_empty() {
        router.standing.refresh(router.now, &before, Vec::new());
    }
    router.owners = parts(cell("known owners")).map(owner).collect();
    if cell("lead") != "the same" {
        router.tried.clear();
        router.taken.clear();
        *last = lead(cell("lead"), router.now);
    }
    let mut told_row = row.clone();
    let asked = router.ask(last).candidates.iter().map(|one| short(&one.recipient)).collect::<Vec<_>>().join(", ");
    told_row.entry("asked, in order".to_owned()).and_modify(|cell| *cell = asked);
    let Some(wanted) = row.get("gets it") else { return told_row };
    let totals = parts(wanted).all(|part| part.contains(" × "));
    let count = |part: &str| part.split_once(" × ").map_or(1, |(_, count)| count.parse().expect("a count"));
    let mut got = Vec::new();
    for _ in 0..parts(wanted).map(count).sum::<usize>() {
        let decision = router.ask(last);
        got.push(told(&decision));
        if let Some(first) = decision.candidates.first() {
            let assigned = router.take(&decision, first);
            if cell("answer") == "refuses" {
                router.standing.release(&first.recipient, &assigned);
            } else {
                router.taken.push(TakenIn { tier: first.tier.clone(), exclusive: first.exclusive });
            }
            router.tried.push(first.recipient.clone());
            if cell("answer").is_empty() {
                router.tried.clear();
                router.taken.clear();
            }
        }
    }
    let sums = || {
        let order: Vec<&str> = parts(wanted).filter_map(|part| part.split(" × ").next()).collect();
        let sum = |name: &&str| format!("{name} × {}", got.iter().filter(|one| one == name).count());
        order.iter().map(sum).collect::<Vec<_>>().join(", ")
    };
    let got = if totals { sums() } else { got.join(", ") };
    told_row.insert("gets it".to_owned(), got);
    told_row
}

#[test]
fn the_document_is_right() {
    let examples = examples();
    assert!(examples.len() >= 20, "only {} examples were found", examples.len());
    let mut wrong = Vec::new();
    for example in &examples {
        let mut router = router(&example.rules);
        let mut last = Lead { arrived_at: at("2026-11-23T09:00:00Z"), ..fields(&[]) };
        assert!(!example.rows.is_empty(), "line {}: no table behind these rules", example.line);
        for row in &example.rows {
            let told = run(&mut router, row, &mut last);
            if told != *row {
                wrong.push(format!("rules of line {}:\n  it says {row:?}\n  and is  {told:?}", example.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_method_is_defined_in_a_sentence_and_shown() {
    for method in ["Priority", "RoundRobin", "Weighted", "Attainment", "HighestPrice", "Score", "LeastLoaded", "Sticky"] {
        let heading = format!("\n## {method}\n");
        let section = DOCUMENT.split(&heading).nth(1).unwrap_or_else(|| panic!("{method} has a section"));
        let section = section.split("\n## ").next().unwrap_or_default();
        assert!(section.trim_start().starts_with(&format!("`{method}` asks ")), "{method} is defined by its first sentence");
        assert!(section.contains(&format!("method: {{type: {method}")), "{method} has an example");
    }
}

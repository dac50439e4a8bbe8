//! What each check finds, in a house that is in order but for one thing.

mod areas;
mod places;
mod recipients;
mod rules;
mod samples;
mod unreachable;
mod written;

use super::finding::{Code, Finding};
use super::findings::{Checked, findings};
use super::samples::Samples;
use crate::folder::documents::ManifestFile;
use crate::folder::read::understand;
use crate::table::compile;

/// A house without fault.
const HOUSE: &str = include_str!("../testdata/house.yaml");

fn file(text: &str) -> ManifestFile {
    ManifestFile { name: "rules.yaml".into(), text: text.into() }
}

/// All that is found in the house with one text of it replaced, tried on these samples.
fn found_on(from: &str, to: &str, samples: Option<&str>) -> Vec<Finding> {
    assert!(HOUSE.contains(from), "{from}");
    let (objects, secrets) = understand(&[file(&HOUSE.replacen(from, to, 1))]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let (table, rejected) = compile(&objects);
    let (samples, mut found) = match samples {
        Some(text) => Samples::read(text, "samples.jsonl", &table),
        None => (Samples::made_up(&table), Vec::new()),
    };
    let checked = Checked { objects: &objects, secrets: &secrets, table: &table, rejected: &rejected, samples: &samples };
    found.extend(findings(&checked));
    found
}

/// As lines: `warning TierEmpty RoutingPolicy/homes: spec.tiers[0].to: nobody …`.
fn found(from: &str, to: &str) -> Vec<String> {
    lines(&found_on(from, to, None))
}

fn lines(found: &[Finding]) -> Vec<String> {
    found.iter().map(|one| format!("{} {} {}: {}", one.level.as_str(), one.code, one.subject(), one.message)).collect()
}

/// The findings of one code.
fn of(code: Code, from: &str, to: &str) -> Vec<String> {
    lines(&found_on(from, to, None).into_iter().filter(|one| one.code == code).collect::<Vec<_>>())
}

#[test]
fn a_house_in_order_has_no_findings() {
    assert_eq!(found("", ""), [""; 0]);
}

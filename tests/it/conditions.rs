//! `docs/conditions.md` lists the condition types and reasons that there are.

use std::collections::BTreeSet;

use crate::sources::read;

/// The variants of an enum of `api/condition.rs`.
fn variants(name: &str) -> BTreeSet<String> {
    let source = read("src/api/condition.rs");
    let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    body.lines()
        .map(str::trim)
        .filter(|line| line.ends_with(',') && !line.starts_with("//"))
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect()
}

/// The rows of the document's tables, as cells; `first` is the heading of the table's first column.
fn table(first: &str) -> Vec<Vec<String>> {
    let text = read("docs/conditions.md");
    let table = text.split(&format!("| {first} |")).nth(1).unwrap().split("\n\n").next().unwrap();
    table.lines().skip(2).map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The words in backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_type_and_reason_is_listed_and_no_other() {
    let firsts = |name| table(name).iter().flat_map(|row| quoted(&row[0])).collect::<BTreeSet<_>>();
    assert_eq!(firsts("type"), variants("ConditionType"));
    assert_eq!(firsts("reason"), variants("Reason"));
}

#[test]
fn every_reason_belongs_to_a_type() {
    let mut used: BTreeSet<String> = table("type").iter().flat_map(|row| quoted(&row[3..].join(" "))).collect();
    for word in ["False", "True"] {
        used.remove(word);
    }
    assert_eq!(used, variants("Reason"));
}

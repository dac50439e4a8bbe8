//! `docs/events.md` lists the Events that there are.

use std::collections::BTreeSet;

use crate::sources::read;

/// Reasons that stand in a file as words, beside the type of their Event.
fn written(path: &str) -> BTreeSet<String> {
    let source = read(path);
    let source = source.split("#[cfg(test)]").next().unwrap();
    let after = |kind: &str| {
        source.split(kind).skip(1).filter_map(|rest| rest.strip_prefix(", \"")?.split('"').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    ["EventType::Normal", "EventType::Warning"].into_iter().flat_map(after).collect()
}

/// Reasons in a cell of `docs/conditions.md`, by the condition's type.
fn reasons_while_false(kind: &str) -> BTreeSet<String> {
    let text = read("docs/conditions.md");
    let row = text.lines().find(|line| line.starts_with(&format!("| `{kind}`"))).unwrap();
    let cell = row.split('|').nth(5).unwrap();
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Categories of troubles, but for the one that is told by `Accepted` alone.
fn categories() -> BTreeSet<String> {
    let source = read("src/control/error.rs");
    let found = source.split("Self::").filter_map(|rest| rest.split_once(" => \"")?.1.split('"').next()).map(str::to_owned);
    found.filter(|category| category != "Invalid").collect()
}

#[test]
fn every_reason_is_listed_and_no_other() {
    let text = read("docs/events.md");
    let listed: BTreeSet<String> = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    let mut there = written("src/control/events.rs");
    there.extend(written("src/breaker/publish.rs"));
    there.extend(reasons_while_false("Accepted"));
    there.extend(categories());
    assert_eq!(listed, there);
}

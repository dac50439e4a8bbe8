//! Who may import what, and the shape of files.

use std::collections::BTreeSet;

use crate::sources::rust_files;

/// The longest file, in lines.
const LONGEST: usize = 400;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "shared_code"];

/// Modules without IO, clock or chance, and the parts of them that have some.
const PURE: &[(&str, &[&str])] = &[
    ("src/api/", &[]),
    ("src/lead/", &[]),
    ("src/formats/", &[]),
    ("src/geography/", &[]),
    // `live` is where a process swaps its table.
    ("src/table/", &["src/table/live.rs"]),
    // The steps that speak to the store, the endpoint and those who wait; and the clock itself.
    (
        "src/flow/",
        &[
            "src/flow/ports.rs",
            "src/flow/arrive",
            "src/flow/wait.rs",
            "src/flow/rate.rs",
            "src/flow/route",
            "src/flow/deliver",
            "src/flow/claims",
        ],
    ),
    ("src/calendar/", &[]),
    ("src/breaker/", &["src/breaker/publish.rs"]),
    ("src/store/port", &[]),
    ("src/store/spool/record.rs", &[]),
    ("src/store/spool/frame.rs", &[]),
    ("src/store/spool/index.rs", &[]),
    ("src/store/spool/state.rs", &[]),
    ("src/folder/schema.rs", &[]),
    ("src/folder/rules.rs", &[]),
    ("src/folder/secret.rs", &[]),
    ("src/tools/explanation", &[]),
    ("src/folder/positions.rs", &[]),
    ("src/tools/check/", &["src/tools/check/command.rs"]),
    ("src/tools/parties.rs", &[]),
    ("src/tools/why_not/", &["src/tools/why_not/command.rs"]),
    ("src/tools/posted_leads.rs", &[]),
    ("src/tools/precedence.rs", &[]),
    ("src/tools/simulate/", &["src/tools/simulate/command.rs"]),
    ("src/tools/flowchart/", &["src/tools/flowchart/command.rs"]),
    ("src/tools/quantiles.rs", &[]),
];

/// What pure modules do without.
const FORBIDDEN: [&str; 22] = [
    "kube::Client",
    "kube::api::",
    "kube::runtime",
    "kube::client",
    "axum",
    "reqwest",
    "hyper",
    "rusqlite",
    "tokio_postgres",
    "tokio::fs",
    "tokio::net",
    "tokio::io",
    "tokio::time",
    "tokio::spawn",
    "tokio::task",
    "std::fs",
    "std::net::Tcp",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Uuid::new_v4",
];

/// A file's code without its tests and comments.
fn code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn pure_modules_import_no_io_clock_or_chance() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (path, text) in rust_files("src") {
        let pure = PURE.iter().any(|(folder, but)| path.starts_with(folder) && !but.iter().any(|part| path.starts_with(part)));
        if !pure || is_test(&path) {
            continue;
        }
        seen += 1;
        let code = code(&text);
        faults.extend(FORBIDDEN.iter().filter(|word| code.contains(*word)).map(|word| format!("{path} uses {word}")));
        // The types of custom resources are derived by kube; beyond them a pure module has no use for it.
        if !["src/api/", "src/table/objects.rs", "src/table/digest.rs"].iter().any(|part| path.starts_with(part)) && code.contains("kube::")
        {
            faults.push(format!("{path} uses kube"));
        }
    }
    assert!(seen > 30, "only {seen} pure files were looked at");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_concern() {
    let long: Vec<_> = ["src", "tests"]
        .into_iter()
        .flat_map(rust_files)
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:?}");
}

#[test]
fn names_say_what_is_inside() {
    let empty: BTreeSet<_> = rust_files("src")
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part)))
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
}

#[test]
fn modules_are_tables_of_contents() {
    let long: Vec<_> = rust_files("src")
        .into_iter()
        .filter(|(path, _)| path.ends_with("/mod.rs") || path == "src/lib.rs")
        .filter(|(path, text)| !is_test(path) && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(long.is_empty(), "these begin without saying what is in the folder: {long:?}");
}

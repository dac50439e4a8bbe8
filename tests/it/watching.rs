//! What people on call see agrees with itself and with the code: rules, their tests, runbooks, dashboards.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::sources::{read, root};

pub const RULES: &str = "charts/leadflow/files/rules";
pub const DASHBOARDS: &str = "charts/leadflow/files/dashboards";
const RUNBOOKS: &str = "docs/runbooks";
pub const TESTS: &str = "tests/rules";

/// Beginnings of the names of metrics that rules and dashboards may use.
const PREFIXES: [&str; 5] = ["leadflow_", "controller_runtime_", "rest_client_", "leader_election_", "process_"];
/// Metrics that Prometheus itself has, or that every process has by the client library.
const OF_OTHERS: [&str; 6] = [
    "up",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
];

/// The files of a folder, with their names, in order.
pub fn files(folder: &str, end: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let found: Vec<_> =
        names.into_iter().filter(|name| name.ends_with(end)).map(|name| (read(&format!("{folder}/{name}")), name)).collect();
    assert!(!found.is_empty(), "{folder} has no {end}");
    found.into_iter().map(|(text, name)| (name, text)).collect()
}

/// The rules of all files: recorded names and alerts.
fn rules() -> Vec<Value> {
    let mut found = Vec::new();
    for (name, text) in files(RULES, ".yaml") {
        let file: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for group in file["groups"].as_array().unwrap() {
            found.extend(group["rules"].as_array().unwrap().iter().cloned());
        }
    }
    found
}

fn alerts() -> BTreeSet<String> {
    rules().iter().filter_map(|rule| rule["alert"].as_str()).map(str::to_owned).collect()
}

/// The panels of all dashboards that show something, with the dashboard's name.
pub fn panels() -> Vec<(String, Value)> {
    let boards = files(DASHBOARDS, ".json").into_iter().map(|(name, text)| (name, serde_json::from_str::<Value>(&text).unwrap()));
    let panels = boards.flat_map(|(name, board)| {
        board["panels"].as_array().unwrap().iter().map(|panel| (name.clone(), panel.clone())).collect::<Vec<_>>()
    });
    panels.filter(|(_, panel)| panel["type"] != "row").collect()
}

/// Every expression, with where it is.
fn expressions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for rule in rules() {
        let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap();
        found.push((name.to_owned(), rule["expr"].as_str().unwrap().to_owned()));
    }
    for (name, panel) in panels() {
        for target in panel["targets"].as_array().unwrap() {
            found.push((format!("{name}: {}", panel["title"]), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    found
}

/// The words of an expression outside of quotes.
fn words(expression: &str) -> Vec<String> {
    let bare: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).map(str::to_owned).collect()
}

#[test]
fn rules_and_dashboards_use_only_metrics_that_the_document_lists() {
    let document = read("docs/metrics.md");
    let listed: BTreeSet<&str> = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let recorded: BTreeSet<String> = rules().iter().filter_map(|rule| rule["record"].as_str()).map(str::to_owned).collect();
    let known = |metric: &str| listed.contains(metric) || OF_OTHERS.contains(&metric);
    let mut seen = 0;
    for (place, expression) in expressions() {
        for word in words(&expression) {
            if word.starts_with("leadflow:") {
                assert!(recorded.contains(&word), "{place}: nothing records {word}");
            } else if PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
                let whole = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end));
                assert!(known(&word) || whole.is_some_and(known), "{place}: there is no metric {word}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} metrics were found");
}

#[test]
fn every_metric_is_shown_or_alerted_on() {
    let document = read("docs/metrics.md");
    let used: BTreeSet<String> = expressions().iter().flat_map(|(_, expression)| words(expression)).collect();
    let is_used = |metric: &str| ["", "_bucket", "_count", "_sum"].iter().any(|end| used.contains(&format!("{metric}{end}")));
    let unused: Vec<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|metric| metric.contains('_') && !is_used(metric))
        .collect();
    assert!(unused.is_empty(), "nobody looks at {unused:?}");
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let runbooks: BTreeSet<String> = files(RUNBOOKS, ".md").into_iter().map(|(name, _)| name.trim_end_matches(".md").to_owned()).collect();
    assert_eq!(runbooks, alerts());
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let name = rule["alert"].as_str().unwrap();
        let annotations = &rule["annotations"];
        assert_eq!(annotations["runbook_url"], format!("https://leadflow.dev/runbooks/{name}"));
        assert!(name.starts_with("LeadFlow") && name.chars().all(|c| c.is_ascii_alphabetic()), "{name}");
        assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        assert!(["summary", "description"].iter().all(|text| annotations[*text].is_string()), "{name}");
    }
    for (name, text) in files(RUNBOOKS, ".md") {
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let wanted = [
            &format!("# {}", name.trim_end_matches(".md")),
            "## What it means",
            "## What is at stake",
            "## How to see it",
            "## What to do",
            "## When it is false",
        ];
        assert_eq!(headings, wanted, "{name}");
    }
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_quiet() {
    let (mut fires, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for (name, text) in files(TESTS, ".yaml") {
        let file: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for check in file["tests"].as_array().unwrap().iter().flat_map(|test| test["promql_expr_test"].as_array().unwrap()) {
            let expression = check["expr"].as_str().unwrap();
            if let Some(alert) = expression.split("ALERTS{alertname=\"").nth(1) {
                let alert = alert.split('"').next().unwrap().to_owned();
                if check["exp_samples"].as_array().unwrap().is_empty() {
                    quiet.insert(alert)
                } else {
                    fires.insert(alert)
                };
            }
        }
    }
    assert_eq!(fires, alerts());
    assert_eq!(quiet, alerts());
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for (board, panel) in panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 8), "{board}: {title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{board}: {title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{board}: {title}");
    }
    for (name, text) in files(DASHBOARDS, ".json") {
        let board: Value = serde_json::from_str(&text).unwrap();
        let variables: Vec<&str> = board["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
        assert!(variables.starts_with(&["datasource", "namespace", "exchange"]), "{name}: {variables:?}");
    }
}

/// Availability is about what LeadFlow answers with 5xx.
#[test]
fn the_objective_of_availability_counts_the_refusals_that_are_our_fault() {
    let respond = read("src/roles/ingest/respond.rs");
    let ours = respond
        .lines()
        .filter(|line| line.contains("StatusCode::SERVICE_UNAVAILABLE") || line.contains("StatusCode::INTERNAL_SERVER_ERROR"));
    let ours: BTreeSet<&str> =
        ours.flat_map(|line| line.split("Refusal::").skip(1)).filter_map(|rest| rest.split([' ', '(']).next()).collect();
    let counted = read(&format!("{RULES}/slo.yaml"));
    let counted: BTreeSet<&str> = counted.split("code=~\"").nth(1).unwrap().split('"').next().unwrap().split('|').collect();
    assert_eq!(counted, ours);
}

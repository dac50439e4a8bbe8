//! Prometheus' own tool reads rules and dashboards, and runs the tests of the rules. `LEADFLOW_TEST_PROMTOOL` names it; without it these tests skip,
//! but not in CI.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::sources::root;
use crate::watching::{DASHBOARDS, RULES, TESTS, files, panels};

/// The tool, where there is one.
fn promtool() -> Option<PathBuf> {
    let found = std::env::var_os("LEADFLOW_TEST_PROMTOOL").map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        let in_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        assert!(!in_ci, "this test must run in CI: `eval \"$(tests/environment)\"` first");
        let thread = std::thread::current();
        let _ = writeln!(std::io::stderr(), "skipped {}: LEADFLOW_TEST_PROMTOOL names no program", thread.name().unwrap_or_default());
    }
    found
}

/// Has the tool look at files, and is content when it is.
fn passes(promtool: PathBuf, task: &str, paths: &[PathBuf]) {
    let done = Command::new(promtool).args([task, "rules"]).args(paths).output().unwrap();
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
}

fn paths(folder: &str) -> Vec<PathBuf> {
    files(folder, ".yaml").into_iter().map(|(name, _)| root().join(folder).join(name)).collect()
}

#[test]
fn prometheus_takes_the_rules() {
    if let Some(promtool) = promtool() {
        passes(promtool, "check", &paths(RULES));
    }
}

#[test]
fn every_alert_fires_and_keeps_quiet_when_it_should() {
    if let Some(promtool) = promtool() {
        passes(promtool, "test", &paths(TESTS));
    }
}

/// Each query is made a recording rule, with what Grafana puts in for variables.
#[test]
fn prometheus_takes_the_queries_of_every_panel() {
    let Some(promtool) = promtool() else { return };
    assert_eq!(files(DASHBOARDS, ".json").len(), 3);
    let mut rules = Vec::new();
    for (_, panel) in panels() {
        for target in panel["targets"].as_array().unwrap() {
            let query = ["$namespace", "$exchange", "$endpoint"]
                .iter()
                .fold(target["expr"].as_str().unwrap().to_owned(), |q, name| q.replace(name, ".*"));
            let query = query.replace("$__rate_interval", "1m");
            assert!(!query.contains('$'), "{}: {query}", panel["title"]);
            rules.push(json!({"record": format!("panel{}", rules.len()), "expr": query}));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("panels.yaml");
    std::fs::write(&path, json!({"groups": [{"name": "panels", "rules": rules}]}).to_string()).unwrap();
    passes(promtool, "check", &[path]);
}

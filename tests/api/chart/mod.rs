//! The Helm chart: what it renders, what it refuses, and what a real API server makes of it.

mod golden;
mod release;
mod rights;
mod server;
mod values;
mod watching;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::support::needed;

/// Where plain manifests put the operator.
const NAMESPACE: &str = "leadflow-system";
/// Kinds of the Prometheus operator, as a cluster that has it would tell.
const MONITORING: [&str; 3] = ["ServiceMonitor", "PodMonitor", "PrometheusRule"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn chart() -> String {
    root().join("charts/leadflow").display().to_string()
}

/// The values files whose output is kept, by name.
fn kept_values() -> Vec<(String, PathBuf)> {
    let files = std::fs::read_dir(root().join("tests/chart/values")).unwrap().map(|entry| entry.unwrap().path());
    let mut named: Vec<_> = files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect();
    named.sort();
    named
}

fn helm(arguments: &[&str]) -> Output {
    // Of its own settings and caches helm must not see any.
    let home = tempfile::tempdir().unwrap();
    Command::new(needed("LEADFLOW_TEST_HELM")).args(arguments).env("HOME", home.path()).env_remove("KUBECONFIG").output().unwrap()
}

/// What `helm template` renders in a namespace, as text; panics when it can't.
fn rendered(namespace: &str, arguments: &[&str]) -> String {
    let chart = chart();
    let output = helm(&[&["template", "leadflow", &chart, "--namespace", namespace], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Flags that make helm believe in the Prometheus operator.
fn with_monitoring() -> Vec<String> {
    MONITORING.iter().map(|kind| format!("--api-versions=monitoring.coreos.com/v1/{kind}")).collect()
}

/// The objects of a stream of documents.
fn objects(text: &str) -> Vec<Value> {
    let parts = text.split("\n---\n").map(|part| part.strip_prefix("---\n").unwrap_or(part));
    parts
        .filter(|part| part.lines().any(|line| !line.is_empty() && !line.starts_with('#')))
        .map(|part| serde_saphyr::from_str(part).unwrap())
        .collect()
}

fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

//! Rules and dashboards get into the cluster as they are in their files.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{objects, of_kind, rendered, root, with_monitoring};
use crate::support::{Part, require};

const ON: [&str; 4] = ["--set", "metrics.rules.enabled=true", "--set", "metrics.dashboards.enabled=true"];

fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join("charts/leadflow/files").join(folder)) else { return Vec::new() };
    let mut found: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|is| is == end)).collect();
    found.sort();
    found
}

fn everything() -> Vec<Value> {
    let monitoring = with_monitoring();
    let arguments: Vec<_> = ON.into_iter().chain(monitoring.iter().map(String::as_str)).collect();
    objects(&rendered("one", &arguments))
}

#[test]
fn each_file_of_rules_is_a_prometheus_rule() {
    if !require(&[Part::Helm]) {
        return;
    }
    let objects = everything();
    let made = of_kind(&objects, "PrometheusRule");
    let files = files("rules", "yaml");
    assert_eq!(made.len(), files.len());
    for (object, file) in made.into_iter().zip(&files) {
        let wanted: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(object["spec"], wanted, "{}", file.display());
    }
}

#[test]
fn alerts_name_the_runbooks_of_whoever_serves_them() {
    if !require(&[Part::Helm]) {
        return;
    }
    for url in ["https://wiki.example.com/leadflow", "https://wiki.example.com/leadflow/"] {
        let set = format!("metrics.rules.runbookURL={url}");
        let monitoring = with_monitoring();
        let arguments: Vec<_> = ON.into_iter().chain(["--set", &set]).chain(monitoring.iter().map(String::as_str)).collect();
        let objects = objects(&rendered("one", &arguments));
        let groups = of_kind(&objects, "PrometheusRule").into_iter().flat_map(|object| object["spec"]["groups"].as_array().unwrap());
        let alerts: Vec<_> = groups.flat_map(|group| group["rules"].as_array().unwrap()).filter(|rule| rule["alert"].is_string()).collect();
        assert!(alerts.len() > 20, "{}", alerts.len());
        for alert in alerts {
            let wanted = format!("https://wiki.example.com/leadflow/{}", alert["alert"].as_str().unwrap());
            assert_eq!(alert["annotations"]["runbook_url"], wanted);
        }
    }
}

#[test]
fn each_dashboard_is_a_config_map_that_grafana_finds() {
    if !require(&[Part::Helm]) {
        return;
    }
    let objects = everything();
    let labelled = |object: &&&Value| object["metadata"]["labels"]["grafana_dashboard"] == "1";
    let maps = of_kind(&objects, "ConfigMap");
    let made: Vec<_> = maps.iter().filter(labelled).collect();
    let files = files("dashboards", "json");
    assert_eq!(made.len(), files.len());
    for (object, file) in made.into_iter().zip(&files) {
        let (_, text) = object["data"].as_object().unwrap().iter().next().unwrap();
        let (is, wanted): (Value, Value) =
            (serde_json::from_str(text.as_str().unwrap()).unwrap(), serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap());
        assert_eq!(is, wanted, "{}", file.display());
    }
}

/// Rules and dashboards go by these labels: docs/metrics.md.
#[test]
fn monitors_give_targets_the_labels_that_rules_go_by() {
    if !require(&[Part::Helm]) {
        return;
    }
    let monitoring = with_monitoring();
    let on = ["--set", "metrics.serviceMonitor.enabled=true", "--set", "metrics.podMonitor.enabled=true"];
    let objects = objects(&rendered("one", &on.into_iter().chain(monitoring.iter().map(String::as_str)).collect::<Vec<_>>()));
    for (kind, endpoints) in [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")] {
        let [monitor] = of_kind(&objects, kind).try_into().expect("one of the kind");
        let (spec, scrape) = (&monitor["spec"], &monitor["spec"][endpoints][0]);
        assert_eq!(spec["jobLabel"], "app.kubernetes.io/name", "{kind}: job=\"leadflow\"");
        assert_eq!(spec["selector"]["matchLabels"]["app.kubernetes.io/name"], "leadflow");
        assert_eq!(scrape["honorLabels"], true);
        let labels: Vec<_> = scrape["relabelings"].as_array().unwrap().iter().map(|one| one["targetLabel"].as_str().unwrap()).collect();
        assert_eq!(labels, ["exchange", "component"], "{kind}");
    }
}

#[test]
fn nothing_of_it_is_there_unless_asked_for() {
    if !require(&[Part::Helm]) {
        return;
    }
    let monitoring = with_monitoring();
    let text = rendered("one", &monitoring.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!text.contains("monitoring.coreos.com") && !text.contains("grafana_dashboard"));
}

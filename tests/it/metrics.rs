//! `docs/metrics.md` lists the metrics that there are.

use crate::sources::{hold, read};

/// One metric as the source registers it.
struct Metric {
    name: String,
    kind: &'static str,
    labels: String,
    help: String,
}

/// The constructors in `ops/metrics.rs`, and what they make.
const CONSTRUCTORS: [(&str, &str); 7] = [
    ("counter(", "counter"),
    ("counters(", "counter"),
    ("gauges(", "gauge"),
    ("gauge(", "gauge"),
    ("float(", "gauge"),
    ("histograms(", "histogram"),
    ("histogram(", "histogram"),
];

fn metrics() -> Vec<Metric> {
    let source = read("src/ops/metrics.rs").split_whitespace().collect::<Vec<_>>().join(" ").replace("( &r", "(&r");
    let mut found = Vec::new();
    for (at, _) in source.match_indices("(&r, \"") {
        let head = &source[..=at];
        let (_, kind) = CONSTRUCTORS.iter().find(|(name, _)| head.ends_with(&format!(" {name}"))).unwrap_or_else(|| panic!("{head:?}"));
        let call = source[at..].split(")?").next().unwrap();
        let mut texts = call.split('"').skip(1).step_by(2).map(str::to_owned);
        let (name, help) = (texts.next().unwrap(), texts.next().unwrap());
        found.push(Metric { name, kind, labels: texts.map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", "), help });
    }
    found
}

#[test]
fn the_document_lists_every_metric() {
    let metrics = metrics();
    let rows: String = metrics.iter().map(|m| format!("| `{}` | {} | {} | {} |\n", m.name, m.kind, m.labels, m.help)).collect();
    let source = read("src/ops/metrics.rs");
    // Ours, and those whose names dashboards of controllers know.
    let prefixes = ["leadflow_", "controller_runtime_", "rest_client_", "leader_election_"];
    let named: usize = prefixes.iter().map(|prefix| source.matches(&format!("\"{prefix}")).count()).sum();
    assert_eq!(metrics.len(), named, "a metric is registered in a way that this test does not know");
    hold("docs/metrics.md", "metrics", &format!("| metric | type | labels | meaning |\n|---|---|---|---|\n{rows}"));
}

#[test]
fn a_process_shows_the_metrics_that_need_no_label() {
    let text = leadflow::ops::metrics::Metrics::new().unwrap().text();
    for metric in metrics().iter().filter(|metric| metric.labels.is_empty()) {
        assert!(text.contains(&format!("# TYPE {} {}", metric.name, metric.kind)), "{}", metric.name);
    }
}

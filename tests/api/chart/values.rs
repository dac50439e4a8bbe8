//! Values that the chart does not know are refused, and named.

use super::{chart, helm};
use crate::support::{Part, require};

fn refusal(set: &str) -> String {
    let output = helm(&["template", "leadflow", &chart(), "--set", set]);
    assert!(!output.status.success(), "{set} was taken");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn unknown_and_wrong_values_are_refused_by_name() {
    if !require(&[Part::Helm]) {
        return;
    }
    for (set, named) in [
        ("replica=3", "'replica'"),
        ("image.tags=1", "'tags'"),
        ("crds.kept=true", "'kept'"),
        ("metrics.podMonitor.intervall=30s", "'intervall'"),
        ("resources.request.cpu=1", "'request'"),
        ("networkPolicy.apiServerPorts={ https }", "/networkPolicy/apiServerPorts/0"),
        ("replicas=many", "/replicas"),
        ("metrics.rules.runbookURL=runbooks", "/metrics/rules/runbookURL"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("image.digest=sha256:abc", "/image/digest"),
        ("watchNamespaces={Sales}", "/watchNamespaces/0"),
    ] {
        let refusal = refusal(set);
        assert!(refusal.contains(named), "{set}: {refusal}");
    }
}

/// The notes of a release, as `helm install` prints them.
pub(super) fn notes(namespace: &str, arguments: &[&str]) -> String {
    let chart = chart();
    let output = helm(&[&["install", "leadflow", &chart, "--namespace", namespace, "--dry-run=client"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once("\nNOTES:\n").expect("there are notes").1.to_owned()
}

#[test]
fn a_kind_that_the_cluster_lacks_is_left_out_and_the_notes_say_so() {
    if !require(&[Part::Helm]) {
        return;
    }
    let said = notes("one", &["--set", "metrics.rules.enabled=true"]);
    assert!(said.contains("Left out: metrics.rules, because the cluster does not know the kind PrometheusRule"), "{said}");
    assert!(!notes("one", &[]).contains("Left out"));
}

#[test]
fn the_notes_say_how_prometheus_is_let_in() {
    if !require(&[Part::Helm]) {
        return;
    }
    let command = "kubectl label namespace NAMESPACE leadflow.dev/monitoring=true";
    for flag in ["metrics.podMonitor.enabled=true", "metrics.rules.enabled=true"] {
        assert!(notes("one", &["--set", flag]).contains(command), "{flag}");
    }
    assert!(!notes("one", &[]).contains("leadflow.dev/monitoring"));
}

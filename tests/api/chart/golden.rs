//! What is kept of the chart's output is what it renders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{chart, helm, kept_values, needed, objects, rendered, root};
use crate::support::{Part, require};

/// What `charts/render` writes, from the root.
const WRITTEN: [&str; 7] = [
    "config/crds.yaml",
    "config/operator.yaml",
    "config/access.yaml",
    "config/install.yaml",
    "config/gitops/argocd/argocd-cm.yaml",
    "charts/leadflow/files",
    "tests/chart/golden",
];

fn files(root: &Path, path: &str) -> BTreeMap<String, String> {
    let full = root.join(path);
    if full.is_file() {
        return BTreeMap::from([(path.to_owned(), fs::read_to_string(full).unwrap())]);
    }
    let names = fs::read_dir(&full).unwrap_or_else(|error| panic!("{path}: {error}")).map(|entry| entry.unwrap().file_name());
    names.flat_map(|name| files(root, &format!("{path}/{}", name.to_str().unwrap()))).collect()
}

#[test]
fn what_is_kept_is_what_the_chart_renders() {
    if !require(&[Part::Helm]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(root().join("charts/render"))
        .arg(folder.path())
        .env("LEADFLOW_TEST_HELM", needed("LEADFLOW_TEST_HELM"))
        .output()
        .expect("charts/render can run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for path in WRITTEN {
        let (kept, fresh) = (files(root(), path), files(folder.path(), path));
        assert_eq!(kept.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "run `make manifests`");
        for (name, text) in fresh {
            let line = kept[&name].lines().zip(text.lines()).position(|(one, other)| one != other).map_or(0, |line| line + 1);
            assert!(kept[&name] == text, "{name}:{line} is not what the chart renders: run `make manifests`, and look at what changed");
        }
    }
}

#[test]
fn the_same_values_render_the_same_objects() {
    if !require(&[Part::Helm]) {
        return;
    }
    for (name, path) in kept_values() {
        let arguments = ["--values", path.to_str().unwrap()];
        assert!(rendered("one", &arguments) == rendered("one", &arguments), "{name}: something in it is random, or the time");
    }
}

#[test]
fn lint_has_nothing_to_say() {
    if !require(&[Part::Helm]) {
        return;
    }
    for (name, path) in kept_values() {
        let output = helm(&["lint", "--strict", "--quiet", &chart(), "--values", path.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !text.contains("[WARNING]") && !text.contains("[ERROR]"), "{name}: {text}");
    }
}

#[test]
fn definitions_outlive_the_release_unless_told_otherwise() {
    if !require(&[Part::Helm]) {
        return;
    }
    let keeps = |arguments: &[&str]| {
        let objects = objects(&rendered("one", arguments));
        let definitions = super::of_kind(&objects, "CustomResourceDefinition");
        let kept = definitions.iter().filter(|object| object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep").count();
        (definitions.len(), kept)
    };
    assert_eq!(keeps(&[]), (6, 6));
    assert_eq!(keeps(&["--set", "crds.keep=false"]), (6, 0));
    assert_eq!(keeps(&["--set", "crds.enabled=false"]), (0, 0));
}

#[test]
fn no_field_of_an_autoscaler_and_no_star_is_in_it() {
    if !require(&[Part::Helm]) {
        return;
    }
    for object in objects(&rendered("one", &["--set", "crds.enabled=false"])) {
        assert!(object["kind"] != "HorizontalPodAutoscaler", "the operator's pods stand by: there is nothing to scale");
        if object["kind"].as_str().unwrap().contains("Role") {
            assert!(!object.to_string().contains('*'), "{object}");
        }
    }
}

//! Findings have the line of their field.

use crate::settings::{CheckOutput, CheckSettings};
use crate::tools::check::command::{CheckError, run};

use super::HOUSE;

fn checked(files: &[(&str, &str)], output: CheckOutput, strict: bool) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let settings = CheckSettings { dir: folder.path().to_owned(), output, warnings_as_errors: strict, samples: None };
    let mut out = Vec::new();
    let passes = run(&settings, &mut out).unwrap();
    (passes, String::from_utf8(out).unwrap().replace(&folder.path().display().to_string(), "rules"))
}

#[test]
fn findings_stand_where_their_fields_do() {
    let house = HOUSE.replacen("{team: west}}}", "{team: wets}}}", 1);
    let (passes, text) = checked(&[("house.yaml", &house)], CheckOutput::Text, false);
    assert!(passes);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("rules/house.yaml:67:7: warning: TierEmpty: RoutingPolicy/homes: spec.tiers[0].to: nobody"), "{text}");
    assert!(text.contains("\n    fix: choose other labels"), "{text}");
    assert!(text.ends_with("7 objects: 0 errors, 2 warnings, 0 notes\n"), "{text}");
}

#[test]
fn warnings_fail_only_when_asked_to_and_errors_always() {
    let warned = HOUSE.replacen("{team: west}}}", "{team: wets}}}", 1);
    assert!(checked(&[("house.yaml", &warned)], CheckOutput::Text, false).0);
    assert!(!checked(&[("house.yaml", &warned)], CheckOutput::Text, true).0);
    let wrong = HOUSE.replacen("names: [acme]", "names: [amce]", 1);
    assert!(!checked(&[("house.yaml", &wrong)], CheckOutput::Text, false).0);
    assert!(checked(&[("house.yaml", HOUSE)], CheckOutput::Text, true).0);
}

#[test]
fn what_admission_refuses_is_told_first_and_alone() {
    let agent = "apiVersion: leadflow.dev/v1alpha1\nkind: Agent\nmetadata:\n  name: sarah\nspec:\n  deliver: crm\n";
    let (passes, text) = checked(&[("a.yaml", agent), ("b.yaml", "kind: [\n"), ("house.yaml", HOUSE)], CheckOutput::Text, false);
    assert!(!passes);
    assert!(text.contains("rules/a.yaml:6:3: error: InvalidManifest: Agent/sarah: spec.deliver: is not a field;"), "{text}");
    assert!(text.contains("rules/b.yaml: error: InvalidManifest: is not YAML"), "{text}");
    assert!(text.lines().filter(|line| line.contains("rules/")).all(|line| line.contains("InvalidManifest")), "{text}");
}

#[test]
fn a_folder_that_is_not_there_and_samples_that_are_not_are_no_findings() {
    let settings = CheckSettings { dir: "no/such/folder".into(), output: CheckOutput::Text, warnings_as_errors: false, samples: None };
    assert!(matches!(run(&settings, &mut Vec::new()), Err(CheckError::Folder(_))));
    let folder = tempfile::tempdir().unwrap();
    let settings = CheckSettings { dir: folder.path().to_owned(), samples: Some("no/such/file".into()), ..settings };
    let error = run(&settings, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.starts_with("--samples no/such/file: can't be read"), "{error}");
}

#[test]
fn json_holds_findings_and_their_counts() {
    let warned = HOUSE.replacen("{team: west}}}", "{team: wets}}}", 1);
    let json: serde_json::Value = serde_json::from_str(&checked(&[("house.yaml", &warned)], CheckOutput::Json, false).1).unwrap();
    assert_eq!(json["counts"], serde_json::json!({"errors": 0, "warnings": 2, "notes": 0}));
    assert_eq!(json["findings"][0]["code"], "TierEmpty");
    assert_eq!((json["findings"][0]["line"].as_u64(), json["findings"][0]["level"].as_str()), (Some(67), Some("warning")));
}

//! The tools as people call them: what they print, and how they end.

use std::process::{Command, Output};

use crate::sources::root;

fn leadflow(line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leadflow")).args(line).current_dir(root()).output().unwrap()
}

fn status(line: &[&str]) -> Option<i32> {
    leadflow(line).status.code()
}

#[test]
fn check_ends_with_a_status_that_pipelines_understand() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "kind: Agent\n").unwrap();
    for (line, expected) in [
        (["check", "config/samples", "-o", "text"], 0),
        (["check", "config/samples", "-o", "sarif"], 0),
        (["check", dir, "-o", "junit"], 1),
        (["check", "no/such/folder", "-o", "text"], 2),
        (["check", dir, "-o", "crayons"], 2),
        (["check", dir, "--samples", "no/such/file"], 2),
    ] {
        assert_eq!(status(&line), Some(expected), "{line:?}");
    }
}

#[test]
fn a_policy_of_the_samples_is_drawn() {
    let output = leadflow(&["flowchart", "residential", "--manifests", "config/samples/quickstart"]);
    assert!(output.status.success() && output.stdout.starts_with(b"flowchart TD\n"), "{output:?}");
}

#[test]
fn the_sample_lead_is_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let leads = folder.path().join("leads.jsonl");
    let lead: serde_json::Value = serde_json::from_str(include_str!("../ingest/sample_lead.json")).unwrap();
    std::fs::write(&leads, format!("{lead}\n{lead}\n")).unwrap();
    let line = ["simulate", "config/samples/quickstart", "--leads", leads.to_str().unwrap(), "--start", "2026-11-23T18:00:00Z"];
    let output = leadflow(&line);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.starts_with("2 leads\n") && text.contains("agent/sarah-lee"), "{text}");
}

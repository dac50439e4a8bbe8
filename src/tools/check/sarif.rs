//! Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a change.

use serde_json::{Map, Value, json};

use super::finding::{Code, Finding, Level};

/// The log of one run.
pub fn sarif(findings: &[Finding]) -> Value {
    let rules: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.as_str(),
                "shortDescription": {"text": code.meaning()},
                "defaultConfiguration": {"level": code.level().as_str()},
            })
        })
        .collect();
    let results: Vec<_> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "leadflow check", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let mut location = Map::new();
    if let Some(file) = &finding.file {
        let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
        if let Some(line) = finding.line {
            physical["region"] = json!({"startLine": line, "startColumn": finding.column.unwrap_or(1)});
        }
        location.insert("physicalLocation".to_owned(), physical);
    }
    if let Some(object) = &finding.object {
        let name = finding.field.as_ref().map_or_else(|| object.clone(), |field| format!("{object}.{field}"));
        location.insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": name}]));
    }
    let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!(" Fix: {fix}."));
    let subject = finding.subject();
    let subject = if subject.is_empty() { subject } else { format!("{subject}: ") };
    json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": match finding.level { Level::Error => "error", Level::Warning => "warning", Level::Note => "note" },
        "message": {"text": format!("{subject}{}.{fix}", finding.message)},
        "locations": if location.is_empty() { json!([]) } else { json!([location]) },
    })
}

/// A path as a relative URI reference (RFC 3986): what is not unreserved, but for `/`, is written in percent.
fn uri(path: &str) -> String {
    let absolute = path.starts_with('/');
    let written = path.bytes().map(|byte| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        plain if plain.is_ascii_alphanumeric() => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    });
    let written: String = written.collect();
    if absolute { format!("file://{written}") } else { written.trim_start_matches("./").to_owned() }
}

//! SARIF and JUnit are what their readers expect, whatever findings say.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::tools::check::finding::Level;
use crate::tools::check::junit::junit;
use crate::tools::check::sarif::sarif;

fn any_finding() -> impl Strategy<Value = Finding> {
    let text = || prop_oneof!["[<>&\"'\\]a-z ]{1,12}", any::<String>()];
    let place = prop::option::of((text(), prop::option::of(1u64..99)));
    (0..Code::ALL.len(), 0..3usize, text(), prop::option::of(text()), prop::option::of(text()), place, prop::option::of(text())).prop_map(
        |(code, level, message, object, field, place, fix)| {
            let level = [Level::Error, Level::Warning, Level::Note][level];
            let (file, line) = place.map_or((None, None), |(file, line)| (Some(file), line));
            Finding { file, line, column: line, level, object, field, fix, ..Finding::new(Code::ALL[code], message) }
        },
    )
}

/// What a SARIF 2.1.0 log must be, as far as this one uses it.
fn check_sarif(log: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {log:#}"));
    let run = &log["runs"][0];
    if log["version"] != "2.1.0" || log["runs"].as_array().map(Vec::len) != Some(1) || !run["tool"]["driver"]["name"].is_string() {
        return wrong("version, runs or driver");
    }
    let rules = run["tool"]["driver"]["rules"].as_array().ok_or("no rules")?;
    let levels = ["none", "note", "warning", "error"];
    for rule in rules {
        let level = rule["defaultConfiguration"]["level"].as_str();
        if !rule["id"].is_string() || !rule["shortDescription"]["text"].is_string() || !level.is_some_and(|level| levels.contains(&level)) {
            return wrong("a rule");
        }
    }
    for result in run["results"].as_array().ok_or("no results")? {
        let index = result["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok()).ok_or("no index")?;
        if rules.get(index).map(|rule| &rule["id"]) != Some(&result["ruleId"]) || !result["message"]["text"].is_string() {
            return wrong("a result's rule or message");
        }
        if !result["level"].as_str().is_some_and(|level| levels.contains(&level)) {
            return wrong("a result's level");
        }
        for location in result["locations"].as_array().ok_or("no locations")? {
            let Some(physical) = location.get("physicalLocation") else { continue };
            let uri = physical["artifactLocation"]["uri"].as_str().ok_or("no uri")?;
            if !uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%:".contains(&byte)) {
                return wrong("a uri");
            }
            if physical.get("region").is_some_and(|region| region["startLine"].as_u64().is_none_or(|line| line < 1)) {
                return wrong("a region");
            }
        }
    }
    Ok(())
}

/// Reads XML strictly, as far as this report uses it: elements that close, attributes in double quotes, entities, no stray markup. Gives how many elements
/// of each name there are.
fn check_xml(text: &str) -> Result<std::collections::BTreeMap<String, usize>, String> {
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
    let (mut open, mut counts) = (Vec::new(), std::collections::BTreeMap::new());
    let is_text = |text: &str| {
        let entities = text.split('&').skip(1).all(|part| ["lt;", "gt;", "amp;", "quot;"].iter().any(|entity| part.starts_with(entity)));
        entities && text.chars().all(|c| matches!(c, '\n' | '\t') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}' | '<' | '>')))
    };
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        let (tag, after) = tag[1..].split_once('>').ok_or("a tag without end")?;
        if !is_text(before) {
            return Err(format!("no text: {before}"));
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.to_owned()) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else {
            let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
            let quoted: Vec<_> = attributes.split('"').collect();
            if quoted.len() % 2 == 0 || !quoted.iter().skip(1).step_by(2).all(|value| is_text(value)) {
                return Err(format!("attributes: {attributes}"));
            }
            *counts.entry(name.to_owned()).or_default() += 1;
            if !tag.ends_with('/') {
                open.push(name.to_owned());
            }
        }
        rest = after;
    }
    if open.is_empty() && rest == "\n" { Ok(counts) } else { Err(format!("left open: {open:?}")) }
}

proptest! {
    #[test]
    fn sarif_is_well_formed(findings in prop::collection::vec(any_finding(), 0..20)) {
        let log = sarif(&findings);
        check_sarif(&log).map_err(TestCaseError::fail)?;
        prop_assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    }

    #[test]
    fn junit_is_well_formed_and_fails_once_for_each_finding_that_counts(findings in prop::collection::vec(any_finding(), 0..20), strict: bool) {
        let text = junit(&findings, strict);
        let counts = check_xml(&text).map_err(TestCaseError::fail)?;
        let fails = |one: &&Finding| one.level == Level::Error || (strict && one.level == Level::Warning);
        let failed = findings.iter().filter(fails).count();
        prop_assert_eq!(counts.get("failure").copied().unwrap_or_default(), failed);
        prop_assert!(counts["testcase"] >= Code::ALL.len());
        let totals = format!("tests=\"{}\" failures=\"{failed}\"", counts["testcase"]);
        prop_assert!(text.contains(&totals), "{}", text);
    }
}

#[test]
fn the_reports_of_one_house() {
    let house = HOUSE.replacen("{team: west}}}", "{team: wets}}}", 1);
    let found = found_on(HOUSE, &house, None);
    insta::assert_json_snapshot!("sarif", sarif(&found));
    insta::assert_snapshot!("junit", junit(&found, true));
}

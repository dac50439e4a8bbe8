//! Findings as JUnit XML, which build servers show as tests: a test for each code, failed once for each finding that counts.

use std::fmt::Write;

use super::finding::{Code, Counts, Finding, Level};

/// The report. Errors fail; warnings do when they count as errors; notes never.
pub fn junit(findings: &[Finding], warnings_as_errors: bool) -> String {
    let fails = |finding: &&Finding| finding.level == Level::Error || (warnings_as_errors && finding.level == Level::Warning);
    let failed = findings.iter().filter(fails).count();
    let mut cases = String::new();
    let mut tests = 0;
    for code in Code::ALL {
        let (failures, others): (Vec<_>, Vec<_>) = findings.iter().filter(|finding| finding.code == code).partition(fails);
        for finding in &failures {
            tests += 1;
            let name = if finding.subject().is_empty() { "folder".to_owned() } else { finding.subject() };
            let _ = write!(
                cases,
                "    <testcase classname=\"{code}\" name=\"{}\"{}>\n      <failure type=\"{code}\" message=\"{}\">",
                escaped(&name),
                place(finding),
                escaped(&finding.message)
            );
            let _ = writeln!(cases, "{}</failure>\n    </testcase>", escaped(&line(finding)));
        }
        if failures.is_empty() {
            tests += 1;
            let _ = write!(cases, "    <testcase classname=\"{code}\" name=\"{}\"", escaped(code.meaning()));
            let _ = if others.is_empty() {
                writeln!(cases, "/>")
            } else {
                let lines = others.iter().map(|finding| line(finding)).collect::<Vec<_>>().join("\n");
                writeln!(cases, ">\n      <system-out>{}</system-out>\n    </testcase>", escaped(&lines))
            };
        }
    }
    let Counts { warnings, notes, .. } = Counts::of(findings);
    let totals = format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"0\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {totals}>\n  <testsuite name=\"leadflow check\" {totals} skipped=\"0\">\n    \
         <properties>\n      <property name=\"warnings\" value=\"{warnings}\"/>\n      <property name=\"notes\" value=\"{notes}\"/>\n    </properties>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn place(finding: &Finding) -> String {
    let file = finding.file.as_ref().map_or_else(String::new, |file| format!(" file=\"{}\"", escaped(file)));
    let line = finding.line.map_or_else(String::new, |line| format!(" line=\"{line}\""));
    format!("{file}{line}")
}

/// `warning: agents.yaml:12: Agent/sarah-lee: spec: … (fix: …)`
fn line(finding: &Finding) -> String {
    let place = finding.file.as_ref().map(|file| finding.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")));
    let parts = [Some(finding.level.as_str().to_owned()), place, Some(finding.subject()), Some(finding.message.clone())];
    let line = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    finding.fix.as_ref().map_or_else(|| line.clone(), |fix| format!("{line} (fix: {fix})"))
}

/// Text as XML 1.0 may hold it: markup as entities, and what is no character of XML as U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

//! Findings for people: a line each, as compilers write them.

use std::fmt::Write;

use super::finding::{Counts, Finding};

/// All findings, what to do about each, and how many there are.
pub fn text(findings: &[Finding], objects: usize) -> String {
    let mut text = String::new();
    for finding in findings {
        let place = [finding.file.clone(), finding.line.map(|line| line.to_string()), finding.column.map(|column| column.to_string())];
        let place = place.into_iter().flatten().collect::<Vec<_>>().join(":");
        let parts = [place, finding.level.as_str().to_owned(), finding.code.to_string(), finding.subject(), finding.message.clone()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let _ = writeln!(text, "{}", parts.join(": "));
        if let Some(fix) = &finding.fix {
            let _ = writeln!(text, "    fix: {fix}");
        }
    }
    let Counts { errors, warnings, notes } = Counts::of(findings);
    let _ = writeln!(
        text,
        "{}: {}, {}, {}",
        counted(objects, "object"),
        counted(errors, "error"),
        counted(warnings, "warning"),
        counted(notes, "note")
    );
    text
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

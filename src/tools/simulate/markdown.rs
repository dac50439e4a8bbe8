//! A report as Markdown, for a pull request.

use std::fmt::Write;

use super::report::{Part, Report};
use super::table::{changes, money, sums, way};

/// Recipients that are listed.
const LISTED: usize = 25;

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("### {} leads\n\n", report.leads);
    let compares = report.before.is_some();
    let _ = if compares { writeln!(text, "| | before | after |\n|---|---:|---:|") } else { writeln!(text, "| | |\n|---|---:|") };
    for (name, after, before) in sums(report) {
        let before = before.map_or_else(String::new, |before| format!(" {} |", cell(&before)));
        let _ = writeln!(text, "| {} |{before} {} |", cell(&name), cell(&after));
    }
    for (name, kind) in changes(report) {
        let _ = writeln!(text, "| {name} | | {} |", kind.count);
    }
    if !report.recipients.is_empty() {
        recipients(&mut text, report);
    }
    for (name, kind) in changes(report).into_iter().filter(|(_, kind)| kind.count > 0) {
        let _ = writeln!(text, "\n<details><summary>{name}: {}</summary>\n\n| lead | from → to |\n|---|---|", kind.count);
        for example in &kind.examples {
            let _ = writeln!(text, "| `{}` | {} |", example.lead, cell(&way(example)));
        }
        if kind.hidden() > 0 {
            let _ = writeln!(text, "\nand {} more", kind.hidden());
        }
        let _ = writeln!(text, "\n</details>");
    }
    if !report.tiers.is_empty() {
        let _ = writeln!(text, "\n| tier | method | leads | furthest from the intended share |\n|---|---|---:|---|");
    }
    for tier in &report.tiers {
        let furthest = tier.shares.first().filter(|_| tier.spread.is_some_and(|spread| spread > 0.0)).map_or_else(
            || if tier.spread.is_some() { "as intended" } else { "-" }.to_owned(),
            |share| format!("{}: {:.2} % instead of {:.2} %", share.recipient, share.percent, share.intended_percent.unwrap_or_default()),
        );
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            cell(&format!("{}/{}", tier.policy, tier.tier)),
            tier.method,
            tier.leads,
            cell(&furthest)
        );
    }
    text
}

fn recipients(text: &mut String, report: &Report) {
    let compares = report.before.is_some();
    let _ = if compares {
        writeln!(
            text,
            "\n| recipient | leads before | after | revenue before | after | kept away by caps |\n|---|---:|---:|---:|---:|---:|"
        )
    } else {
        writeln!(text, "\n| recipient | leads | revenue | kept away by caps |\n|---|---:|---:|---:|")
    };
    for row in report.recipients.iter().take(LISTED) {
        let both = |of: &dyn Fn(&Part) -> String| match &row.before {
            Some(before) => format!("{} | {}", cell(&of(before)), cell(&of(&row.after))),
            None => cell(&of(&row.after)),
        };
        let leads = both(&|part| part.leads.to_string());
        let _ = writeln!(text, "| {} | {leads} | {} | {} |", cell(&row.recipient), both(&|part| money(&part.revenue)), row.after.capped);
    }
    let more = report.recipients.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more recipients");
    }
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

//! A report as aligned text.

use std::fmt::Write;

use super::report::{Example, Kind, Part, Report, Totals};

/// Recipients that are listed.
const LISTED: usize = 40;

/// Numbers with what they were before, when that differs: `120 (was 100)`.
pub fn beside(after: &str, before: Option<&str>) -> String {
    match before {
        Some(before) if before != after => format!("{after} (was {before})"),
        _ => after.to_owned(),
    }
}

/// Sums of money by currency; a dash when there is none.
pub fn money(revenue: &std::collections::BTreeMap<String, super::report::Amount>) -> String {
    let sums = revenue.iter().map(|(code, amount)| format!("{amount} {code}")).collect::<Vec<_>>().join(", ");
    if sums.is_empty() { "-".to_owned() } else { sums }
}

/// The sums of a report: what, how much, and how much before.
pub fn sums(report: &Report) -> Vec<(String, String, Option<String>)> {
    let Report { after, before, .. } = report;
    let row = |name: &str, of: &dyn Fn(&Totals) -> String| (name.to_owned(), of(after), before.as_ref().map(of));
    let mut rows = vec![
        row("matched", &|totals| totals.matched.to_string()),
        row("sales", &|totals| totals.sales.to_string()),
        row("revenue", &|totals| money(&totals.revenue)),
        row("kept away by caps", &|totals| format!("{} ({} recipients)", totals.capped, totals.at_cap)),
    ];
    let reasons: std::collections::BTreeSet<_> =
        after.unmatched.keys().chain(before.iter().flat_map(|totals| totals.unmatched.keys())).collect();
    for reason in reasons {
        rows.push(row(&format!("unmatched: {reason}"), &|totals| totals.unmatched.get(reason).copied().unwrap_or_default().to_string()));
    }
    rows
}

/// The kinds of change, with their names.
pub fn changes(report: &Report) -> Vec<(&'static str, &Kind)> {
    let kinds = report.changes.iter().flat_map(|changes| {
        [("moved", &changes.moved), ("newly unmatched", &changes.newly_unmatched), ("newly matched", &changes.newly_matched)]
    });
    kinds.collect()
}

/// Where a lead goes instead: `agent/a → agent/b`.
pub fn way(example: &Example) -> String {
    let names =
        |names: &[String]| if names.is_empty() { example.reason.clone().unwrap_or_else(|| "nobody".to_owned()) } else { names.join(", ") };
    format!("{} → {}", names(&example.from), names(&example.to))
}

/// The whole report.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} leads", report.leads);
    let sums: Vec<_> = sums(report).into_iter().map(|(name, after, before)| vec![name, beside(&after, before.as_deref())]).collect();
    aligned(&mut text, &sums);
    for (name, kind) in changes(report) {
        let _ = writeln!(text, "\n{name}: {}", kind.count);
        let rows: Vec<_> = kind.examples.iter().map(|example| vec![example.lead.to_string(), way(example)]).collect();
        aligned(&mut text, &rows);
        more(&mut text, kind.hidden());
    }
    if !report.recipients.is_empty() {
        let _ = writeln!(text);
        let mut rows = vec![["recipient", "leads", "revenue", "kept away by caps"].map(str::to_owned).to_vec()];
        rows.extend(report.recipients.iter().take(LISTED).map(|row| {
            let both = |of: &dyn Fn(&Part) -> String| beside(&of(&row.after), row.before.as_ref().map(of).as_deref());
            vec![
                row.recipient.clone(),
                both(&|part| part.leads.to_string()),
                both(&|part| money(&part.revenue)),
                both(&|part| part.capped.to_string()),
            ]
        }));
        aligned(&mut text, &rows);
        more(&mut text, report.recipients.len().saturating_sub(LISTED) as u64);
    }
    for tier in &report.tiers {
        let spread = tier
            .spread
            .map_or_else(|| "no shares intended".to_owned(), |spread| format!("at most {spread:.2} points from the intended share"));
        let _ = writeln!(text, "\n{}/{} ({}): {} leads, {spread}", tier.policy, tier.tier, tier.method, tier.leads);
        let rows: Vec<_> = tier
            .shares
            .iter()
            .map(|share| {
                let intended = share.intended_percent.map_or_else(String::new, |intended| format!("intended {intended:.2} %"));
                vec![share.recipient.clone(), share.leads.to_string(), format!("{:.2} %", share.percent), intended]
            })
            .collect();
        aligned(&mut text, &rows);
        more(&mut text, tier.recipients.saturating_sub(tier.shares.len()) as u64);
    }
    text
}

fn more(text: &mut String, hidden: u64) {
    if hidden > 0 {
        let _ = writeln!(text, "  and {hidden} more");
    }
}

/// Columns side by side, each as wide as its widest cell.
fn aligned(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(widest).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

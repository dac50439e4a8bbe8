//! The answer as text for people.

use std::fmt::Write;

use super::judge::WhyNot;
use crate::tools::explanation_text::moment;

/// The verdict, then each test under its tier.
pub fn text(answer: &WhyNot) -> String {
    let mut text = format!("{}\n", answer.verdict);
    if let Some(at) = answer.decided_at {
        let _ = writeln!(text, "Lead {}, decision at {}", answer.lead, moment(at));
    }
    let mut tier = None;
    for test in &answer.tests {
        if tier != Some(&test.tier) {
            let _ = match &test.tier {
                None => writeln!(text, "\n{} itself", answer.recipient),
                Some(tier) => writeln!(text, "\nTier {tier}"),
            };
            tier = Some(&test.tier);
        }
        let _ = writeln!(text, "  {}  {}: {}", if test.passed { "yes" } else { "NO " }, test.test, test.found);
    }
    text
}

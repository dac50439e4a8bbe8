//! An explanation as a Mermaid flowchart: the path that the lead took.

use super::explanation::{Explanation, ShownDelivery, ShownState};
use super::explanation_text::{amount, compared, measure, moment, passed_over, state, unmatched};
use super::flowchart::mermaid::{Diagram, Node, Shape};
use crate::lead::decision::TierTrace;
use crate::lead::{Decision, State};

/// Recipients that a tier shows.
const SHOWN: usize = 4;
/// Decisions that are drawn; of more, the last.
const DECISIONS: usize = 8;

/// The path of one lead.
pub fn mermaid(explanation: &Explanation) -> String {
    let mut path = Path { diagram: Diagram::default(), last: None, word: None };
    path.step(
        Shape::Rounded,
        vec![format!("Lead {}", explanation.lead), format!("from {}, arrived {}", explanation.source, moment(explanation.arrived_at))],
    );
    let live: Vec<_> = explanation.decisions.iter().filter(|decision| !decision.shadow).collect();
    let skipped = live.len().saturating_sub(DECISIONS);
    if skipped > 0 {
        path.step(Shape::Box, vec![format!("{skipped} earlier decisions")]);
    }
    let drawn: Vec<_> = live.into_iter().skip(skipped).collect();
    let mut deliveries = explanation.deliveries.iter().peekable();
    for (at, decision) in drawn.iter().enumerate() {
        let next = drawn.get(at + 1).map(|next| next.inputs.now);
        path.decision(decision);
        while let Some(delivery) = deliveries.next_if(|delivery| next.is_none_or(|next| delivery.at < next)) {
            path.delivery(delivery);
        }
    }
    path.end(explanation);
    path.diagram.finish()
}

/// A path in the making.
struct Path {
    diagram: Diagram,
    last: Option<Node>,
    /// What stands at the next arrow.
    word: Option<String>,
}

impl Path {
    fn step(&mut self, shape: Shape, lines: Vec<String>) {
        let node = self.diagram.node(shape, &lines);
        let word = self.word.take();
        if let Some(last) = self.last.replace(node) {
            self.diagram.arrow(last, node, word.as_deref());
        }
    }

    fn decision(&mut self, decision: &Decision) {
        let mut lines = vec![format!("Decision at {}", moment(decision.inputs.now))];
        lines.extend(decision.passed_over.iter().map(|passed| format!("Not by policy {}, {}", passed.policy, passed_over(passed.why))));
        lines.push(decision.policy.as_ref().map_or_else(|| "No policy takes it".to_owned(), |policy| format!("Policy {policy} takes it")));
        if let Some(score) = &decision.score {
            let grade = score.grade.as_ref().map_or_else(String::new, |grade| format!(", grade {grade}"));
            let fired = if score.fired.is_empty() { String::new() } else { format!(" ({})", score.fired.join(", ")) };
            lines.push(format!("Score {}{fired}{grade}", score.points));
        }
        self.step(Shape::Box, lines);
        for tier in &decision.tiers {
            self.tier(tier);
        }
        if let Some(reason) = decision.unmatched {
            let again = decision.retry_at.map(|at| format!("To be decided again at {}", moment(at)));
            self.step(Shape::Box, ["Nobody to ask".to_owned(), unmatched(reason).to_owned()].into_iter().chain(again).collect());
        }
    }

    fn tier(&mut self, tier: &TierTrace) {
        if !tier.used {
            self.step(Shape::Box, vec![format!("Tier {} is not used", tier.tier), "Its condition is not true".to_owned()]);
            return;
        }
        let mut left = tier.members;
        let mut lines = vec![format!("Tier {}, by {}", tier.tier, tier.method), format!("{left} in it")];
        for stage in &tier.stages {
            left = left.saturating_sub(stage.removed);
            lines.push(format!("{} takes {} away, {left} left", stage.name, stage.removed));
        }
        lines.extend(tier.stand_ins.iter().map(|one| format!("{} stands in for {}", one.stands_in, one.absent)));
        lines.extend(tier.waits_for.iter().map(|recipient| format!("It waits for {recipient}")));
        for (at, ranked) in tier.ranked.iter().take(SHOWN).enumerate() {
            let value =
                ranked.error.clone().unwrap_or_else(|| format!("{} {}", measure(&tier.method), compared(&tier.method, ranked.value)));
            lines.push(format!("No. {} {} ({})", at + 1, ranked.recipient, value.trim()));
        }
        let more = (tier.left as usize).saturating_sub(SHOWN.min(tier.ranked.len()));
        if tier.ranked.is_empty() {
            lines.push("Nobody is left".to_owned());
        } else if more > 0 {
            lines.push(format!("and {more} more"));
        }
        self.step(Shape::Box, lines);
    }

    fn delivery(&mut self, delivery: &ShownDelivery) {
        let price = delivery.price.as_ref().map_or_else(String::new, |price| format!(", for {}", amount(price)));
        let lines = vec![
            format!("Delivery {} to {}", delivery.number, delivery.recipient),
            format!("through {}, {} tries{price}", delivery.endpoint, delivery.attempts.len()),
        ];
        self.step(Shape::Decision, lines);
        self.word = Some(if delivery.state == ShownState::Open { "no answer yet" } else { state(delivery.state) }.to_owned());
    }

    fn end(&mut self, explanation: &Explanation) {
        let outcome = &explanation.outcome;
        let (shape, line) = match outcome.state {
            State::Queued => (Shape::Store, "Queued".to_owned()),
            State::Unmatched => (Shape::Store, format!("Unmatched, {}", outcome.reason.map_or("nobody took it", unmatched))),
            State::Duplicate => (Shape::Rounded, "A duplicate".to_owned()),
            State::Delivered => (Shape::Rounded, "Delivered".to_owned()),
            State::Closed => (Shape::Rounded, "Delivered, and closed".to_owned()),
        };
        let takers = outcome.taken_by.iter().map(|taken| format!("to {}", taken.recipient));
        self.step(shape, std::iter::once(line).chain(takers).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::super::flowchart::mermaid::reading::{reached, read};
    use super::*;

    fn explanation(name: &str) -> Explanation {
        let path = format!("{}/src/tools/testdata/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_paths_of_a_delivered_and_of_an_unmatched_lead() {
        for name in ["delivered", "unmatched"] {
            let text = mermaid(&explanation(name));
            let read = read(&text).unwrap();
            assert_eq!(reached(&read).len(), read.labels.len(), "{text}");
            assert_eq!(read.arrows.len() + 1, read.labels.len(), "one way: {text}");
            insta::assert_snapshot!(name, text);
        }
    }

    #[test]
    fn a_long_story_is_cut_at_its_beginning() {
        let mut long = explanation("unmatched");
        let decision = long.decisions[0].clone();
        long.decisions = vec![decision; 40];
        let read = read(&mermaid(&long)).unwrap();
        assert_eq!(read.labels.values().filter(|label| label.starts_with("Decision at")).count(), DECISIONS);
        assert!(read.labels[&1].contains("32 earlier decisions"));
    }
}

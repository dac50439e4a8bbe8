//! Puts a policy's steps in their order and joins them by arrows.

use super::mermaid::{Diagram, Node, Shape};
use super::words::{self, Width};
use crate::api::RoutingPolicy;
use crate::api::routing_policy::{Exclusive, IfSold, Mode, QuietHours, RoutingPolicySpec, Takes, Tier, WhenClosed};
use crate::table::Objects;
use crate::tools::parties::{Party, parties};
use crate::tools::precedence::{in_order, sources};

/// Policies that come before and that are shown each.
const BEFORE: usize = 8;
/// Mermaid draws no longer text unless it is told to.
const LONGEST: usize = 50_000;
/// How much of CEL texts is shown; the first that fits.
const WIDTHS: [Width; 3] = [Width(160), Width(60), Width(16)];

/// There is no such policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no RoutingPolicy '{name}'; {}", if known.is_empty() { "there is none at all".to_owned() } else { format!("there are {}", known.join(", ")) })]
pub struct UnknownPolicy {
    pub name: String,
    pub known: Vec<String>,
}

/// The routing of one policy as a Mermaid flowchart.
///
/// # Errors
/// When no policy has the name.
pub fn flowchart(objects: &Objects, name: &str) -> Result<String, UnknownPolicy> {
    let policy = objects
        .policies
        .get(name)
        .ok_or_else(|| UnknownPolicy { name: name.to_owned(), known: objects.policies.keys().cloned().collect() })?;
    let mut text = String::new();
    for width in WIDTHS {
        text = Drawing::new(objects, policy, width).draw(name);
        if text.len() <= LONGEST {
            break;
        }
    }
    Ok(text)
}

/// A flowchart in the making.
struct Drawing<'a> {
    objects: &'a Objects,
    spec: &'a RoutingPolicySpec,
    width: Width,
    parties: Vec<Party<'a>>,
    diagram: Diagram,
    /// Arrows that lead to whatever is drawn next.
    open: Vec<(Node, Option<&'static str>)>,
    /// Arrows that lead to the good end.
    done: Vec<(Node, Option<&'static str>)>,
}

impl<'a> Drawing<'a> {
    fn new(objects: &'a Objects, policy: &'a RoutingPolicy, width: Width) -> Self {
        let (diagram, open, done) = (Diagram::default(), Vec::new(), Vec::new());
        Self { objects, spec: &policy.spec, width, parties: parties(objects), diagram, open, done }
    }

    fn draw(mut self, name: &str) -> String {
        self.arrival(name);
        if self.spec.mode == Mode::Live {
            self.policies_before(name);
        }
        self.takes(name);
        if let Some(scoring) = &self.spec.score {
            self.step(Shape::Box, words::scoring(scoring, self.width));
        }
        if let Some(quiet) = &self.spec.quiet_hours {
            self.quiet_hours(quiet);
        }
        if !self.spec.skills.is_empty() {
            self.step(Shape::Box, words::skills(&self.spec.skills, self.width));
        }
        self.rules_of_asking();
        for (at, tier) in self.spec.tiers.iter().enumerate() {
            self.tier(at + 1, tier);
        }
        self.last_resort();
        self.ends();
        self.diagram.finish()
    }

    /// Draws a node that all open arrows lead to, and that leads on.
    fn step(&mut self, shape: Shape, lines: Vec<String>) -> Node {
        let node = self.diagram.node(shape, &lines);
        for (from, word) in std::mem::take(&mut self.open) {
            self.diagram.arrow(from, node, word);
        }
        self.open.push((node, None));
        node
    }

    /// Draws a question; the arrow that leads on is the `no`.
    fn question(&mut self, lines: Vec<String>) -> Node {
        let node = self.step(Shape::Decision, lines);
        self.open = vec![(node, Some("no"))];
        node
    }

    fn arrival(&mut self, name: &str) {
        let from = sources(self.objects, &self.spec.takes);
        let sources = match (&self.spec.takes.sources, from.is_empty()) {
            (None, _) => "from any source".to_owned(),
            (Some(selector), true) => format!("from a source where {} (none at present)", words::selector(selector)),
            (Some(_), false) => format!("from {}", words::listed(from.into_iter())),
        };
        let mut lines = vec![format!("Policy {name}"), format!("A lead arrives {sources}")];
        if self.spec.mode == Mode::Shadow {
            lines.push("This policy is a shadow (it decides beside the live one and delivers nothing)".to_owned());
        }
        self.step(Shape::Rounded, lines);
    }

    /// Whether two policies can take a lead of the same source, as far as the sources of now tell.
    fn shares_a_source(&self, other: &Takes) -> bool {
        let mine = sources(self.objects, &self.spec.takes);
        sources(self.objects, other).iter().any(|source| mine.contains(source))
    }

    fn policies_before(&mut self, name: &str) {
        let order = in_order(self.objects);
        let before: Vec<_> = order
            .into_iter()
            .take_while(|(other, _)| *other != name)
            .filter(|(_, policy)| self.shares_a_source(&policy.spec.takes))
            .collect();
        let hidden = before.len().saturating_sub(BEFORE);
        for (other, policy) in before.into_iter().take(BEFORE) {
            let spec = &policy.spec;
            let mut lines = vec![format!("Does policy {other} take it? It is asked before (precedence {})", spec.precedence)];
            lines.push(match &spec.takes.when {
                Some(when) => format!("It does when {}", self.width.cut(when)),
                None => "It takes all leads of its sources".to_owned(),
            });
            if let Some(selector) = &spec.takes.sources {
                lines.push(format!("Its sources are those where {}", words::selector(selector)));
            }
            let asked = self.question(lines);
            let end = self.diagram.node(Shape::Rounded, &[format!("Policy {other} decides")]);
            self.diagram.arrow(asked, end, Some("yes"));
        }
        if hidden > 0 {
            let asked = self.question(vec![format!("Does one of {hidden} more policies take it?")]);
            let end = self.diagram.node(Shape::Rounded, &["That policy decides".to_owned()]);
            self.diagram.arrow(asked, end, Some("yes"));
        }
    }

    fn takes(&mut self, name: &str) {
        let Some(when) = &self.spec.takes.when else { return };
        let asked = self.question(vec![format!("Does policy {name} take it?"), format!("It does when {}", self.width.cut(when))]);
        let order = in_order(self.objects);
        let after =
            order.iter().skip_while(|(other, _)| *other != name).skip(1).filter(|(_, policy)| self.shares_a_source(&policy.spec.takes));
        let after: Vec<_> = after.map(|(other, _)| *other).collect();
        let live = self.spec.mode == Mode::Live;
        let end = match after.is_empty() {
            _ if !live => self.diagram.node(Shape::Rounded, &["Nothing is decided".to_owned()]),
            true => self.diagram.node(Shape::Store, &["The unmatched queue (no policy takes the lead)".to_owned()]),
            false => self.diagram.node(Shape::Rounded, &[format!("Policy {} is asked next", words::listed(after.into_iter()))]),
        };
        self.diagram.arrow(asked, end, Some("no"));
        self.open = vec![(asked, Some("yes"))];
    }

    fn quiet_hours(&mut self, quiet: &QuietHours) {
        let asked = self.question(vec![format!("May the lead be called now, by the law of where it lives ({:?})?", quiet.jurisdictions)]);
        match quiet.when_closed {
            WhenClosed::Wait => {
                let wait = self.step(Shape::Box, vec!["Wait until it may be called".to_owned()]);
                self.open = vec![(asked, Some("yes")), (wait, None)];
            }
            WhenClosed::WithoutCalls => {
                let lines = [
                    "From here on, only recipients that don't call are asked",
                    "If none of them takes it, it waits until it may be called",
                ];
                let without = self.step(Shape::Box, lines.map(str::to_owned).to_vec());
                self.open = vec![(asked, Some("yes")), (without, None)];
            }
        }
    }

    fn rules_of_asking(&mut self) {
        let most = words::count(self.most(), "recipient gets", "recipients get");
        let within = words::count(self.spec.within_seconds.unsigned_abs() as usize, "second", "seconds");
        let lines = vec![
            format!("At most {most} the lead, within {within}. After them it goes to the unmatched queue"),
            "In each step those are asked whose tests the lead passes and who are at work, below caps and capacity, with a working endpoint".to_owned(),
            format!("Who refuses is asked no more. {}", words::after_timeout(self.spec.after_timeout)),
        ];
        self.step(Shape::Box, lines);
    }

    fn most(&self) -> usize {
        self.spec.max_recipients.unsigned_abs() as usize
    }

    fn tier(&mut self, number: usize, tier: &Tier) {
        let skipped = tier.when.as_ref().map(|when| {
            let asked =
                self.question(vec![format!("Is tier {number}, {}, used?", tier.name), format!("It is when {}", self.width.cut(when))]);
            self.open = vec![(asked, Some("yes"))];
            (asked, Some("no"))
        });
        if tier.exclusive == Exclusive::CompareWithShared {
            self.comparison(number, tier);
        }
        let members: Vec<_> = self.parties.iter().filter(|party| party.is_in(&tier.to)).copied().collect();
        let mut lines = vec![format!("Tier {number}, {}", tier.name)];
        lines.extend(words::members(&tier.to, &members));
        lines.push(format!("Order of asking ({})", words::method(&tier.method, self.width)));
        if let Some(limit) = tier.limit {
            lines.push(format!("At most {} the lead", words::count(limit.unsigned_abs() as usize, "of them gets", "of them get")));
        }
        self.step(Shape::Box, lines);
        let most = self.most();
        let enough = if most == 1 || tier.if_sold == IfSold::Stop {
            self.question(vec!["Did somebody take it?".to_owned()])
        } else {
            self.question(vec![format!("Do {most} have it now?")])
        };
        self.done.push((enough, Some("yes")));
        self.open.extend(skipped);
    }

    /// Alone, or shared?
    fn comparison(&mut self, number: usize, tier: &Tier) {
        let shared = words::count(self.most(), "shared price", "shared prices together");
        let lines = vec![
            format!("Tier {number}, {}. Is the lead sold to one alone?", tier.name),
            format!("It is when the best exclusive price is at least the best {shared}"),
        ];
        let asked = self.question(lines);
        let alone = self.diagram.node(Shape::Box, &["Ask the one that pays most to have it alone".to_owned()]);
        self.diagram.arrow(asked, alone, Some("yes"));
        let taken = self.diagram.node(Shape::Decision, &["Did it take it?".to_owned()]);
        self.diagram.arrow(alone, taken, None);
        self.diagram.arrow(taken, asked, Some("no, compare the others"));
        self.done.push((taken, Some("yes")));
    }

    /// What follows the last tier.
    fn last_resort(&mut self) {
        let some_may_have_it = self.most() > 1 && self.spec.tiers.iter().any(|tier| tier.if_sold == IfSold::Continue);
        if some_may_have_it {
            let asked = self.question(vec!["Does anybody have it?".to_owned()]);
            self.done.push((asked, Some("yes")));
        }
        if let Some(fallback) = &self.spec.fallback {
            let members: Vec<_> = self.parties.iter().filter(|party| party.is_in(&fallback.to)).copied().collect();
            let mut lines = vec!["Fallback".to_owned()];
            lines.extend(words::members(&fallback.to, &members));
            lines.push("Order of asking (the highest priority first)".to_owned());
            self.step(Shape::Box, lines);
            let taken = self.question(vec!["Did somebody take it?".to_owned()]);
            self.done.push((taken, Some("yes")));
        }
    }

    fn ends(&mut self) {
        let live = self.spec.mode == Mode::Live;
        let mut lines = vec!["The unmatched queue, with the reason".to_owned()];
        lines.push("The lead is decided again when rules change or the reason may be over".to_owned());
        if !live {
            lines = vec!["It would go to the unmatched queue".to_owned()];
        }
        self.step(Shape::Store, lines);
        let end = self.diagram.node(Shape::Rounded, &[if live { "Delivered" } else { "It would be delivered" }.to_owned()]);
        for (from, word) in std::mem::take(&mut self.done) {
            self.diagram.arrow(from, end, word);
        }
    }
}

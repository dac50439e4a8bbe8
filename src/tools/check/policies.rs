//! Policies that are in each other's way, and sources that no policy takes leads of.

use std::collections::BTreeSet;

use super::finding::{Code, Finding, Level};
use crate::api::RoutingPolicy;
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::precedence::{in_order, sources};

/// Every policy that is never used or overlaps with another, and every source without a policy.
pub fn policies(objects: &Objects) -> Vec<Finding> {
    let live: Vec<_> = in_order(objects)
        .into_iter()
        .map(|(name, policy)| Live { name, policy, sources: sources(objects, &policy.spec.takes).into_iter().collect() })
        .collect();
    let mut found = Vec::new();
    for (name, policy) in &objects.policies {
        if policy.spec.takes.sources.is_some() && sources(objects, &policy.spec.takes).is_empty() {
            let message = "no LeadSource of the folder has these labels: the policy takes no lead";
            let fix = "write the labels as the LeadSources have them, or label these";
            found.push(Finding::of(Code::SelectorMatchesNothing, &policy_ref(name), "spec.takes.sources", message).fix(fix));
        }
    }
    for (at, later) in live.iter().enumerate() {
        let earlier = live.get(..at).unwrap_or_default();
        found.extend(later.never_used(earlier).or_else(|| later.overlap(earlier)));
    }
    let mode = if objects.policies.len() > live.len() { "live policy" } else { "policy" };
    for name in objects.sources.keys().filter(|name| live.iter().all(|policy| !policy.sources.contains(name.as_str()))) {
        let object = ObjectRef { kind: Kind::LeadSource, name: name.clone() };
        let message = format!("no {mode} takes leads of this source: all of them would go to the unmatched queue");
        let fix = "give the source labels that the `takes.sources` of a policy chooses";
        found.push(Finding::of(Code::SourceWithoutPolicy, &object, "metadata.labels", message).fix(fix));
    }
    found
}

fn policy_ref(name: &str) -> ObjectRef {
    ObjectRef { kind: Kind::RoutingPolicy, name: name.to_owned() }
}

/// A live policy.
struct Live<'a> {
    name: &'a str,
    policy: &'a RoutingPolicy,
    sources: BTreeSet<&'a str>,
}

impl Live<'_> {
    fn when(&self) -> Option<&str> {
        self.policy.spec.takes.when.as_deref()
    }

    /// Whether this policy, asked first, leaves the other none of the leads of a source that both take.
    fn takes_all_of(&self, other: &Self) -> bool {
        self.when().is_none() || self.when() == other.when()
    }

    /// Certain for the sources of the folder: for each of them an earlier policy takes all that this one could.
    fn never_used(&self, earlier: &[Self]) -> Option<Finding> {
        let higher: Vec<_> =
            earlier.iter().filter(|other| other.policy.spec.precedence > self.policy.spec.precedence && other.takes_all_of(self)).collect();
        let mut takers = BTreeSet::new();
        for source in &self.sources {
            takers.insert(higher.iter().find(|other| other.sources.contains(source))?.name);
        }
        let by = takers.into_iter().collect::<Vec<_>>().join(", ");
        (!by.is_empty()).then(|| {
            let message =
                format!("never takes a lead: of each of its sources, {by} takes all that this policy could, by higher precedence");
            let fix = "give it a higher precedence, or give the others a `takes.when` that leaves something";
            Finding::of(Code::PolicyNeverUsed, &policy_ref(self.name), "spec.precedence", message).fix(fix)
        })
    }

    /// The first policy of the same precedence that is asked before and can take the same leads.
    fn overlap(&self, earlier: &[Self]) -> Option<Finding> {
        let same = earlier.iter().filter(|other| other.policy.spec.precedence == self.policy.spec.precedence);
        let (other, shared) = same
            .map(|other| (other, other.sources.intersection(&self.sources)))
            .find_map(|(other, mut shared)| Some((other, *shared.next()?)))?;
        let aged = self.policy.metadata.creation_timestamp != other.policy.metadata.creation_timestamp;
        let rule = if aged { "it is older" } else { "its name comes first; in a cluster, the older of the two would" };
        let message = format!(
            "has the precedence of {}, {}, and both can take leads of the source '{shared}': {} takes them, because {rule}",
            other.name, self.policy.spec.precedence, other.name
        );
        let finding = Finding::of(Code::PoliciesOverlap, &policy_ref(self.name), "spec.precedence", message)
            .fix("give one of them a higher precedence, so that it does not depend on age or name");
        let may_exclude = self.when().is_some() && other.when().is_some() && self.when() != other.when();
        Some(if may_exclude { finding.level(Level::Note) } else { finding })
    }
}

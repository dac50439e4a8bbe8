//! Policies in the order in which they are asked, and the sources that each takes leads of.

use crate::api::RoutingPolicy;
use crate::api::routing_policy::{Mode, Takes};
use crate::table::Objects;

use super::parties::chooses;

/// Live policies in the order in which they are asked: precedence, then age, then name.
pub fn in_order(objects: &Objects) -> Vec<(&str, &RoutingPolicy)> {
    let mut live: Vec<_> = objects.policies.iter().filter(|(_, policy)| policy.spec.mode == Mode::Live).collect();
    live.sort_by_key(|(name, policy)| {
        let age = policy.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (std::cmp::Reverse(policy.spec.precedence), age, *name)
    });
    live.into_iter().map(|(name, policy)| (name.as_str(), policy.as_ref())).collect()
}

/// Names of the sources whose leads a policy takes.
pub fn sources<'a>(objects: &'a Objects, takes: &Takes) -> Vec<&'a str> {
    let taken = |labels| takes.sources.as_ref().is_none_or(|selector| chooses(selector, labels));
    objects.sources.iter().filter(|(_, source)| taken(source.metadata.labels.as_ref())).map(|(name, _)| name.as_str()).collect()
}

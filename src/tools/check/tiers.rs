//! Tiers that nobody is in, and tiers that no lead gets to. The fallback is a tier like the others, and the last one.
//!
//! A tier is certainly unreachable when each of its members was asked, or could not be asked, in an earlier tier: one that is used whenever this one
//! is (it has no condition, or the same), ranks everybody (not Sticky alone, nobody without weight by Weighted or without target by Attainment) and goes on until all were asked or the lead has
//! all its recipients (no smaller limit, no comparison with exclusive prices, which leaves some out, and nobody at whose cap a lead waits). A recipient's tests, hours and caps are its own and hold in
//! every tier alike, so that whoever could not be asked there can't be asked here.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::api::cap::WhenReached;
use crate::api::routing_policy::{Exclusive, MethodType, OtherwiseType, RoutingPolicySpec, Tier};
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::parties::{Party, parties};

/// Every tier that is empty or unreachable.
pub fn tiers(objects: &Objects) -> Vec<Finding> {
    let parties = parties(objects);
    let of_policy = |(name, policy): (&String, &std::sync::Arc<crate::api::RoutingPolicy>)| {
        let object = ObjectRef { kind: Kind::RoutingPolicy, name: name.clone() };
        of(&object, &policy.spec, &parties)
    };
    objects.policies.iter().flat_map(of_policy).collect()
}

fn of(object: &ObjectRef, spec: &RoutingPolicySpec, parties: &[Party<'_>]) -> Vec<Finding> {
    let members = |to| (0..parties.len()).filter(|at| parties.get(*at).is_some_and(|party| party.is_in(to))).collect::<BTreeSet<_>>();
    let by_tier: Vec<_> = spec.tiers.iter().map(|tier| members(&tier.to)).collect();
    let mut found = Vec::new();
    let empty = |field: String, what: &str| {
        Finding::of(Code::TierEmpty, object, field, format!("nobody is in {what}")).fix("choose other labels or names, or remove it")
    };
    for (at, (tier, members)) in spec.tiers.iter().zip(&by_tier).enumerate() {
        if members.is_empty() {
            found.push(empty(format!("spec.tiers[{at}].to"), &format!("the tier '{}'", tier.name)));
            continue;
        }
        let earlier = spec.tiers.iter().zip(&by_tier).take(at).filter(|(other, _)| other.when.is_none() || other.when == tier.when);
        if let Some(names) = asked_before(spec, earlier, members, parties) {
            let message = format!("the tier '{}' is never of use: whoever is in it was asked in {names} already", tier.name);
            let fix = "remove it, move it up, or give the earlier tier a `when`, a `limit` or fewer members";
            found.push(Finding::of(Code::TierUnreachable, object, format!("spec.tiers[{at}]"), message).fix(fix));
        }
    }
    let Some(fallback) = spec.fallback.as_ref().map(|fallback| members(&fallback.to)) else { return found };
    let always = spec.tiers.iter().zip(&by_tier).filter(|(tier, _)| tier.when.is_none());
    if fallback.is_empty() {
        found.push(empty("spec.fallback.to".to_owned(), "the fallback"));
    } else if let Some(names) = asked_before(spec, always, &fallback, parties) {
        let message = format!("the fallback is never of use: whoever is in it was asked in {names} already");
        let fix = "remove it, or leave its recipients out of the tiers";
        found.push(Finding::of(Code::TierUnreachable, object, "spec.fallback", message).fix(fix));
    }
    found
}

/// The names of earlier tiers in which all of these were asked; none when some may not have been.
fn asked_before<'a>(
    spec: &RoutingPolicySpec,
    earlier: impl Iterator<Item = (&'a Tier, &'a BTreeSet<usize>)>,
    members: &BTreeSet<usize>,
    parties: &[Party<'_>],
) -> Option<String> {
    let (mut names, mut asked) = (Vec::new(), BTreeSet::new());
    for (tier, theirs) in earlier {
        let through = through(spec, tier, theirs, parties);
        if through.intersection(members).next().is_some() {
            names.push(format!("'{}'", tier.name));
            asked.extend(through);
        }
    }
    members.is_subset(&asked).then(|| names.join(" and "))
}

/// The members of a tier who have certainly been asked, or can't be, when the tier after it is.
fn through(spec: &RoutingPolicySpec, tier: &Tier, members: &BTreeSet<usize>, parties: &[Party<'_>]) -> BTreeSet<usize> {
    let limited = tier.limit.is_some_and(|limit| limit < spec.max_recipients && (limit.unsigned_abs() as usize) < members.len());
    if limited || tier.exclusive == Exclusive::CompareWithShared {
        return BTreeSet::new();
    }
    let otherwise = tier.method.sticky.as_ref().and_then(|sticky| sticky.otherwise);
    if tier.method.kind == MethodType::Sticky && otherwise.is_none() {
        return BTreeSet::new();
    }
    let by_weight = tier.method.kind == MethodType::Weighted || otherwise == Some(OtherwiseType::Weighted);
    let by_target = tier.method.kind == MethodType::Attainment || otherwise == Some(OtherwiseType::Attainment);
    let is_ranked = |party: &Party<'_>| (!by_weight || party.weight() > 0) && (!by_target || party.has_target());
    let queues = |party: &Party<'_>| party.caps().iter().any(|cap| cap.when_reached == WhenReached::Queue);
    let members = || members.iter().filter_map(|at| Some((*at, parties.get(*at)?)));
    if spec.max_recipients > 1 && members().any(|(_, party)| queues(party)) {
        return BTreeSet::new();
    }
    members().filter(|(_, party)| is_ranked(party)).map(|(at, _)| at).collect()
}

//! Holes in territories: three-digit areas of which a policy's recipients take most ZIPs, and none of them the rest.
//!
//! An area that a policy takes little of, or nothing, is somebody else's: only one that it takes more than half of has holes. A policy with a recipient that takes
//! any ZIP has none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive;

use super::finding::{Code, Finding, Level};
use crate::api::RoutingPolicy;
use crate::api::shared::{Filter, Within};
use crate::geography::{self, Center, Distance};
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::parties::{Party, parties};

/// Digits of a ZIP that make an area: the sorting centre.
const PREFIX: usize = 3;
/// Areas, and ZIPs of each, that a finding lists.
const LISTED: usize = 8;

/// The holes of each policy.
pub fn areas(objects: &Objects) -> Vec<Finding> {
    let parties = parties(objects);
    objects.policies.iter().filter_map(|(name, policy)| of(name, policy, &parties)).collect()
}

fn of(name: &str, policy: &Arc<RoutingPolicy>, parties: &[Party<'_>]) -> Option<Finding> {
    let mut served = Served::default();
    for party in parties.iter().filter(|party| party.is_asked_by(&policy.spec)) {
        served.add(party)?;
    }
    if served.zips.is_empty() && served.prefixes.is_empty() {
        return None;
    }
    let holes = served.holes();
    let missing: usize = holes.iter().map(|hole| hole.missing.len()).sum();
    if missing == 0 {
        return None;
    }
    let shown = holes.iter().take(LISTED).map(|Hole { state, prefix, missing, all }| {
        let zips = missing.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
        let more = if missing.len() > LISTED { ", …" } else { "" };
        format!("{state} {prefix}xx ({} of {all}: {zips}{more})", missing.len())
    });
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if holes.len() > LISTED {
        list.push_str(&format!(" and {} more areas", holes.len() - LISTED));
    }
    let object = ObjectRef { kind: Kind::RoutingPolicy, name: name.to_owned() };
    let message = format!("nobody takes {missing} ZIPs of areas of which the policy's recipients take most: {list}");
    let finding = Finding::of(Code::ZipsUnserved, &object, "spec.tiers", message);
    Some(finding.level(Level::Note).fix("add the ZIPs to the tests of somebody, unless they are meant to be left out"))
}

/// What recipients serve together.
#[derive(Default)]
struct Served<'a> {
    zips: BTreeSet<&'a str>,
    prefixes: BTreeSet<&'a str>,
    states: BTreeSet<&'a str>,
}

/// An area with ZIPs that nobody takes.
struct Hole {
    state: &'static str,
    prefix: &'static str,
    missing: Vec<&'static str>,
    all: usize,
}

impl<'a> Served<'a> {
    /// Adds what a recipient serves; none when that is everything, or can't be told.
    fn add(&mut self, party: &Party<'a>) -> Option<()> {
        let tests = |field: &'static str| party.accepts().iter().filter(move |filter| filter.field == field);
        let mut zips = tests("location.zip").filter(|filter| filter.exists.is_none());
        let Some(first) = zips.next() else {
            let states = tests("location.state").find_map(|filter| filter.any_of.as_ref())?;
            self.states.extend(states.iter().map(String::as_str));
            return Some(());
        };
        // A second test narrows the first; then the first alone claims too much, and no hole is told that is none.
        match first {
            Filter { any_of: Some(zips), .. } => self.zips.extend(zips.iter().map(String::as_str)),
            Filter { starts_with: Some(prefixes), .. } => self.prefixes.extend(prefixes.iter().map(String::as_str)),
            Filter { within: Some(circle), .. } => self.zips.extend(within(circle)?),
            _ => return None,
        }
        Some(())
    }

    fn takes(&self, zip: &str, state: &str) -> bool {
        self.zips.contains(zip) || self.states.contains(state) || self.prefixes.iter().any(|prefix| zip.starts_with(prefix))
    }

    fn holes(&self) -> Vec<Hole> {
        let mut areas: BTreeMap<(&'static str, &'static str), (Vec<&'static str>, usize)> = BTreeMap::new();
        for (zip, state) in geography::zips() {
            let Some(prefix) = zip.get(..PREFIX) else { continue };
            let (missing, all) = areas.entry((state, prefix)).or_default();
            *all += 1;
            if !self.takes(zip, state) {
                missing.push(zip);
            }
        }
        let holes = areas.into_iter().filter(|(_, (missing, all))| !missing.is_empty() && missing.len() * 2 < *all);
        holes.map(|((state, prefix), (missing, all))| Hole { state, prefix, missing, all }).collect()
    }
}

fn within(circle: &Within) -> Option<Vec<&'static str>> {
    let radius = match (circle.miles, circle.kilometers) {
        (Some(miles), _) => Distance::Miles(miles.unsigned_abs()),
        (None, kilometers) => Distance::Kilometres(kilometers?.unsigned_abs()),
    };
    let degrees = |text: &Option<String>| text.as_ref()?.parse::<rust_decimal::Decimal>().ok()?.to_f64();
    let center = match &circle.of.zip {
        Some(zip) => Center::Zip(zip),
        None => Center::Point { latitude: degrees(&circle.of.latitude)?, longitude: degrees(&circle.of.longitude)? },
    };
    geography::within(center, radius).ok()
}

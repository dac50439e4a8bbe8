//! ZIPs of leads that no recipient serves.
//!
//! A recipient serves a ZIP when its tests of `location.zip` let it through, and those of `location.state` the lead's state. Its other tests say nothing
//! about places and are left aside, so that what is told here holds whatever else a lead is like.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding};
use super::samples::Samples;
use crate::api::shared::Filter;
use crate::lead::{Lead, Value};
use crate::table::{Kind, ObjectRef, Objects};
use crate::tools::parties::{Party, parties};
use crate::tools::precedence::{in_order, sources};

const ZIP: &str = "location.zip";
const STATE: &str = "location.state";
/// Areas that a finding lists.
const AREAS: usize = 10;
/// Digits of a ZIP that make an area: the sorting centre.
const PREFIX: usize = 3;

/// For each source, the ZIPs of its samples that nobody serves in any live policy that takes leads of it.
pub fn zips(objects: &Objects, samples: &Samples) -> Vec<Finding> {
    if !samples.given {
        return Vec::new();
    }
    let parties = parties(objects);
    let policies = in_order(objects);
    let mut found = Vec::new();
    for name in objects.sources.keys() {
        let asking = policies.iter().filter(|(_, policy)| sources(objects, &policy.spec.takes).contains(&name.as_str()));
        let asking: Vec<_> = asking.collect();
        if asking.is_empty() {
            continue;
        }
        let asked: Vec<_> = parties.iter().filter(|party| asking.iter().any(|(_, policy)| party.is_asked_by(&policy.spec))).collect();
        let leads: Vec<_> = samples.leads.iter().filter(|lead| lead.source == *name && lead.get(ZIP).is_some()).collect();
        let unserved: Vec<_> = leads.iter().filter(|lead| !asked.iter().any(|party| serves(party, lead))).copied().collect();
        if unserved.is_empty() {
            continue;
        }
        let object = ObjectRef { kind: Kind::LeadSource, name: name.clone() };
        let message = format!("{} of {} sample leads have ZIPs that nobody serves: {}", unserved.len(), leads.len(), by_area(&unserved));
        let fix = "add the ZIPs to the tests of somebody, or a tier or fallback of recipients who take any";
        found.push(Finding::of(Code::ZipsUnserved, &object, "", message).fix(fix));
    }
    found
}

fn serves(party: &Party<'_>, lead: &Lead) -> bool {
    party.accepts().iter().all(|filter| match (filter.field.as_str(), lead.get(&filter.field)) {
        (ZIP | STATE, Some(Value::Text(text))) => passes(filter, text),
        _ => true,
    })
}

/// Whether a text passes a test. What can't be told here passes.
fn passes(filter: &Filter, text: &str) -> bool {
    let listed = |values: &Vec<String>| values.iter().any(|value| value == text);
    filter.any_of.as_ref().is_none_or(listed)
        && !filter.not_in.as_ref().is_some_and(listed)
        && filter.starts_with.as_ref().is_none_or(|starts| starts.iter().any(|start| text.starts_with(start.as_str())))
        && filter.exists != Some(false)
}

/// `CA 902xx (3 leads: 90210, 90211), …`, most leads first.
fn by_area(leads: &[&Lead]) -> String {
    let mut areas: BTreeMap<(String, String), (usize, BTreeSet<String>)> = BTreeMap::new();
    for lead in leads {
        let text = |field| lead.get(field).map(ToString::to_string).unwrap_or_default();
        let zip = text(ZIP);
        let prefix: String = zip.chars().take(PREFIX).collect();
        let (count, zips) = areas.entry((text(STATE), prefix)).or_default();
        *count += 1;
        zips.insert(zip);
    }
    let mut areas: Vec<_> = areas.into_iter().collect();
    areas.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let more = areas.len().saturating_sub(AREAS);
    let shown = areas.iter().take(AREAS).map(|((state, prefix), (count, zips))| {
        let state = if state.is_empty() { String::new() } else { format!("{state} ") };
        let listed = zips.iter().take(AREAS).map(String::as_str).collect::<Vec<_>>().join(", ");
        let and_more = if zips.len() > AREAS { ", …" } else { "" };
        format!("{state}{prefix}xx ({count}: {listed}{and_more})")
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more areas"));
    }
    text
}

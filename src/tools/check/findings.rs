//! Runs every check.

use super::finding::Finding;
use super::samples::Samples;
use super::{areas, coverage, dry_run, policies, recipients, references, rules, tiers, vocabulary};
use crate::table::{ObjectRef, Objects, Rejected, Secrets, Table};

/// What is checked.
pub struct Checked<'a> {
    pub objects: &'a Objects,
    pub secrets: &'a Secrets,
    pub table: &'a Table,
    pub rejected: &'a [Rejected],
    pub samples: &'a Samples,
}

/// All that is found.
pub fn findings(checked: &Checked<'_>) -> Vec<Finding> {
    let Checked { objects, secrets, table, rejected, samples } = checked;
    let dangling = references::dangling(objects);
    let named = |object: &ObjectRef| {
        dangling
            .iter()
            .any(|finding| finding.object.as_ref().is_some_and(|named| *named == format!("{}/{}", object.kind.as_str(), object.name)))
    };
    let without_endpoint = rejected.iter().map(|rejected| &rejected.object).filter(|object| named(object)).cloned().collect();
    let mut found = rules::compilation(objects, rejected, &without_endpoint);
    found.extend(dangling);
    found.extend(references::secrets(objects, secrets));
    found.extend(policies::policies(objects));
    found.extend(tiers::tiers(objects));
    found.extend(recipients::unused(objects));
    found.extend(recipients::caps(objects));
    found.extend(vocabulary::grades(objects));
    found.extend(vocabulary::skills(objects));
    if objects.exchange().is_some() {
        found.extend(recipients::filters(objects, &table.schema));
        found.extend(dry_run::expressions(objects, &table.schema, samples));
        found.extend(coverage::zips(objects, samples));
        found.extend(areas::areas(objects));
    }
    found
}

//! By what a person or company is known again, for the method Sticky: keyed hashes, so that the store never sees the values.

use super::decide::sticky_fields;
use super::fingerprint::{Hash, compared};
use crate::lead::Lead;
use crate::lead::decision::KnownOwner;
use crate::store::Owner;
use crate::table::Table;

/// What the hashes are for; keeps them apart from all others made with the same key.
const PURPOSE: &str = "owner";

/// The lead's keys, each with its field: one for each field that any tier of the table knows owners by, and that the lead has.
pub fn keys<'t>(lead: &Lead, table: &'t Table, hash: &Hash<'_>) -> Vec<(&'t str, [u8; 32])> {
    sticky_fields(table)
        .into_iter()
        .filter_map(|field| {
            let value = compared(lead, &table.schema, field)?;
            Some((field, hash(PURPOSE, &[field.as_bytes(), value.as_bytes()])))
        })
        .collect()
}

/// What the store knows of these keys, by field.
pub fn known(keys: &[(&str, [u8; 32])], owners: Vec<Owner>) -> Vec<KnownOwner> {
    let of = |owner: Owner| {
        let field = keys.iter().find(|(_, key)| *key == owner.key)?.0.to_owned();
        Some(KnownOwner { field, recipient: owner.recipient, at: owner.at })
    };
    owners.into_iter().filter_map(of).collect()
}

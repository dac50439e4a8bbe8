//! What makes a lead a duplicate, as keyed hashes: the store never sees the values.

use jiff::Timestamp;

use crate::api::exchange::FieldType;
use crate::api::lead_source::Match;
use crate::lead::Lead;
use crate::store::Fingerprint;
use crate::table::schema::Schema;
use crate::table::source::Source;

/// What the hashes are for; keeps them apart from all others made with the same key.
pub const PURPOSE: &str = "fingerprint";

/// Makes a keyed hash of a purpose and parts.
pub type Hash<'a> = dyn Fn(&str, &[&[u8]]) -> [u8; 32] + 'a;

/// The lead's fingerprints under its source's rule: for `Any` one for each field that is not empty, for `All` one over all fields, and none when a
/// field is empty. `hash` takes a purpose and parts, and must tell `["ab", "c"]` from `["a", "bc"]`.
pub fn fingerprints(lead: &Lead, source: &Source, schema: &Schema, hash: &Hash<'_>) -> Vec<Fingerprint> {
    let Some(rule) = &source.deduplicate else { return Vec::new() };
    let remembered_since = rule.within.map(|within| lead.arrived_at.saturating_sub(within).unwrap_or(Timestamp::MIN));
    let mut by: Vec<&str> = rule.by.iter().map(String::as_str).collect();
    by.sort_unstable();
    by.dedup();
    let values: Vec<(&str, Option<String>)> = by.into_iter().map(|field| (field, compared(lead, schema, field))).collect();
    let print = |values: &[(&str, &str)]| {
        let mut parts = vec![source.name.as_bytes()];
        parts.extend(values.iter().flat_map(|(field, value)| [field.as_bytes(), value.as_bytes()]));
        Fingerprint { hash: hash(PURPOSE, &parts), remembered_since }
    };
    match rule.matching {
        Match::Any => values.iter().filter_map(|(field, value)| value.as_deref().map(|value| print(&[(*field, value)]))).collect(),
        Match::All => {
            let whole: Option<Vec<(&str, &str)>> =
                values.iter().map(|(field, value)| value.as_deref().map(|value| (*field, value))).collect();
            whole.map(|values| vec![print(&values)]).unwrap_or_default()
        }
    }
}

/// What is compared of a field. E-mail addresses and names are the same person's in any letter case.
pub(super) fn compared(lead: &Lead, schema: &Schema, field: &str) -> Option<String> {
    let value = lead.get(field)?.to_string();
    if value.is_empty() {
        return None;
    }
    match schema.field(field).map(|field| field.kind) {
        Some(FieldType::Email | FieldType::PersonName) => Some(value.to_lowercase()),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;
    use crate::api::exchange::LeadSchema;
    use crate::lead::{LeadId, Value};
    use crate::table::{schema, source};

    fn prints_of(source_name: &str, rule: &str, fields: &[(&str, &str)]) -> Vec<Fingerprint> {
        let schema = schema::compile(&LeadSchema::default()).unwrap();
        let manifest = format!(
            "{{apiVersion: leadflow.dev/v1alpha1, kind: LeadSource, metadata: {{name: {source_name}}}, \
             spec: {{auth: {{keysFrom: {{secretRef: {{name: k}}}}}}, {rule}}}}}"
        );
        let source = source::compile(&serde_saphyr::from_str(&manifest).unwrap(), &schema).unwrap();
        let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned()))).collect();
        let lead = Lead { id: LeadId(Uuid::nil()), source: source_name.to_owned(), arrived_at: Timestamp::UNIX_EPOCH, fields };
        fingerprints(&lead, &source, &schema, &|purpose, parts| {
            let mut hasher = blake3::Hasher::new_derive_key(purpose);
            for part in parts {
                hasher.update(&part.len().to_le_bytes()).update(part);
            }
            hasher.finalize().into()
        })
    }

    const ANY: &str = "deduplicate: {by: [contact.email, contact.phone], match: Any, withinDays: 30}";
    const ALL: &str = "deduplicate: {by: [contact.email, contact.phone], match: All, withinDays: 0}";

    #[test]
    fn any_makes_one_for_each_field_that_is_not_empty() {
        assert_eq!(prints_of("a", ANY, &[("contact.email", "j@x.co"), ("contact.phone", "+1")]).len(), 2);
        assert_eq!(prints_of("a", ANY, &[("contact.email", "j@x.co")]).len(), 1);
        assert_eq!(prints_of("a", ANY, &[("contact.email", "")]).len(), 0);
        assert_eq!(prints_of("a", ANY, &[]).len(), 0);
    }

    #[test]
    fn all_makes_one_over_all_fields_and_none_when_one_is_empty() {
        let both = prints_of("a", ALL, &[("contact.email", "j@x.co"), ("contact.phone", "+1")]);
        assert_eq!(both.len(), 1);
        assert_ne!(both, prints_of("a", ALL, &[("contact.email", "j@x.co"), ("contact.phone", "+2")]));
        assert_eq!(prints_of("a", ALL, &[("contact.email", "j@x.co")]), []);
    }

    #[test]
    fn the_order_in_the_manifest_does_not_matter() {
        let fields = [("contact.email", "j@x.co"), ("contact.phone", "+1")];
        let swapped = "deduplicate: {by: [contact.phone, contact.email], match: All, withinDays: 0}";
        assert_eq!(prints_of("a", ALL, &fields), prints_of("a", swapped, &fields));
    }

    #[test]
    fn emails_are_the_same_in_any_letter_case() {
        assert_eq!(prints_of("a", ANY, &[("contact.email", "Jane@x.co")]), prints_of("a", ANY, &[("contact.email", "jane@x.co")]));
    }

    #[test]
    fn sources_and_fields_are_told_apart() {
        assert_ne!(prints_of("a", ANY, &[("contact.phone", "+1")]), prints_of("b", ANY, &[("contact.phone", "+1")]));
        assert_ne!(prints_of("a", ANY, &[("contact.phone", "+1")]), prints_of("a", ANY, &[("contact.email", "+1")]));
    }

    #[test]
    fn the_window_reaches_back_from_arrival_or_for_ever() {
        let since = |rule| prints_of("a", rule, &[("contact.email", "j@x.co"), ("contact.phone", "+1")])[0].remembered_since;
        assert_eq!(since(ANY), Some(Timestamp::UNIX_EPOCH - SignedDuration::from_hours(720)));
        assert_eq!(since(ALL), None);
    }

    #[test]
    fn a_source_without_a_rule_has_none() {
        assert_eq!(prints_of("a", "require: []", &[("contact.email", "j@x.co")]), []);
    }
}

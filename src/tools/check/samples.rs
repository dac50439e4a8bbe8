//! Leads to try rules on: those of a file, as sources would post them, or made up of what sources require.

use jiff::Timestamp;
use uuid::Uuid;

use super::finding::{Code, Finding};
use crate::api::exchange::FieldType;
use crate::flow::normalise::{self, Country};
use crate::formats::Entry;
use crate::lead::{Lead, LeadId, Value};
use crate::table::Table;
use crate::table::schema::SchemaField;
use crate::tools::posted_leads;

/// The leads, and whether a person gave them.
#[derive(Debug, Default)]
pub struct Samples {
    pub leads: Vec<Lead>,
    pub given: bool,
}

impl Samples {
    /// Reads leads from the text of a file.
    pub fn read(text: &str, file: &str, table: &Table) -> (Self, Vec<Finding>) {
        let (mut leads, mut found) = (Vec::new(), Vec::new());
        for line in posted_leads::read(text, table, |_| Timestamp::UNIX_EPOCH) {
            match line.lead {
                Ok(lead) => leads.push(lead),
                Err(message) => found.push(Finding {
                    file: Some(file.to_owned()),
                    line: Some(line.number),
                    ..Finding::new(Code::SampleRefused, message)
                }),
            }
        }
        (Self { leads, given: true }, found)
    }

    /// A lead for each source, with the fields that the source requires and no others.
    pub fn made_up(table: &Table) -> Self {
        let mut sources: Vec<_> = table.sources.values().collect();
        sources.sort_by_key(|source| &source.name);
        let leads = sources.into_iter().map(|source| {
            let required = source.require.iter().filter_map(|name| Some((name.clone(), invented(table.schema.field(name)?)?)));
            Lead { id: LeadId(Uuid::nil()), source: source.name.clone(), arrived_at: Timestamp::UNIX_EPOCH, fields: required.collect() }
        });
        Self { leads: leads.collect(), given: false }
    }
}

/// A value that the field can have.
fn invented(field: &SchemaField) -> Option<Value> {
    let text = match field.kind {
        FieldType::Integer | FieldType::Decimal => field.minimum.or(field.maximum).unwrap_or_default().to_string(),
        FieldType::Boolean => "true".to_owned(),
        FieldType::Date => "2026-01-01".to_owned(),
        FieldType::Enum => field.values.first()?.clone(),
        FieldType::Email => "lead@example.com".to_owned(),
        FieldType::Phone => "+13105550100".to_owned(),
        FieldType::PersonName | FieldType::String => "Sample".to_owned(),
        FieldType::Postcode => "90210".to_owned(),
        FieldType::State => "CA".to_owned(),
        FieldType::Country => "US".to_owned(),
        FieldType::URL => "https://example.com/".to_owned(),
        FieldType::IP => "192.0.2.1".to_owned(),
    };
    normalise::value(field, &Entry::Text(text), Country { code: "US", named: false }).ok()
}

//! Leads to try rules on: those of a file, as sources would post them, or made up of what sources require.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::finding::{Code, Finding};
use crate::api::exchange::FieldType;
use crate::api::lead_source::Format;
use crate::flow::normalise::{self, Country};
use crate::flow::validate;
use crate::formats::{self, Entry};
use crate::lead::{Lead, LeadId, Value};
use crate::table::Table;
use crate::table::schema::SchemaField;
use crate::table::source::Source;

/// The leads, and whether a person gave them.
#[derive(Debug, Default)]
pub struct Samples {
    pub leads: Vec<Lead>,
    pub given: bool,
}

/// What a sample may say of its source.
#[derive(Deserialize)]
struct Labelled {
    #[serde(default)]
    source: Option<serde_json::Value>,
}

impl Samples {
    /// Reads JSON objects, one a line, as they would be posted. `source` may name the LeadSource; otherwise it is the first by name.
    pub fn read(text: &str, file: &str, table: &Table) -> (Self, Vec<Finding>) {
        let (mut leads, mut found) = (Vec::new(), Vec::new());
        for (number, line) in (1u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match sample(number, line, table) {
                Ok(lead) => leads.push(lead),
                Err(message) => {
                    found.push(Finding { file: Some(file.to_owned()), line: Some(number), ..Finding::new(Code::SampleRefused, message) })
                }
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
            lead(0, source, required.collect())
        });
        Self { leads: leads.collect(), given: false }
    }
}

fn lead(number: u64, source: &Source, fields: BTreeMap<String, Value>) -> Lead {
    Lead { id: LeadId(Uuid::from_u128(number.into())), source: source.name.clone(), arrived_at: Timestamp::UNIX_EPOCH, fields }
}

/// A line's lead, or what is wrong with it; no value shows.
fn sample(number: u64, line: &str, table: &Table) -> Result<Lead, String> {
    let named = serde_json::from_str::<Labelled>(line).ok().and_then(|sample| sample.source);
    let named = named.as_ref().and_then(serde_json::Value::as_str).and_then(|name| table.sources.get(name));
    let source =
        named.or_else(|| table.sources.values().min_by_key(|source| &source.name)).ok_or("there is no valid LeadSource to read it by")?;
    let posted = formats::read(Format::JSON, line.as_bytes()).map_err(|malformed| match malformed.field() {
        "" => format!("can't be read: {malformed}"),
        field => format!("can't be read: {field}: {malformed}"),
    })?;
    let fields = validate::fields(&posted, source, &table.schema).map_err(|errors| {
        let told = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ");
        format!("the source {} would refuse it: {told}", source.name)
    })?;
    Ok(lead(number, source, fields))
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

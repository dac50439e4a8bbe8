//! Leads of a file: JSON objects, one a line, as sources post them. `source` may name the LeadSource (otherwise it is the first by name), `arrivedAt` may
//! tell when the lead arrived.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::api::lead_source::Format;
use crate::flow::validate;
use crate::formats;
use crate::lead::{Lead, LeadId};
use crate::table::Table;

/// One line that is not blank.
#[derive(Debug)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// The lead, or what is wrong with it; no value shows.
    pub lead: Result<Lead, String>,
}

/// What a line may say beside the lead's fields.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beside {
    #[serde(default)]
    source: Option<Json>,
    #[serde(default)]
    arrived_at: Option<Json>,
}

/// Reads all lines by the sources and schema of a table. `at` tells when leads arrived that don't say so, by how many came before. A lead's id is made of
/// its line.
pub fn read(text: &str, table: &Table, at: impl Fn(u64) -> Timestamp) -> Vec<Line> {
    let lines = (1u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.zip(0u64..).map(|((number, line), before)| Line { number, lead: lead(number, line, table, at(before)) }).collect()
}

fn lead(number: u64, line: &str, table: &Table, at: Timestamp) -> Result<Lead, String> {
    let beside: Beside = serde_json::from_str(line).unwrap_or_default();
    let text = |value: &Option<Json>| value.as_ref().and_then(Json::as_str).map(str::to_owned);
    let named = text(&beside.source).and_then(|name| table.sources.get(&name));
    let first = || table.sources.values().min_by_key(|source| &source.name);
    let source = named.or_else(first).ok_or("there is no valid LeadSource to read it by")?;
    let posted = formats::read(Format::JSON, line.as_bytes()).map_err(|malformed| match malformed.field() {
        "" => format!("can't be read: {malformed}"),
        field => format!("can't be read: {field}: {malformed}"),
    })?;
    let fields = validate::fields(&posted, source, &table.schema).map_err(|errors| {
        let told = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ");
        format!("the source {} would refuse it: {told}", source.name)
    })?;
    let arrived_at = text(&beside.arrived_at).and_then(|time| time.parse().ok()).unwrap_or(at);
    Ok(Lead { id: LeadId(Uuid::from_u128(number.into())), source: source.name.clone(), arrived_at, fields })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::table::{Objects, compile};

    fn table() -> Table {
        let exchange = "{apiVersion: leadflow.dev/v1alpha1, kind: Exchange, metadata: {name: house}, spec: {store: {embedded: {}}, encryption: {keysFrom: {secretRef: {name: keys}}}}}";
        let source = |name: &str| {
            format!(
                "{{apiVersion: leadflow.dev/v1alpha1, kind: LeadSource, metadata: {{name: {name}}}, spec: {{auth: {{keysFrom: {{secretRef: {{name: keys}}}}}}, require: [contact.email]}}}}"
            )
        };
        let mut objects = Objects::default();
        objects.exchanges.insert("house".into(), Arc::new(serde_saphyr::from_str(exchange).unwrap()));
        for name in ["web", "fair"] {
            objects.sources.insert(name.into(), Arc::new(serde_saphyr::from_str(&source(name)).unwrap()));
        }
        compile(&objects).0
    }

    fn lines(text: &str) -> Vec<Line> {
        read(text, &table(), |before| Timestamp::from_second(before.try_into().unwrap()).unwrap())
    }

    #[test]
    fn leads_go_by_their_source_and_time_or_by_the_first_and_the_next() {
        let text = "{\"email\": \"a@example.com\"}\n\n{\"email\": \"b@example.com\", \"source\": \"web\", \"arrivedAt\": \"2026-11-22T10:00:00Z\"}\n{\"email\": \"c@example.com\", \"arrivedAt\": \"soon\"}";
        let read = lines(text);
        let told: Vec<_> = read.iter().map(|line| (line.number, line.lead.as_ref().unwrap())).collect();
        let told: Vec<_> = told.iter().map(|(number, lead)| (*number, lead.source.as_str(), lead.arrived_at.to_string())).collect();
        assert_eq!(
            told,
            [
                (1, "fair", "1970-01-01T00:00:00Z".to_owned()),
                (3, "web", "2026-11-22T10:00:00Z".to_owned()),
                (4, "fair", "1970-01-01T00:00:02Z".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_without_its_values() {
        let read = lines("{\"email\": \"mary at example\"}\n[1]\n{");
        let wrong: Vec<_> = read.iter().map(|line| line.lead.as_ref().unwrap_err().as_str()).collect();
        assert!(wrong[0].starts_with("the source fair would refuse it: contact.email: must be") && !wrong[0].contains("mary"), "{wrong:?}");
        assert!(wrong[1..].iter().all(|wrong| wrong.starts_with("can't be read")), "{wrong:?}");
    }
}

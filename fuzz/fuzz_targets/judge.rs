//! Whole posts against the built-in fields: never a panic, and what was normalised stays as it is when it is posted again.
#![no_main]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use leadflow::api::exchange::LeadSchema;
use leadflow::api::lead_source::{AnswerWhen, Format};
use leadflow::flow::validate;
use leadflow::formats;
use leadflow::table::schema;
use leadflow::table::source::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Some((first, body)) = body.split_first() else { return };
    let format = if first & 1 == 0 { Format::JSON } else { Format::Form };
    let country = ["US", "CA", "GB", "DE"][usize::from(first >> 1) % 4];
    let Ok(posted) = formats::read(format, body) else { return };
    let schema = schema::compile(&LeadSchema::default()).expect("the built-in fields compile");
    let source = source(country);
    let Ok(fields) = validate::fields(&posted, &source, &schema) else { return };
    let again: BTreeMap<&String, serde_json::Value> = fields.iter().map(|(name, value)| (name, value.json())).collect();
    let again = serde_json::to_vec(&again).expect("values are JSON");
    let posted = formats::read(Format::JSON, &again).expect("canonical values can be posted");
    assert!(validate::fields(&posted, &source, &schema).as_ref() == Ok(&fields));
});

fn source(country: &str) -> Source {
    Source {
        name: "fuzz".to_owned(),
        labels: BTreeMap::new(),
        format: None,
        keys: String::new(),
        require: Vec::new(),
        map: BTreeMap::new(),
        default_country: country.to_owned(),
        deduplicate: None,
        rate: None,
        answer: AnswerWhen::Durable,
        longest_wait: SignedDuration::ZERO,
    }
}

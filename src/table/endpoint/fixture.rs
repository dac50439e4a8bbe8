//! Endpoints for tests.

use std::collections::{BTreeMap, HashMap};

use crate::api::Endpoint;
use crate::api::exchange::{FieldType, Privacy};
use crate::table::Problem;
use crate::table::endpoint::{EndpointRules, compile};
use crate::table::schema::{Schema, SchemaField};

/// A small schema.
pub fn schema() -> Schema {
    let field = |kind| SchemaField { kind, values: vec![], minimum: None, maximum: None, aliases: vec![], privacy: Privacy::Personal };
    let fields = [
        ("contact.first_name", FieldType::PersonName),
        ("contact.last_name", FieldType::PersonName),
        ("contact.email", FieldType::Email),
        ("location.zip", FieldType::Postcode),
        ("price_max", FieldType::Decimal),
        ("owner", FieldType::Boolean),
    ];
    Schema::new(
        fields.map(|(name, kind)| (name.to_owned(), field(kind))).into_iter().collect::<BTreeMap<_, _>>(),
        HashMap::from([("zip".to_owned(), "location.zip".to_owned())]),
    )
}

/// Compiles an Endpoint `crm` of this spec, in YAML.
pub fn endpoint(spec: &str) -> Result<EndpointRules, Problem> {
    let spec = serde_saphyr::from_str(spec).unwrap_or_else(|error| panic!("{error}"));
    compile(&Endpoint::new("crm", spec), &schema())
}

/// Compiles an Endpoint that must be valid.
pub fn valid(spec: &str) -> EndpointRules {
    endpoint(spec).unwrap_or_else(|problem| panic!("{problem}"))
}

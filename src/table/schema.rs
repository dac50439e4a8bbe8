//! The canonical schema of a lead: the built-in fields and the Exchange's own.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use crate::api::exchange::{FieldType, Privacy};

/// Every field that a lead can have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// By canonical name.
    pub fields: BTreeMap<String, SchemaField>,
    /// Alias → canonical name.
    pub aliases: HashMap<String, String>,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaField {
    pub kind: FieldType,
    /// Values of an Enum, as the Exchange writes them.
    pub values: Vec<String>,
    pub minimum: Option<Decimal>,
    pub maximum: Option<Decimal>,
    /// In the order in which they are tried.
    pub aliases: Vec<String>,
    pub privacy: Privacy,
}

impl Schema {
    pub fn field(&self, name: &str) -> Option<&SchemaField> {
        self.fields.get(name)
    }
}

pub fn compile(_: &crate::api::exchange::LeadSchema) -> Result<Schema, super::Problem> {
    Ok(Schema::default())
}

//! The canonical schema of a lead: the built-in fields and the Exchange's own.

mod builtin;
mod compile;

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use crate::api::exchange::{FieldType, Privacy};

pub use compile::compile;

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

    /// The known field whose name is most like this one, when one is like it: for "did you mean".
    pub fn nearest(&self, name: &str) -> Option<&str> {
        if let Some(canonical) = self.aliases.get(name) {
            return Some(canonical);
        }
        super::nearest::nearest(name, self.fields.keys().map(String::as_str))
    }
}

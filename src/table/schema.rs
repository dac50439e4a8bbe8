//! The canonical schema of a lead: the built-in fields and the Exchange's own.

mod builtin;
mod compile;
mod slots;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use rust_decimal::Decimal;

use crate::api::exchange::{FieldType, Privacy};

use slots::Slots;

pub use compile::compile;

/// First names under `lead` that are not fields but facts: conditions read `lead.source`, `lead.grade` and `lead.score`.
pub const RESERVED: [&str; 3] = ["source", "grade", "score"];

/// Every field that a lead can have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// By canonical name.
    pub fields: BTreeMap<String, SchemaField>,
    /// Alias → canonical name.
    pub aliases: HashMap<String, String>,
    slots: Slots,
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
    pub fn new(fields: BTreeMap<String, SchemaField>, aliases: HashMap<String, String>) -> Self {
        let slots = Slots::of(fields.keys());
        Self { fields, aliases, slots }
    }

    pub fn field(&self, name: &str) -> Option<&SchemaField> {
        self.fields.get(name)
    }

    /// The canonical names, by slot.
    pub fn names(&self) -> &[Box<str>] {
        self.slots.names()
    }

    /// The field's dense number, by which a lead's facts are found without a search. Slots go by the order of names.
    pub fn slot(&self, name: &str) -> Option<u16> {
        self.slots.slot(name)
    }

    /// The slots of all fields within a group, such as `contact`; empty when there is no such group.
    pub fn group(&self, name: &str) -> Range<u16> {
        self.slots.group(name)
    }

    /// Whether both are one schema or clones of it. Equal schemas that were compiled apart are not.
    pub fn is_same(&self, other: &Self) -> bool {
        self.slots.same(&other.slots)
    }

    /// The known field whose name is most like this one, when one is like it: for "did you mean".
    pub fn nearest(&self, name: &str) -> Option<&str> {
        if let Some(canonical) = self.aliases.get(name) {
            return Some(canonical);
        }
        super::nearest::nearest(name, self.fields.keys().map(String::as_str))
    }
}

//! The lead itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LeadId, Value};

/// One person's enquiry: typed fields in canonical spelling.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    pub id: LeadId,
    /// Name of the LeadSource that it came by.
    pub source: String,
    pub arrived_at: Timestamp,
    /// By canonical name, such as `contact.email`. A field that was not sent is not here.
    pub fields: BTreeMap<String, Value>,
}

impl Lead {
    /// The value of a canonical field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }
}

/// Field values are personal data; only names show.
impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").field("id", &self.id).field("source", &self.source).field("fields", &self.fields.keys()).finish()
    }
}

//! Who a lead can go to, by name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names a recipient for the store, the record and people: `agent/sarah-lee` or `buyer/acme-solar/northeast`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipientKey(pub Arc<str>);

impl RecipientKey {
    pub fn agent(name: &str) -> Self {
        Self(format!("agent/{name}").into())
    }

    pub fn contract(buyer: &str, contract: &str) -> Self {
        Self(format!("buyer/{buyer}/{contract}").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

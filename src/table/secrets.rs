//! The Secrets that rules name, held in memory and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::api::shared::SecretKeyRef;

/// The entries of one Secret.
pub type Entries = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// Secrets by name. Immutable: a rotation makes a new one.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets(pub HashMap<String, Arc<Entries>>);

impl Secrets {
    /// All entries of a Secret.
    pub fn entries(&self, name: &str) -> Option<&Entries> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// One entry, as bytes.
    pub fn get(&self, at: &SecretKeyRef) -> Option<&[u8]> {
        self.entries(&at.name)?.get(&at.key).map(|value| value.as_slice())
    }

    /// One entry, as text without the line end that editors leave.
    pub fn text(&self, at: &SecretKeyRef) -> Option<&str> {
        std::str::from_utf8(self.get(at)?).ok().map(|text| text.trim_end_matches(['\r', '\n']))
    }
}

/// Names only.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

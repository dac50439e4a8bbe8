//! A LeadSource, compiled.

mod compile;

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::api::lead_source::{AnswerWhen, Format, Match};

pub use compile::compile;

/// How one source's posts are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub format: Option<Format>,
    /// Name of the Secret with its keys.
    pub keys: String,
    /// Canonical names.
    pub require: Vec<String>,
    /// Canonical name → the path under which it is sent.
    pub map: BTreeMap<String, String>,
    pub default_country: String,
    pub deduplicate: Option<DedupRule>,
    /// Leads a second, and at once.
    pub rate: Option<(u32, u32)>,
    pub answer: AnswerWhen,
    pub longest_wait: SignedDuration,
}

/// When a lead was sent before.
#[derive(Clone, Debug, PartialEq)]
pub struct DedupRule {
    pub by: Vec<String>,
    pub matching: Match,
    /// `None` is for ever.
    pub within: Option<SignedDuration>,
}

//! The paths that templates may use, and where each finds its value.

use std::borrow::Cow;
use std::fmt;

use crate::connect::RecipientView;
use crate::lead::{Delivery, Lead, Value};
use crate::table::schema::Schema;

/// Names a value that is known when a request is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// A canonical field of the lead.
    Field(String),
    LeadId,
    LeadSource,
    LeadArrivedAt,
    RecipientName,
    RecipientDisplayName,
    RecipientEmail,
    RecipientPhone,
    RecipientContract,
    DeliveryKey,
    PolicyName,
    TierName,
}

/// The paths that do not depend on the schema. They win over a field of the same name.
const FIXED: [(&str, Path); 11] = [
    ("lead.id", Path::LeadId),
    ("lead.source", Path::LeadSource),
    ("lead.arrived_at", Path::LeadArrivedAt),
    ("recipient.name", Path::RecipientName),
    ("recipient.display_name", Path::RecipientDisplayName),
    ("recipient.email", Path::RecipientEmail),
    ("recipient.phone", Path::RecipientPhone),
    ("recipient.contract", Path::RecipientContract),
    ("delivery.key", Path::DeliveryKey),
    ("policy.name", Path::PolicyName),
    ("tier.name", Path::TierName),
];

/// What paths look into.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub lead: &'a Lead,
    pub recipient: &'a RecipientView<'a>,
    pub delivery: &'a Delivery,
}

/// A value that a path found.
pub enum Found<'a> {
    Text(Cow<'a, str>),
    Value(&'a Value),
}

impl Found<'_> {
    /// As JSON, numbers as numbers.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_ref().into(),
            Self::Value(value) => value.json(),
        }
    }
}

/// The canonical spelling.
impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Value(value) => value.fmt(f),
        }
    }
}

impl Path {
    /// Reads a path. The error is a message that names it and, where one is near, the path that may be meant.
    pub fn parse(path: &str, schema: &Schema) -> Result<Self, String> {
        if let Some((_, fixed)) = FIXED.iter().find(|(name, _)| *name == path) {
            return Ok(fixed.clone());
        }
        if let Some(field) = path.strip_prefix("lead.").filter(|field| schema.field(field).is_some()) {
            return Ok(Self::Field(field.to_owned()));
        }
        let hint = nearest(path, schema).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Err(match path {
            "" => "`{{ }}` names nothing; write a path such as lead.contact.email".to_owned(),
            _ if path.starts_with("lead.") => format!("unknown field {path}{hint}"),
            _ => format!("unknown path {path}{hint}"),
        })
    }

    /// The value, when there is one.
    pub fn find<'a>(&self, scope: &Scope<'a>) -> Option<Found<'a>> {
        let recipient = scope.recipient;
        let text = |text: &'a str| Some(Found::Text(Cow::Borrowed(text)));
        match self {
            Self::Field(field) => scope.lead.get(field).map(Found::Value),
            Self::LeadId => Some(Found::Text(scope.lead.id.to_string().into())),
            Self::LeadSource => text(&scope.lead.source),
            Self::LeadArrivedAt => Some(Found::Text(scope.lead.arrived_at.to_string().into())),
            Self::RecipientName => text(recipient.name),
            Self::RecipientDisplayName => text(recipient.display_name),
            Self::RecipientEmail => recipient.email.and_then(text),
            Self::RecipientPhone => recipient.phone.and_then(text),
            Self::RecipientContract => recipient.contract.and_then(text),
            Self::DeliveryKey => Some(Found::Text(scope.delivery.key().into())),
            Self::PolicyName => text(&scope.delivery.policy),
            Self::TierName => text(&scope.delivery.tier),
        }
    }
}

/// The known path that `path` is most likely a misspelling of: an alias's field, or one that is few edits away.
fn nearest(path: &str, schema: &Schema) -> Option<String> {
    if let Some(field) = path.strip_prefix("lead.").and_then(|field| schema.aliases.get(field)) {
        return Some(format!("lead.{field}"));
    }
    let most = path.chars().count() / 4 + 1;
    let fields = schema.fields.keys().map(|field| format!("lead.{field}"));
    let known = FIXED.iter().map(|(name, _)| (*name).to_owned()).chain(fields);
    known.map(|name| (edits(path, &name), name)).filter(|(count, _)| *count <= most).min().map(|(_, name)| name)
}

/// How many characters must be put in, left out or replaced to make `a` of `b` (Levenshtein's distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut corner = i;
        let mut last = i + 1;
        for (right, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            last = (corner + usize::from(left != *right)).min(above + 1).min(last + 1);
            corner = above;
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_what_separates_two_words() {
        for (a, b, count) in
            [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("frist", "first", 2), ("same", "same", 0)]
        {
            assert_eq!(edits(a, b), count, "{a} {b}");
        }
    }

    #[test]
    fn every_fixed_path_is_read_as_itself() {
        for (name, path) in FIXED {
            assert_eq!(Path::parse(name, &Schema::default()), Ok(path));
        }
    }

    #[test]
    fn a_path_that_resembles_nothing_gets_no_suggestion() {
        assert_eq!(Path::parse("weather", &Schema::default()), Err("unknown path weather".to_owned()));
    }

    #[test]
    fn an_alias_is_answered_with_its_field() {
        let mut schema = Schema::default();
        schema.aliases.insert("zip".to_owned(), "location.zip".to_owned());
        assert_eq!(Path::parse("lead.zip", &schema), Err("unknown field lead.zip; did you mean lead.location.zip?".to_owned()));
    }
}

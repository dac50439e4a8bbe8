//! What one recipient asks of one field.

use rust_decimal::Decimal;

use crate::lead::Value;

/// What a test looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A field of the schema, by its slot.
    Field(u16),
    /// `lead.grade`: the grade that the policy gave.
    Grade,
    /// `lead.score`: the points that the policy gave.
    Score,
    /// `lead.source`: the name of the LeadSource.
    Source,
}

/// What one recipient asks of one field: all that is given must hold. A lead without the field fails everything but `exists: false`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldTest {
    /// The value is one of these (sorted).
    pub any_of: Option<Vec<String>>,
    /// The value is none of these (sorted).
    pub none_of: Option<Vec<String>>,
    /// The value begins with one of these (sorted).
    pub starts_with: Option<Vec<String>>,
    /// The lead has the field, or has it not.
    pub exists: Option<bool>,
    /// The value is this or more.
    pub at_least: Option<Decimal>,
    /// The value is less than this.
    pub below: Option<Decimal>,
}

impl FieldTest {
    /// Whether a value passes; the plain meaning that the index must agree with.
    pub fn passes(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return *self == Self { exists: Some(false), ..Self::default() };
        };
        let text = value.to_string();
        self.exists != Some(false)
            && self.any_of.as_ref().is_none_or(|list| list.contains(&text))
            && self.none_of.as_ref().is_none_or(|list| !list.contains(&text))
            && self.starts_with.as_ref().is_none_or(|list| list.iter().any(|prefix| text.starts_with(prefix.as_str())))
            && (!self.has_range() || value.number().is_some_and(|number| in_range(number, self.at_least, self.below)))
    }

    /// Whether there is a bound.
    pub fn has_range(&self) -> bool {
        self.at_least.is_some() || self.below.is_some()
    }

    /// Both tests at once.
    pub fn and(&mut self, other: Self) {
        self.any_of = match (self.any_of.take(), other.any_of) {
            (Some(mine), Some(theirs)) => Some(mine.into_iter().filter(|value| theirs.binary_search(value).is_ok()).collect()),
            (mine, theirs) => mine.or(theirs),
        };
        self.none_of = match (self.none_of.take(), other.none_of) {
            (Some(mut mine), Some(theirs)) => {
                mine.extend(theirs);
                mine.sort_unstable();
                mine.dedup();
                Some(mine)
            }
            (mine, theirs) => mine.or(theirs),
        };
        self.starts_with = match (self.starts_with.take(), other.starts_with) {
            (Some(mine), Some(theirs)) => Some(common_prefixes(&mine, &theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        match (self.exists, other.exists) {
            // Both having and not having it: nothing passes.
            (Some(mine), Some(theirs)) if mine != theirs => self.any_of = Some(Vec::new()),
            (mine, theirs) => self.exists = mine.or(theirs),
        }
        self.at_least = self.at_least.max(other.at_least);
        self.below = match (self.below, other.below) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

/// What begins with one of each: the longer of each pair of which one begins with the other.
fn common_prefixes(mine: &[String], theirs: &[String]) -> Vec<String> {
    let mut common: Vec<String> = mine
        .iter()
        .flat_map(|one| theirs.iter().map(move |other| (one, other)))
        .filter_map(|(one, other)| {
            if one.starts_with(other.as_str()) {
                Some(one.clone())
            } else if other.starts_with(one.as_str()) {
                Some(other.clone())
            } else {
                None
            }
        })
        .collect();
    common.sort_unstable();
    common.dedup();
    common
}

pub(super) fn in_range(number: Decimal, at_least: Option<Decimal>, below: Option<Decimal>) -> bool {
    at_least.is_none_or(|bound| number >= bound) && below.is_none_or(|bound| number < bound)
}

/// The tests of one recipient; each subject once, sorted.
pub type Tests = Vec<(Subject, FieldTest)>;

//! What was sent → the typed value in canonical spelling. Pure; doing it again changes nothing.

mod contact;
mod name;
mod number;
mod place;
mod text;

use crate::api::exchange::FieldType;
use crate::formats::Entry;
use crate::lead::Value;
use crate::table::schema::SchemaField;

use super::field_error::FieldCode;

pub use contact::warm_up;

/// The country that a value without one of its own is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country<'a> {
    /// ISO 3166 code.
    pub code: &'a str,
    /// Whether the lead names it. Otherwise it is the source's default, which a value may prove wrong.
    pub named: bool,
}

/// Why a value does not fit its field: the code, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(pub FieldCode, pub String);

fn unfit<T>(code: FieldCode, message: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit(code, message.into()))
}

/// Whether nothing was sent: no value, or one of blanks.
pub fn is_empty(entry: &Entry) -> bool {
    match entry {
        Entry::Nothing => true,
        Entry::Text(text) => text::clean(text).is_empty(),
        _ => false,
    }
}

/// The value of a field.
pub fn value(field: &SchemaField, entry: &Entry, country: Country<'_>) -> Result<Value, Unfit> {
    let cleaned;
    let (text, digits) = match entry {
        Entry::Text(text) => {
            cleaned = text::clean(text);
            (cleaned.as_str(), false)
        }
        Entry::Number(number) => (number.as_str(), true),
        Entry::Boolean(true) => ("true", false),
        Entry::Boolean(false) => ("false", false),
        Entry::Nothing | Entry::List | Entry::Group => return unfit(FieldCode::NotASingleValue, "must be a single value"),
    };
    match field.kind {
        FieldType::String => text::free(text).map(Value::Text),
        FieldType::Integer => number::integer(text, field).map(Value::Integer),
        FieldType::Decimal => number::decimal(text, field).map(Value::Decimal),
        FieldType::Boolean => text::boolean(text).map(Value::Boolean),
        FieldType::Date => text::date(text).map(Value::Date),
        FieldType::Enum => text::one_of(text, &field.values).map(Value::Text),
        FieldType::Email => contact::email(text).map(Value::Text),
        FieldType::Phone => contact::phone(text, country.code).map(Value::Text),
        FieldType::PersonName => name::person(text).map(Value::Text),
        FieldType::Postcode => place::postcode(text, digits, country).map(Value::Text),
        FieldType::State => place::state(text, country).map(Value::Text),
        FieldType::Country => place::country(text).map(Value::Text),
        FieldType::URL => contact::url(text).map(Value::Text),
        FieldType::IP => contact::ip(text).map(Value::Text),
    }
}

#[cfg(test)]
mod tests;

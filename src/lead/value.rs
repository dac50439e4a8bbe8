//! The value of a lead's field.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A typed, normalised value. E-mails, phones, postcodes and their like are text in canonical spelling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    Boolean(bool),
    Date(Date),
}

impl Value {
    /// The number that ranges compare, when the value is one.
    pub fn number(&self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Some(Decimal::from(*number)),
            Self::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    /// The value as JSON, for request bodies: numbers stay numbers.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Decimal(number) => decimal_json(*number),
            Self::Boolean(truth) => (*truth).into(),
            Self::Date(date) => date.to_string().into(),
        }
    }
}

/// The canonical spelling; what set filters and templates use.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Decimal(number) => number.normalize().fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Date(date) => date.fmt(f),
        }
    }
}

fn decimal_json(number: Decimal) -> serde_json::Value {
    let number = number.normalize();
    if number.scale() == 0
        && let Ok(whole) = i64::try_from(number)
    {
        return whole.into();
    }
    f64::try_from(number).map_or_else(|_| number.to_string().into(), Into::into)
}

//! What is wrong with one field of a post.

use serde::Serialize;

/// Why a field was refused: one word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum FieldCode {
    Required,
    NotASingleValue,
    NotANumber,
    NotAWholeNumber,
    OutOfRange,
    NotABoolean,
    NotADate,
    NotOneOf,
    NotAnEmail,
    NotAPhone,
    NotAPostcode,
    NotAState,
    NotACountry,
    NotAUrl,
    NotAnIp,
    NotAName,
    TooLong,
    BadCharacter,
    /// The body could not be read because of this field.
    Malformed,
}

/// One field, and what is wrong with it. Never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Canonical name.
    pub field: String,
    pub code: FieldCode,
    /// What would be right.
    pub message: String,
}

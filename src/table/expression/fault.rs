//! Why an expression gave nothing.

use std::fmt;

/// An expression that failed on a lead, most often for a field that the lead lacks. Making one does not allocate, but for [`Fault::Cel`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// The lead has no such field, by its canonical name.
    Missing(&'a str),
    /// An operator or function met values that it does not go with.
    Kinds,
    /// A whole number left the range of 64 bits.
    Overflow,
    /// A whole number was divided by zero.
    DivisionByZero,
    /// A condition gave something that is neither true nor false.
    NoBoolean,
    /// A score gave something that is no number.
    NoNumber,
    /// A score gave infinity, or what is no number at all.
    NotFinite,
    /// The `cel` crate's words.
    Cel(String),
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing(name) => return write!(f, "the lead has no {name}"),
            Self::Kinds => "values of kinds that do not go together",
            Self::Overflow => "a whole number grew beyond 64 bits",
            Self::DivisionByZero => "a division by zero",
            Self::NoBoolean => "the condition gave no boolean",
            Self::NoNumber => "the expression gave no number",
            Self::NotFinite => "the expression gave no finite number",
            Self::Cel(words) => words,
        })
    }
}

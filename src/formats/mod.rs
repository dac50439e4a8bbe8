//! What sources send, made into one flat set of values by dotted path. Pure: bytes in, values or a reason out.
//!
//! | format | content type |
//! |---|---|
//! | [`json`] | `application/json` |
//! | [`form`] | `application/x-www-form-urlencoded` |

pub mod form;
pub mod json;
pub mod posted;

use crate::api::lead_source::Format;

pub use posted::{Entry, Posted};

/// The largest body, in bytes.
pub const MOST_BYTES: usize = 64 * 1024;
/// How deep values may be within one another; the body itself is the first level.
pub const MOST_LEVELS: usize = 16;
/// The most values, groups, and list items in a body.
pub const MOST_VALUES: usize = 1000;
/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 256;

/// Reads a body. Nothing of a malformed one is kept.
pub fn read(format: Format, body: &[u8]) -> Result<Posted, Malformed> {
    if body.len() > MOST_BYTES {
        return Err(Malformed::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotUtf8 { field: String::new() })?;
    match format {
        Format::JSON => json::read(text),
        Format::Form => form::read(text),
    }
}

/// Why a body can't be read. The messages repeat names, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the body is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("not valid UTF-8")]
    NotUtf8 { field: String },
    #[error("not well-formed JSON at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("the body must be a JSON object")]
    NotAnObject,
    #[error("not a valid JSON string: an escape stands for no character")]
    NotAString { field: String },
    #[error("values may be at most {MOST_LEVELS} levels deep")]
    TooDeep { field: String },
    #[error("a body may have at most {MOST_VALUES} values")]
    TooManyValues,
    #[error("a name may have at most {LONGEST_NAME} bytes")]
    NameTooLong,
    #[error("sent twice; send it once")]
    SentTwice { field: String },
    #[error("must not contain the character U+0000")]
    NulCharacter { field: String },
}

impl Malformed {
    /// The field that it is about; empty for the body as a whole.
    pub fn field(&self) -> &str {
        match self {
            Self::NotUtf8 { field }
            | Self::NotAString { field }
            | Self::TooDeep { field }
            | Self::SentTwice { field }
            | Self::NulCharacter { field } => field,
            Self::TooLarge | Self::NotJson { .. } | Self::NotAnObject | Self::TooManyValues | Self::NameTooLong => "",
        }
    }

    /// The word that programs tell the reasons apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "TooLarge",
            Self::NotUtf8 { .. } => "NotUtf8",
            Self::NotJson { .. } => "NotJson",
            Self::NotAnObject => "NotAnObject",
            Self::NotAString { .. } => "NotAString",
            Self::TooDeep { .. } => "TooDeep",
            Self::TooManyValues => "TooManyValues",
            Self::NameTooLong => "NameTooLong",
            Self::SentTwice { .. } => "SentTwice",
            Self::NulCharacter { .. } => "NulCharacter",
        }
    }
}

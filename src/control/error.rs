//! What can go wrong in a reconcile, by what is done about it.

use super::{apply, validate};

/// A closed list: it decides when it is tried again, and labels the metric and the Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// The object is at fault: wait until it, or what it refers to, changes.
    Invalid,
    /// Somebody else writes the same: try again soon.
    Conflict,
    /// The operator lacks a right.
    Forbidden,
    /// The API server can't be reached or has too much to do.
    Unavailable,
    /// The API server refuses an object as it is wanted: the Exchange asks for what can't be, or the operator made it wrong.
    Refused,
}

impl Category {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::Forbidden => "Forbidden",
            Self::Unavailable => "Unavailable",
            Self::Refused => "Refused",
        }
    }
}

/// Why a reconcile of an Exchange did not get through, by stage.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Validate(#[from] validate::Error),
    #[error(transparent)]
    Apply(#[from] apply::Error),
}

impl Error {
    pub fn category(&self) -> Category {
        match self {
            Self::Validate(_) => Category::Invalid,
            Self::Apply(error) => error.category(),
        }
    }
}

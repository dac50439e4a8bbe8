//! Why a post was turned away, with nothing of it kept.

use std::time::Duration;

use crate::formats::{MOST_BYTES, Malformed};

use super::field_error::{FieldCode, FieldError};

/// The longest Idempotency-Key.
pub const LONGEST_KEY: usize = 255;

/// Why nothing was kept. Messages repeat no values.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is nothing at this path")]
    UnknownPath,
    #[error("there is no such source")]
    UnknownSource,
    #[error("the source has no such lead")]
    UnknownLead,
    #[error("the path does not take this method")]
    MethodNotAllowed,
    #[error("a key of the source is needed, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`")]
    Unauthorized,
    #[error("more leads than the source may send; try again in {} s", whole_seconds(.after))]
    RateLimited { after: Duration },
    #[error("the source takes {accepted}, unencoded and in UTF-8")]
    UnsupportedMediaType { accepted: &'static str },
    #[error("the body is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body broke off")]
    BrokenOff,
    #[error("Idempotency-Key must be one value of 1 to {LONGEST_KEY} visible ASCII characters")]
    BadIdempotencyKey,
    #[error("the Idempotency-Key was used before, with another body")]
    IdempotencyKeyReused,
    #[error("the body can't be read: {0}")]
    Malformed(Malformed),
    #[error("the lead is not valid; see fieldErrors")]
    Invalid(Vec<FieldError>),
    #[error("keys are not at hand yet; try again")]
    KeysUnavailable,
    #[error("leads can't be kept just now; try again")]
    StoreUnavailable,
    #[error("something went wrong inside; try again")]
    Internal,
}

impl Refusal {
    /// The word that programs tell the reasons apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPath => "UnknownPath",
            Self::UnknownSource => "UnknownSource",
            Self::UnknownLead => "UnknownLead",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::Unauthorized => "Unauthorized",
            Self::RateLimited { .. } => "RateLimited",
            Self::UnsupportedMediaType { .. } => "UnsupportedMediaType",
            Self::TooLarge => "TooLarge",
            Self::TooSlow => "TooSlow",
            Self::BrokenOff => "BrokenOff",
            Self::BadIdempotencyKey => "BadIdempotencyKey",
            Self::IdempotencyKeyReused => "IdempotencyKeyReused",
            Self::Malformed(malformed) => malformed.code(),
            Self::Invalid(_) => "InvalidLead",
            Self::KeysUnavailable => "KeysUnavailable",
            Self::StoreUnavailable => "StoreUnavailable",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same post may fare better later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. } | Self::TooSlow | Self::BrokenOff | Self::KeysUnavailable | Self::StoreUnavailable | Self::Internal
        )
    }

    /// Seconds after which to try again, when that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { after } => Some(whole_seconds(after)),
            Self::KeysUnavailable | Self::StoreUnavailable => Some(1),
            _ => None,
        }
    }

    /// The fields that it is about.
    pub fn field_errors(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(errors) => errors.clone(),
            Self::Malformed(malformed) if !malformed.field().is_empty() => {
                vec![FieldError { field: malformed.field().to_owned(), code: FieldCode::Malformed, message: malformed.to_string() }]
            }
            _ => Vec::new(),
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::TooLarge => Self::TooLarge,
            other => Self::Malformed(other),
        }
    }
}

/// Whole seconds, rounded up, at least one.
fn whole_seconds(duration: &Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_to_wait_are_rounded_up() {
        for (millis, seconds) in [(1, 1), (1000, 1), (1001, 2), (0, 1)] {
            assert_eq!(Refusal::RateLimited { after: Duration::from_millis(millis) }.retry_after(), Some(seconds), "{millis}");
        }
    }
}

//! An Endpoint, compiled.

mod checks;
mod compile;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderName;
use jiff::SignedDuration;
use url::Url;

use crate::api::endpoint::{CircuitMode, Encoding, HttpMethod};
use crate::api::shared::SecretKeyRef;
use crate::breaker::BreakerRules;
use crate::connect::answer::AnswerRules;
use crate::connect::template::{Template, Text};

pub use compile::compile;

/// Status codes, first and last.
pub type StatusRange = RangeInclusive<u16>;

/// How one endpoint is delivered to.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointRules {
    pub name: String,
    /// `metadata.uid` and `metadata.generation`, for status; absent without a cluster.
    pub uid: Option<String>,
    pub generation: Option<i64>,
    pub url: Url,
    pub method: HttpMethod,
    /// Sorted by name.
    pub headers: Vec<(HeaderName, Text)>,
    pub auth: Option<AuthRules>,
    pub encoding: Encoding,
    pub body: Template,
    pub answers: AnswerRules,
    /// How long one request may take.
    pub timeout: Duration,
    pub retry: RetryRules,
    /// The most requests under way at once.
    pub max_in_flight: usize,
    pub breaker: BreakerRules,
    pub mode: CircuitMode,
}

/// How the endpoint knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthRules {
    Bearer(SecretKeyRef),
    Basic { username: SecretKeyRef, password: SecretKeyRef },
}

/// How often one lead is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// Requests in all.
    pub attempts: i32,
    /// Time after the first within which the last may start.
    pub within: SignedDuration,
}

impl EndpointRules {
    /// The Secret entries that a request needs.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretKeyRef> {
        let (first, second) = match &self.auth {
            None => (None, None),
            Some(AuthRules::Bearer(token)) => (Some(token), None),
            Some(AuthRules::Basic { username, password }) => (Some(username), Some(password)),
        };
        first.into_iter().chain(second)
    }
}

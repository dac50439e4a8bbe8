//! How a delivery leaves the house.
//!
//! [`template`] holds bodies and headers with `{{ path }}` in them, [`request`] renders them for one delivery, [`http`] sends the result,
//! [`answer`] reads what comes back. [`address`] and [`resolver`] keep requests out of the inner network, [`places`] bounds how many are under way.

pub mod address;
pub mod answer;
pub mod http;
pub mod places;
pub mod request;
pub mod resolver;
pub mod retry_after;
pub mod template;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;

use crate::lead::{AttemptResult, Request};
use crate::table::Secrets;
use crate::table::endpoint::EndpointRules;

pub use self::http::HttpSender;
pub use request::{RecipientView, RenderError, render};

/// Sends one request once.
#[async_trait]
pub trait Sender: Send + Sync + 'static {
    /// Sends `request` with `key` as its idempotency key and tells what became of it, within `endpoint.timeout`. Never sends twice.
    async fn send(&self, endpoint: &EndpointRules, secrets: &Secrets, request: &Request, key: &str) -> Sent;
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub result: AttemptResult,
    /// Status code of the answer, when there was one.
    pub status: Option<u16>,
    /// How long the far side asks to be left alone.
    pub retry_after: Option<Duration>,
    /// From the start to the verdict.
    pub took: Duration,
}

impl Sent {
    /// `took` in whole milliseconds, as records have it.
    pub fn millis(&self) -> i64 {
        i64::try_from(self.took.as_millis()).unwrap_or(i64::MAX)
    }
}

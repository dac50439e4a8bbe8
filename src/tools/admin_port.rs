//! Asks a router's admin port, for the tools that people call.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde_json::Value;

/// The longest that a tool waits for the admin port.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the admin port gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody there.
    #[error("no answer from {url}: is LeadFlow running there? Give the admin address of a router by --admin ({source})")]
    NoAnswer { url: String, source: reqwest::Error },
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// Something else listens there, or another version.
    #[error("what answers at {0} is not a router's admin port")]
    NotOurs(String),
}

/// The address of one page.
pub fn page(admin: &str, path: &str) -> String {
    format!("{}/{path}", admin.trim_end_matches('/'))
}

/// Gets a page.
pub async fn get(url: &str) -> Result<Value, AskError> {
    ask(url, Client::new().get(url)).await
}

/// Posts to a page.
pub async fn post(url: &str) -> Result<Value, AskError> {
    ask(url, Client::new().post(url)).await
}

/// Posts a body to a page, and waits for it to be worked on.
pub async fn post_body(url: &str, body: &impl Serialize, patience: Duration) -> Result<Value, AskError> {
    ask_within(patience, url, Client::new().post(url).json(body)).await
}

async fn ask(url: &str, request: RequestBuilder) -> Result<Value, AskError> {
    ask_within(PATIENCE, url, request).await
}

async fn ask_within(patience: Duration, url: &str, request: RequestBuilder) -> Result<Value, AskError> {
    let answer = request.timeout(patience).send().await;
    let answer = answer.map_err(|source| AskError::NoAnswer { url: url.to_owned(), source: source.without_url() })?;
    let good = answer.status().is_success();
    let body: Value = answer.json().await.map_err(|_| AskError::NotOurs(url.to_owned()))?;
    match body.get("error").and_then(Value::as_str) {
        Some(error) if !good => Err(AskError::Refused(error.to_owned())),
        None if good => Ok(body),
        _ => Err(AskError::NotOurs(url.to_owned())),
    }
}

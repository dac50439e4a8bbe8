//! Asks a router's admin port, for the tools that people call: at its address, or through the API server of its cluster.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::kubectl::cluster::{Cluster, ClusterError};
use super::kubectl::places::{self, Service};
use crate::settings::RouterAccess;

/// The longest that a tool waits for the admin port.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a router of one's own machine listens.
const HERE: &str = "http://127.0.0.1:9090";

/// Why the admin port gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody there.
    #[error(
        "no answer from {url}: is LeadFlow running there? Give the admin address of a router by --admin, or its namespace by -n ({source})"
    )]
    NoAnswer { url: String, source: reqwest::Error },
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// Something else listens there, or another version.
    #[error("what answers at {0} is not a router's admin port")]
    NotOurs(String),
    /// The way through the API server is closed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Never sent: the question has no valid address.
    #[error("`{0}` can't be part of an address")]
    Address(String),
}

/// A way to a router's admin port.
pub enum AdminPort {
    /// By its address.
    At(String),
    /// Through the API server, which chooses a router that is ready.
    Behind(Box<Cluster>, Service),
}

/// The way that the settings name.
pub async fn reach(access: &RouterAccess) -> Result<AdminPort, AskError> {
    if !access.is_in_cluster() {
        return Ok(AdminPort::At(access.admin.clone().unwrap_or_else(|| HERE.to_owned())));
    }
    let cluster = Cluster::connect(&access.cluster).await?;
    let exchange = places::exchange(&cluster, access.exchange.as_deref()).await?;
    let service = places::router(&cluster, &exchange).await?;
    Ok(AdminPort::Behind(Box::new(cluster), service))
}

impl AdminPort {
    /// Gets a page.
    pub async fn get(&self, page: &str) -> Result<Value, AskError> {
        self.ask(Method::GET, page, Vec::new(), PATIENCE).await
    }

    /// Posts to a page.
    pub async fn post(&self, page: &str) -> Result<Value, AskError> {
        self.ask(Method::POST, page, Vec::new(), PATIENCE).await
    }

    /// Posts a body to a page, and waits for it to be worked on.
    pub async fn post_body(&self, page: &str, body: &impl Serialize, patience: Duration) -> Result<Value, AskError> {
        let body = serde_json::to_vec(body).map_err(|error| AskError::Refused(error.to_string()))?;
        self.ask(Method::POST, page, body, patience).await
    }

    async fn ask(&self, method: Method, page: &str, body: Vec<u8>, patience: Duration) -> Result<Value, AskError> {
        let (place, status, body) = match self {
            Self::At(admin) => {
                let url = format!("{}/{page}", admin.trim_end_matches('/'));
                let (status, body) = direct(method, &url, body, patience).await?;
                (url, status, body)
            }
            Self::Behind(cluster, service) => {
                let request = Request::builder().method(method).uri(service.path(&cluster.namespace, page));
                let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body);
                let request = request.map_err(|_| AskError::Address(page.to_owned()))?;
                let answer = cluster.through(service, request, patience).await?;
                (service.to_string(), answer.status, answer.body)
            }
        };
        read(&place, status, &body)
    }
}

async fn direct(method: Method, url: &str, body: Vec<u8>, patience: Duration) -> Result<(StatusCode, Bytes), AskError> {
    let unanswered = |source: reqwest::Error| AskError::NoAnswer { url: url.to_owned(), source: source.without_url() };
    let request = reqwest::Client::new().request(method, url).timeout(patience);
    let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body);
    let answer = request.send().await.map_err(unanswered)?;
    let status = answer.status();
    Ok((status, answer.bytes().await.map_err(unanswered)?))
}

/// Tells a router's answer from a stranger's.
fn read(place: &str, status: StatusCode, body: &[u8]) -> Result<Value, AskError> {
    let not_ours = || AskError::NotOurs(place.to_owned());
    let body: Value = serde_json::from_slice(body).map_err(|_| not_ours())?;
    match body.get("error").and_then(Value::as_str) {
        Some(error) if !status.is_success() => Err(AskError::Refused(error.to_owned())),
        None if status.is_success() => Ok(body),
        _ => Err(not_ours()),
    }
}

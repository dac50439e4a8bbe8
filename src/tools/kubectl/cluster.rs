//! A way to a cluster: a kubeconfig, and requests with the user's own rights and a deadline.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::places::Service;
use crate::settings::ClusterAccess;

/// How long one request may take.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 << 20;
/// Objects of one page of a list.
const PAGE: &str = "500";

/// Why the cluster gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("no cluster to ask: {0}; name one by --kubeconfig or --context, or set KUBECONFIG")]
    Config(String),
    #[error("the API server did not answer within {0} s")]
    Late(u64),
    #[error("the API server can't be asked: {0}")]
    Unreachable(String),
    #[error("the API server does not know who you are ({0}); log in again, or choose another user by --context")]
    Unknown(String),
    /// The API server's own words name the user, the verb and the resource.
    #[error("{0}\nThe rights that this needs are listed in docs/plugin.md.")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("the API server says {code}: {message}")]
    Refused { code: u16, message: String },
    #[error("the answer of the API server can't be read: {0}")]
    Unreadable(String),
    #[error("there is no Exchange in namespace {0}; give the right one by -n")]
    NoExchange(String),
    #[error("there is no Exchange in any namespace")]
    NoExchangeAnywhere,
    #[error("namespace {namespace} has several Exchanges: {}; choose by --exchange", .names.join(", "))]
    SeveralExchanges { namespace: String, names: Vec<String> },
    #[error("no pod behind Service {service} in namespace {namespace} is ready; see why by: kubectl leadflow status -n {namespace}")]
    NoneReady { service: String, namespace: String },
    #[error(
        "the API server can't reach the pods behind Service {service}: {message}\nA NetworkPolicy or a firewall may stand between the API server and the pods."
    )]
    PodsAway { service: String, message: String },
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// A cluster and a namespace in it.
pub struct Cluster {
    client: Client,
    pub namespace: String,
}

impl Cluster {
    /// Reads the kubeconfig as kubectl does. Sends nothing yet.
    pub async fn connect(access: &ClusterAccess) -> Result<Self, ClusterError> {
        let options = KubeConfigOptions { context: access.context.clone(), ..KubeConfigOptions::default() };
        let config = match (&access.kubeconfig, &access.context) {
            (Some(file), _) => {
                let kubeconfig = Kubeconfig::read_from(file).map_err(|error| ClusterError::Config(error.to_string()))?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| error.to_string())
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|error| error.to_string()),
            (None, None) => Config::infer().await.map_err(|error| error.to_string()),
        };
        let mut config = config.map_err(ClusterError::Config)?;
        // Somebody waits: what fails is told at once.
        config.default_retry = false;
        let default = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| ClusterError::Config(error.to_string()))?;
        Ok(Self::new(client, access.namespace.clone().unwrap_or(default)))
    }

    pub fn new(client: Client, namespace: impl Into<String>) -> Self {
        Self { client, namespace: namespace.into() }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request<Vec<u8>>, patience: Duration) -> Result<Answer, ClusterError> {
        let asked = async {
            let answer = self.client.send(request.map(Body::from)).await.map_err(unreachable)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| ClusterError::Unreadable(error.to_string()))?.to_bytes();
            Ok(Answer { status, body })
        };
        tokio::time::timeout(patience, asked).await.unwrap_or(Err(ClusterError::Late(patience.as_secs())))
    }

    /// Gets a path's answer as it is.
    pub async fn text(&self, path: &str) -> Result<String, ClusterError> {
        let answer = self.ask(Method::GET, path, "*/*", Vec::new()).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Gets one object.
    pub async fn get(&self, path: &str) -> Result<Value, ClusterError> {
        read(&self.ask(Method::GET, path, JSON, Vec::new()).await?)
    }

    /// Gets one object as a type of its own.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClusterError> {
        read(&self.ask(Method::GET, path, JSON, Vec::new()).await?)
    }

    /// Gets all objects of a list, page by page. `query` begins with `&` when there is one.
    pub async fn list(&self, path: &str, query: &str) -> Result<Vec<Value>, ClusterError> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let from: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let mut page = self.get(&format!("{path}?limit={PAGE}&continue={from}{query}")).await?;
            if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default() {
                "" => return Ok(items),
                more => next = more.to_owned(),
            }
        }
    }

    /// Applies a part of an object from the server's side, as `manager`, who takes over what others have set of it.
    pub async fn apply(&self, path: &str, manager: &str, part: &Value) -> Result<Value, ClusterError> {
        let path = format!("{path}?fieldManager={manager}&force=true&fieldValidation=Strict");
        let request = Request::patch(path).header(header::ACCEPT, JSON).header(header::CONTENT_TYPE, "application/apply-patch+yaml");
        let request = request.body(part.to_string().into_bytes()).map_err(|error| ClusterError::Unreachable(error.to_string()))?;
        let answer = self.send(request, PATIENCE).await?;
        if answer.status.is_success() { read(&answer) } else { Err(refusal(&answer)) }
    }

    /// Sends a request to a Service through the API server. What the pods say is the answer; what the API server says in their place is an error.
    pub async fn through(&self, service: &Service, request: Request<Vec<u8>>, patience: Duration) -> Result<Answer, ClusterError> {
        let answer = self.send(request, patience).await?;
        match said(&answer) {
            None => Ok(answer),
            // Without any endpoint ever, it speaks of the Service as not found.
            Some((code, message)) if code == 404 || (code == 503 && message.contains("no endpoints available")) => {
                Err(ClusterError::NoneReady { service: service.name.clone(), namespace: self.namespace.clone() })
            }
            Some((502..=504, message)) => Err(ClusterError::PodsAway { service: service.name.clone(), message }),
            Some(_) => Err(refusal(&answer)),
        }
    }

    async fn ask(&self, method: Method, path: &str, accept: &str, body: Vec<u8>) -> Result<Answer, ClusterError> {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept).body(body);
        let request = request.map_err(|error| ClusterError::Unreachable(format!("{path}: {error}")))?;
        let answer = self.send(request, PATIENCE).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer)) }
    }
}

const JSON: &str = "application/json";

/// With the causes beneath, which say whether it is the name, the port or the certificate.
fn unreachable(error: kube::Error) -> ClusterError {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        let next_told = next.to_string();
        if !told.contains(&next_told) {
            told = format!("{told}: {next_told}");
        }
        cause = next.source();
    }
    ClusterError::Unreachable(told)
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ClusterError> {
    serde_json::from_slice(&answer.body).map_err(|error| ClusterError::Unreadable(error.to_string()))
}

/// What the API server itself says, when the answer is no success: code and message.
fn said(answer: &Answer) -> Option<(u16, String)> {
    if answer.status.is_success() {
        return None;
    }
    let status: Value = serde_json::from_slice(&answer.body).ok()?;
    if status.get("kind")? != "Status" || status.get("apiVersion")? != "v1" {
        return None;
    }
    Some((answer.status.as_u16(), status.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()))
}

fn refusal(answer: &Answer) -> ClusterError {
    let (code, message) = said(answer)
        .unwrap_or_else(|| (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).trim().chars().take(300).collect::<String>()));
    match code {
        401 => ClusterError::Unknown(message),
        403 => ClusterError::Forbidden(message),
        404 => ClusterError::NotFound(message),
        _ => ClusterError::Refused { code, message },
    }
}

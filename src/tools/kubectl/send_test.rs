//! `leadflow send-test`: posts one made-up lead to a source, as the source would.
//!
//! It is a lead like any other: it is routed, delivered and counted. The e-mail address and the phone number are of those that are nobody's (RFC 2606,
//! 555-01XX).

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cluster::{Answer, Cluster, ClusterError, PATIENCE};
use super::object::{items, text};
use super::places::{self, ours, theirs};
use crate::flow::ports::Dice;
use crate::settings::{Output, SendTestSettings};

/// Why no lead was posted.
#[derive(Debug, thiserror::Error)]
pub enum SendTestError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("--field {0}: not of the form FIELD=VALUE")]
    Field(String),
    #[error("--url {url}: no answer: {source}")]
    NoAnswer { url: String, source: reqwest::Error },
    #[error("the key can't be read from Secret {secret}; give it by --key: {source}")]
    Key { secret: String, source: ClusterError },
    #[error("Secret {0} has no entry that could be a key")]
    NoKey(String),
    #[error("the source or the key can't be part of a request: {0}")]
    Request(#[from] http::Error),
    #[error("the lead was not taken: {0}")]
    NotTaken(String),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Posts the lead and writes the answer.
pub async fn run(settings: &SendTestSettings, dice: &dyn Dice, out: &mut impl Write) -> Result<(), SendTestError> {
    // With both, no cluster is needed.
    if let (Some(_), Some(key)) = (&settings.url, &settings.key) {
        let post = Post { lead: lead(&settings.fields, dice)?, form: false, key: Zeroizing::new(key.clone()) };
        return told(settings, &post, &direct(settings, &post, dice).await?, None, out);
    }
    send(&Cluster::connect(&settings.cluster).await?, settings, dice, out).await
}

/// The same, with what the cluster knows of the source.
pub async fn send(cluster: &Cluster, settings: &SendTestSettings, dice: &dyn Dice, out: &mut impl Write) -> Result<(), SendTestError> {
    let source = cluster.get(&format!("{}/{}", ours(Some(&cluster.namespace), "leadsources"), settings.source)).await?;
    let key = match &settings.key {
        Some(key) => Zeroizing::new(key.clone()),
        None => key(cluster, text(&source, "/spec/auth/keysFrom/secretRef/name")).await?,
    };
    let post = Post { lead: lead(&settings.fields, dice)?, form: text(&source, "/spec/format") == "Form", key };
    let answer = match &settings.url {
        Some(_) => direct(settings, &post, dice).await?,
        None => through(cluster, settings, &post, dice).await?,
    };
    told(settings, &post, &answer, Some(&cluster.namespace), out)
}

/// What is posted.
struct Post {
    /// Canonical field → value.
    lead: BTreeMap<String, String>,
    form: bool,
    key: Zeroizing<String>,
}

impl Post {
    fn body(&self) -> (&'static str, Vec<u8>) {
        if self.form {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.lead).finish();
            ("application/x-www-form-urlencoded", body.into_bytes())
        } else {
            ("application/json", json!(self.lead).to_string().into_bytes())
        }
    }
}

/// A made-up lead, with the fields that were given in place of those that were made up.
fn lead(fields: &[String], dice: &dyn Dice) -> Result<BTreeMap<String, String>, SendTestError> {
    let number = dice.roll();
    let mut lead = BTreeMap::from([
        ("contact.first_name".to_owned(), "Test".to_owned()),
        ("contact.last_name".to_owned(), "Lead".to_owned()),
        ("contact.email".to_owned(), format!("test-lead-{number:016x}@example.com")),
        ("contact.phone".to_owned(), format!("+1310555{:04}", 100 + number % 100)),
        ("location.zip".to_owned(), "90210".to_owned()),
    ]);
    for field in fields {
        let (name, value) =
            field.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| SendTestError::Field(field.clone()))?;
        match value {
            "" => lead.remove(name),
            value => lead.insert(name.to_owned(), value.to_owned()),
        };
    }
    Ok(lead)
}

/// The first entry of the source's Secret that is not empty: each is a valid key.
async fn key(cluster: &Cluster, secret: &str) -> Result<Zeroizing<String>, SendTestError> {
    let path = theirs("api/v1", &cluster.namespace, &format!("secrets/{secret}"));
    let object = cluster.get(&path).await.map_err(|source| SendTestError::Key { secret: secret.to_owned(), source })?;
    let entries = object.get("data").and_then(Value::as_object).into_iter().flatten();
    let mut values = entries.filter_map(|(_, value)| String::from_utf8(BASE64.decode(value.as_str()?).ok()?).ok());
    let found = values.find_map(|value| Some(value.trim_end_matches(['\r', '\n']).to_owned()).filter(|value| !value.is_empty()));
    found.map(Zeroizing::new).ok_or_else(|| SendTestError::NoKey(secret.to_owned()))
}

/// Through the API server, which takes `Authorization` for itself: the key goes as `X-Api-Key`.
async fn through(cluster: &Cluster, settings: &SendTestSettings, post: &Post, dice: &dyn Dice) -> Result<Answer, SendTestError> {
    let exchange = places::exchange(cluster, settings.exchange.as_deref()).await?;
    let service = places::ingest(cluster, &exchange).await?;
    let (content_type, body) = post.body();
    let mut request = Request::post(service.path(&cluster.namespace, &format!("v1/sources/{}/leads", settings.source)))
        .header(header::CONTENT_TYPE, content_type)
        .header("x-api-key", post.key.as_str())
        .header("idempotency-key", idempotency_key(dice));
    if settings.wait > 0 {
        request = request.header("prefer", format!("wait={}", settings.wait));
    }
    Ok(cluster.through(&service, request.body(body)?, patience(settings)).await?)
}

/// To an address that was given.
async fn direct(settings: &SendTestSettings, post: &Post, dice: &dyn Dice) -> Result<Answer, SendTestError> {
    let url = settings.url.clone().unwrap_or_default();
    let unanswered = |source: reqwest::Error| SendTestError::NoAnswer { url: url.clone(), source: source.without_url() };
    let (content_type, body) = post.body();
    let mut request = reqwest::Client::new()
        .post(&url)
        .timeout(patience(settings))
        .header(header::CONTENT_TYPE, content_type)
        .header("x-api-key", post.key.as_str())
        .header("idempotency-key", idempotency_key(dice))
        .body(body);
    if settings.wait > 0 {
        request = request.header("prefer", format!("wait={}", settings.wait));
    }
    let answer = request.send().await.map_err(unanswered)?;
    Ok(Answer { status: answer.status(), body: answer.bytes().await.map_err(unanswered)? })
}

fn patience(settings: &SendTestSettings) -> Duration {
    PATIENCE + Duration::from_secs(settings.wait.into())
}

/// A post that is passed on twice is still one lead.
fn idempotency_key(dice: &dyn Dice) -> String {
    format!("send-test-{:016x}", dice.roll())
}

/// Writes what the source was told. A lead that is not kept is an error.
fn told(
    settings: &SendTestSettings,
    post: &Post,
    answer: &Answer,
    namespace: Option<&str>,
    out: &mut impl Write,
) -> Result<(), SendTestError> {
    let body: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| SendTestError::NotTaken(format!("{}, and what answers is not LeadFlow's ingest", answer.status)))?;
    let lead = text(&body, "/leadId");
    if settings.output == Output::Json {
        writeln!(out, "{:#}", json!({"status": answer.status.as_u16(), "answer": body, "posted": post.lead}))?;
    } else {
        writeln!(out, "posted to source {}: {}", settings.source, told_status(answer.status))?;
        for (field, value) in &post.lead {
            writeln!(out, "  {field} = {value}")?;
        }
        writeln!(out, "answer: {} {}: {}", text(&body, "/outcome"), text(&body, "/code"), text(&body, "/reason"))?;
        for error in items(&body, "/fieldErrors") {
            writeln!(out, "  {}: {}", text(error, "/field"), text(error, "/message"))?;
        }
        if !lead.is_empty() {
            let place = namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
            writeln!(out, "It is a lead like any other: whoever gets it is told of it, and it counts. Why it goes where it goes:")?;
            writeln!(out, "  kubectl leadflow explain {lead}{place}")?;
        }
    }
    if lead.is_empty() { Err(SendTestError::NotTaken(format!("{} {}", answer.status.as_u16(), text(&body, "/code")))) } else { Ok(()) }
}

fn told_status(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}

#[cfg(test)]
#[path = "send_test_tests.rs"]
mod tests;

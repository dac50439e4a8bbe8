//! Delivery by HTTP.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http_body::{Frame, SizeHint};
use ipnet::IpNet;
use reqwest::{Client, Method, Response, Url};
use tokio::time::{Instant, timeout_at};

use super::answer::AnswerBody;
use super::resolver::{Allowed, GuardedResolver};
use super::{Sender, Sent, retry_after};
use crate::flow::ports::Clock;
use crate::lead::attempt::FailureCause;
use crate::lead::{AttemptResult, Request};
use crate::table::Secrets;
use crate::table::endpoint::{AuthRules, EndpointRules};

/// Longest time to make a connection, name look-up and TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Most unused connections kept for one host.
const IDLE_CONNECTIONS: usize = 64;
/// Largest answer, in bytes after decompression.
pub const LARGEST_ANSWER: usize = 256 * 1024;
const USER_AGENT: &str = concat!("leadflow/", env!("CARGO_PKG_VERSION"));
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends deliveries by HTTP: no redirects, no proxy, no private addresses but those allowed.
pub struct HttpSender {
    client: ArcSwap<Client>,
    allowed: Allowed,
    clock: Arc<dyn Clock>,
}

impl HttpSender {
    /// Fails when the machine's certificates can't be loaded.
    pub fn new(allow: Vec<IpNet>, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let allowed = Allowed::new(allow);
        Ok(Self { client: ArcSwap::from_pointee(client(&allowed)?), allowed, clock })
    }

    /// Changes which private networks are allowed. Connections are kept, unless a network is allowed no more.
    pub fn set_allow(&self, allow: Vec<IpNet>) -> Result<(), reqwest::Error> {
        let narrower = self.allowed.get().iter().any(|before| !allow.iter().any(|net| net.contains(before)));
        self.allowed.set(allow);
        if narrower {
            self.client.store(Arc::new(client(&self.allowed)?));
        }
        Ok(())
    }

    /// One exchange of request and answer.
    async fn exchange(&self, endpoint: &EndpointRules, secrets: &Secrets, request: &Request, key: &str, until: Instant) -> Verdict {
        let Some(url) = Url::parse(&request.url).ok().filter(|url| url.host().is_some_and(|host| self.allowed.host(&host))) else {
            return Verdict::failed(FailureCause::Address);
        };
        let mut headers = plain_headers(request, key);
        if let Some(auth) = &endpoint.auth {
            let Some(value) = authorization(auth, secrets) else { return Verdict::failed(FailureCause::Secret) };
            headers.insert(AUTHORIZATION, value);
        }
        let gone = Arc::new(AtomicBool::new(request.body.is_empty())); // nobody asks for an empty body
        let body = Witnessed { bytes: Some(Bytes::from(request.body.clone())), gone: gone.clone() };
        let method = if request.method == "PUT" { Method::PUT } else { Method::POST };
        let call = self.client.load().request(method, url).headers(headers).body(reqwest::Body::wrap(body)).send();

        match timeout_at(until, call).await {
            Ok(Ok(answer)) => self.read(endpoint, answer, until).await,
            Ok(Err(error)) => {
                let gone = gone.load(Ordering::Acquire);
                let cause = match () {
                    () if error.is_dns() => FailureCause::Address,
                    () if !gone => FailureCause::Connect,
                    () => FailureCause::Broken,
                };
                tracing::info!(endpoint = endpoint.name, ?cause, error = told(&error), "a delivery's request failed");
                Verdict::of(if gone { AttemptResult::Ambiguous { cause } } else { AttemptResult::Failed { cause } })
            }
            Err(_) if gone.load(Ordering::Acquire) => Verdict::of(AttemptResult::Ambiguous { cause: FailureCause::Timeout }),
            Err(_) => Verdict::failed(FailureCause::Connect),
        }
    }

    /// Reads an answer, its body up to [`LARGEST_ANSWER`].
    async fn read(&self, endpoint: &EndpointRules, mut answer: Response, until: Instant) -> Verdict {
        let status = answer.status().as_u16();
        let retry_after =
            answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| retry_after::parse(v, self.clock.now()));
        let mut bytes = Vec::new();
        let body = loop {
            match timeout_at(until, answer.chunk()).await {
                Ok(Ok(Some(chunk))) if bytes.len() + chunk.len() > LARGEST_ANSWER => break AnswerBody::Cut(FailureCause::AnswerTooLarge),
                Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Ok(None)) => break AnswerBody::Whole(&bytes),
                Ok(Err(_)) => break AnswerBody::Cut(FailureCause::Broken),
                Err(_) => break AnswerBody::Cut(FailureCause::Timeout),
            }
        };
        Verdict { result: endpoint.answers.read(status, body), status: Some(status), retry_after }
    }
}

#[async_trait]
impl Sender for HttpSender {
    async fn send(&self, endpoint: &EndpointRules, secrets: &Secrets, request: &Request, key: &str) -> Sent {
        let start = Instant::now();
        let verdict = self.exchange(endpoint, secrets, request, key, start + endpoint.timeout).await;
        Sent { result: verdict.result, status: verdict.status, retry_after: verdict.retry_after, took: start.elapsed() }
    }
}

struct Verdict {
    result: AttemptResult,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

impl Verdict {
    fn of(result: AttemptResult) -> Self {
        Self { result, status: None, retry_after: None }
    }

    fn failed(cause: FailureCause) -> Self {
        Self::of(AttemptResult::Failed { cause })
    }
}

/// A request's body that remembers whether the connection asked for it. Before that the far side can't have got the request.
struct Witnessed {
    bytes: Option<Bytes>,
    gone: Arc<AtomicBool>,
}

impl http_body::Body for Witnessed {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.gone.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

fn client(allowed: &Allowed) -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(GuardedResolver(allowed.clone())))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .build()
}

/// All headers but the authorization. Names and values were checked when the request was rendered.
fn plain_headers(request: &Request, key: &str) -> HeaderMap {
    let own = [(CONTENT_TYPE, request.content_type.as_str()), (IDEMPOTENCY_KEY, key)];
    let users = request.headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.as_str())));
    users.chain(own).filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}

/// The `Authorization` header; none when a Secret is missing or can't be sent.
fn authorization(auth: &AuthRules, secrets: &Secrets) -> Option<HeaderValue> {
    let text = match auth {
        AuthRules::Bearer(token) => format!("Bearer {}", secrets.text(token)?),
        AuthRules::Basic { username, password } => {
            format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", secrets.text(username)?, secrets.text(password)?)))
        }
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The innermost cause of an error: it names no URL, which may hold a credential.
fn told(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if std::ptr::addr_eq(inner, error) { "unknown".to_owned() } else { inner.to_string() }
}

//! Ingest over parts that a test holds in its hands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use zeroize::Zeroizing;

use super::memory::Memory;
use crate::api::exchange::LeadSchema;
use crate::flow::arrive::{Appender, CurrentSeal, IngestRules, Seal, SealFailed};
use crate::flow::ports::{Dice, StillClock};
use crate::flow::rate::Rates;
use crate::lead::LeadId;
use crate::ops::metrics::Metrics;
use crate::roles::ingest::{Ingest, Ports};
use crate::store::Sealed;
use crate::table::schema::{self, Schema};
use crate::table::source::{self, Source};
use crate::table::{Live, Secrets};

pub const SAMPLE: &str = include_str!("../../../../tests/ingest/sample_lead.json");
const SCHEMA: &str = "fields: [{name: property_interest.type, type: Enum, values: [BUYER, SELLER, RENTER]}, \
                      {name: property_interest.price_max, type: Decimal, minimum: '0', aliases: [budget]}]";
const REQUIRE: &str = "require: [contact.email, contact.phone, location.zip], map: {location.zip: property_interest.location_zip}";

pub struct Rules {
    schema: Schema,
    sources: HashMap<String, Arc<Source>>,
}

impl IngestRules for Rules {
    fn source(&self, name: &str) -> Option<Arc<Source>> {
        self.sources.get(name).cloned()
    }
    fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// The sources of the tests; each has the Secret of its name.
fn rules() -> Rules {
    let schema = schema::compile(&serde_saphyr::from_str::<LeadSchema>(SCHEMA).unwrap()).unwrap();
    let sources = [
        ("web", REQUIRE.to_owned()),
        ("json-only", "format: JSON".to_owned()),
        ("slow", "rateLimit: {perSecond: 2, burst: 2}".to_owned()),
        ("patient", "answer: {when: Settled, waitSeconds: 20}".to_owned()),
        ("once", "deduplicate: {by: [contact.email], withinDays: 30}".to_owned()),
        ("keyless", String::new()),
    ];
    let compile = |(name, spec): (&str, String)| {
        let yaml = format!(
            "{{apiVersion: leadflow.dev/v1alpha1, kind: LeadSource, metadata: {{name: {name}}}, \
             spec: {{auth: {{keysFrom: {{secretRef: {{name: {name}}}}}}}, {spec}}}}}"
        );
        (name.to_owned(), Arc::new(source::compile(&serde_saphyr::from_str(&yaml).unwrap(), &schema).unwrap()))
    };
    Rules { sources: sources.into_iter().map(compile).collect(), schema }
}

/// Keys of each source: `NAME-key` and `NAME-new-key`; `keyless` has no Secret.
fn secrets() -> Secrets {
    let entries = |name: &str| {
        let entry = |key: &str| (key.to_owned(), Zeroizing::new(format!("{name}-{key}\n").into_bytes()));
        (name.to_owned(), Arc::new([entry("key"), entry("new-key"), ("empty".to_owned(), Zeroizing::default())].into_iter().collect()))
    };
    Secrets(["web", "json-only", "slow", "patient", "once"].into_iter().map(entries).collect())
}

/// Seals nothing, so that tests can look inside.
struct Glass;

impl Seal for Glass {
    fn seal(&self, _: LeadId, _: &'static str, plain: &[u8]) -> Result<Sealed, SealFailed> {
        Ok(Sealed(plain.to_vec()))
    }
    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        for part in parts {
            hasher.update(&part.len().to_le_bytes()).update(part);
        }
        hasher.finalize().into()
    }
}

/// Whether there are keys to seal with.
pub struct Keys(pub AtomicBool);

impl CurrentSeal for Keys {
    fn seal(&self) -> Option<Arc<dyn Seal>> {
        self.0.load(Ordering::SeqCst).then(|| Arc::new(Glass) as Arc<dyn Seal>)
    }
}

/// Counts, so that every id is another.
struct CountingDice(AtomicU64);

impl Dice for CountingDice {
    fn roll(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

pub struct House {
    pub ingest: Arc<Ingest>,
    pub store: Arc<Memory>,
    pub live: Arc<Live<Rules>>,
    pub keys: Arc<Keys>,
    pub metrics: Arc<Metrics>,
    pub millis: Arc<AtomicU64>,
    pub drain: CancellationToken,
}

/// A status, headers, and a body that was JSON.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Json,
}

impl Reply {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap()
    }
    pub fn outcome(&self) -> &str {
        self.json["outcome"].as_str().unwrap()
    }
    pub fn lead(&self) -> LeadId {
        self.json["leadId"].as_str().unwrap().parse().unwrap()
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
    pub fn fields(&self) -> Vec<(&str, &str)> {
        let errors = self.json["fieldErrors"].as_array().unwrap().iter();
        errors.map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }
}

impl House {
    pub fn new() -> Self {
        let store = Memory::new();
        Self::over(Arc::clone(&store), store)
    }

    /// With something else before the store.
    pub fn over(store: Arc<Memory>, appender: Arc<dyn Appender>) -> Self {
        let live = Arc::new(Live::new(rules()));
        live.set_secrets(Arc::new(secrets()));
        let keys = Arc::new(Keys(AtomicBool::new(true)));
        let metrics = Arc::new(Metrics::new().unwrap());
        let millis = Arc::new(AtomicU64::new(0));
        let drain = CancellationToken::new();
        let ports = Ports {
            rules: live.clone(),
            appender,
            store: store.clone(),
            seal: keys.clone(),
            clock: Arc::new(StillClock::at("2026-11-22T10:00:00Z".parse().unwrap())),
            dice: Arc::new(CountingDice(AtomicU64::new(1))),
            metrics: metrics.clone(),
        };
        let clock = millis.clone();
        let rates = Rates::by(Arc::new(move || Duration::from_millis(clock.load(Ordering::SeqCst))));
        Self { ingest: Ingest::new(ports, rates, drain.clone()), store, live, keys, metrics, millis, drain }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.ingest.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status, headers: head.headers, json: serde_json::from_slice(&body).unwrap() }
    }

    /// Posts JSON to a source with its key and more headers.
    pub async fn post(&self, source: &str, body: impl Into<Body>, headers: &[(&str, &str)]) -> Reply {
        self.send(post(source, body, headers)).await
    }

    /// Posts the sample lead.
    pub async fn sample(&self, source: &str, headers: &[(&str, &str)]) -> Reply {
        self.post(source, SAMPLE, headers).await
    }

    pub async fn get(&self, source: &str, lead: &str) -> Reply {
        let request = Request::get(format!("/v1/sources/{source}/leads/{lead}")).header("x-api-key", format!("{source}-key"));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

/// A post of JSON to a source with its key; headers given go before these.
pub fn post(source: &str, body: impl Into<Body>, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(format!("/v1/sources/{source}/leads"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let has = |name: &str| headers.iter().any(|(given, _)| *given == name);
    if !has("content-type") {
        request = request.header("content-type", "application/json");
    }
    if !has("x-api-key") && !has("authorization") {
        request = request.header("x-api-key", format!("{source}-key"));
    }
    request.body(body.into()).unwrap()
}

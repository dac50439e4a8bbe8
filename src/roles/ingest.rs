//! Ingest: takes leads in by HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/sources/{name}/leads` | takes a lead: 202 once it is durable, or 200 with its outcome |
//! | `GET /v1/sources/{name}/leads/{id}` | where a lead of the source stands |

mod connection;
mod headers;
mod leftover;
mod line;
mod post;
mod respond;
mod serve;
mod standing;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::middleware::from_fn;
use axum::routing::{get, post as posting};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::flow::arrive::{Appender, CurrentRules, CurrentSeal, IngestRules};
use crate::flow::authenticate::is_key;
use crate::flow::normalise;
use crate::flow::ports::{Clock, Dice};
use crate::flow::rate::Rates;
use crate::flow::refusal::Refusal;
use crate::flow::wait::Waiters;
use crate::ops::metrics::Metrics;
use crate::store::Store;
use crate::table::source::Source;

pub use serve::Bounds;

/// What ingest works with.
#[derive(Clone)]
pub struct Ports {
    pub rules: Arc<dyn CurrentRules>,
    pub appender: Arc<dyn Appender>,
    /// For outcomes.
    pub store: Arc<dyn Store>,
    pub seal: Arc<dyn CurrentSeal>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub metrics: Arc<Metrics>,
}

/// Ingest, ready to serve.
pub struct Ingest {
    ports: Ports,
    rates: Rates,
    waiters: Waiters,
    /// Cancelled when the process ends: nobody is kept waiting from then on.
    drain: CancellationToken,
}

impl Ingest {
    pub fn new(ports: Ports, rates: Rates, drain: CancellationToken) -> Arc<Self> {
        normalise::warm_up();
        let waiters = Waiters::new(Arc::clone(&ports.store));
        Arc::new(Self { ports, rates, waiters, drain })
    }

    /// The HTTP routes. Whatever goes wrong is answered in the one shape of [`Answer`](crate::flow::answer::Answer).
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/v1/sources/{source}/leads", posting(post::post))
            .route("/v1/sources/{source}/leads/{lead}", get(standing::standing))
            .fallback(|| async { respond::refused(&Refusal::UnknownPath) })
            .method_not_allowed_fallback(|| async { respond::refused(&Refusal::MethodNotAllowed) })
            .layer(CatchPanicLayer::custom(respond::panicked))
            .layer(from_fn(leftover::read_off))
            .with_state(Arc::clone(self))
    }

    /// Serves until `drain` is cancelled and what was begun is answered. Whoever waits for an outcome then gets the lead's id instead.
    pub async fn run(self: Arc<Self>, listener: TcpListener, bounds: Bounds) -> io::Result<()> {
        let (router, failures) = (self.router(), serve::Failures::new(self.ports.metrics.accept_failures.clone()));
        tokio::select! {
            served = serve::serve(listener, router, bounds, self.drain.clone(), failures) => served,
            ended = self.waiters.run() => match ended {},
        }
    }

    /// The source of this name, when the request shows one of its keys.
    fn authenticated(&self, rules: &dyn IngestRules, name: &str, headers: &HeaderMap) -> Result<Arc<Source>, Refusal> {
        let source = rules.source(name).ok_or(Refusal::UnknownSource)?;
        let secrets = self.ports.rules.secrets();
        let entries = secrets.entries(&source.keys).ok_or(Refusal::KeysUnavailable)?;
        let mut known = false;
        for key in headers::keys(headers) {
            known |= is_key(key, entries);
        }
        if known { Ok(source) } else { Err(Refusal::Unauthorized) }
    }
}

#[cfg(test)]
mod tests;

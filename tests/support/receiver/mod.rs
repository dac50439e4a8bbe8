//! The far side of a delivery: an HTTP server in the test's own process which takes
//! leads like a CRM does, records every request, and misbehaves as told.
//!
//! ```ignore
//! let crm = Receiver::start().await;
//! crm.script("/leads", [Reply::status(500).times(3), Reply::accept()]);
//! // ... deliver to crm.url("/leads") ...
//! assert_eq!(crm.accepted("lead-1"), 1);
//! assert!(crm.reused_keys().is_empty());
//! ```

mod at_once;
mod connection;
mod reply;
mod state;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use http::request::Parts;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::processes::POLL;
use at_once::UnderWay;
use connection::{Connections, Peer};
use reply::Ending;
pub use reply::Reply;
use state::Records;
pub use state::{Outcome, Seen};

pub struct Receiver {
    address: SocketAddr,
    records: Arc<Mutex<Records>>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Starts one that reads a lead's id from the body's field `lead_id` and, until
    /// scripted otherwise, accepts all it is sent.
    pub async fn start() -> Receiver {
        Receiver::start_reading("lead_id").await
    }

    /// Starts one that finds a lead's id in the body at `field`: the name of a field
    /// of a form or JSON object, or a JSON pointer (`/lead/id`).
    pub async fn start_reading(field: &str) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound port has an address");
        let records = Arc::new(Mutex::new(Records::new(field)));
        let service = Router::new().fallback(serve).with_state(records.clone()).into_make_service_with_connect_info::<Peer>();
        let server = tokio::spawn(async move {
            let served = axum::serve(Connections::of(listener), service).await;
            served.expect("serving does not end by an error");
        });
        Receiver { address, records, server }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets what a path answers from now on: each reply as often as it says, the
    /// last one for good.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.records().script(path, replies.into_iter().collect());
    }

    /// Whether a repeated `Idempotency-Key` is answered as the first time (it is,
    /// unless told otherwise) or taken for a new lead.
    pub fn honour_idempotency_keys(&self, honour: bool) {
        self.records().honour_keys = honour;
    }

    /// Every request so far, in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.records().seen.clone()
    }

    /// The requests to one path so far.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|request| request.path == path);
        seen
    }

    /// How often a lead was accepted as a new record. More than once is a lead sold
    /// twice.
    pub fn accepted(&self, lead: &str) -> usize {
        self.records().accepted.get(lead).copied().unwrap_or(0)
    }

    /// How often each lead was accepted as a new record; bodies without a lead's id
    /// count as the lead "".
    pub fn accepted_by_lead(&self) -> BTreeMap<String, usize> {
        self.records().accepted.clone()
    }

    /// How many records there are.
    pub fn accepted_total(&self) -> usize {
        self.records().accepted.values().sum()
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.records().seen.len()
    }

    /// The most requests to a path that were under way at once since this was asked last, those under way now counted.
    pub fn most_at_once(&self, path: &str) -> usize {
        self.records().under_way.take_most(path)
    }

    /// The keys that came again with another body: always a fault of the sender.
    pub fn reused_keys(&self) -> Vec<String> {
        let seen = self.seen();
        let reused = seen.iter().filter(|request| request.outcome == Outcome::KeyReusedWithOtherBody);
        reused.filter_map(Seen::idempotency_key).map(str::to_owned).collect()
    }

    /// Waits until so many requests were seen, and panics when they do not come.
    pub async fn wait_for_requests(&self, count: usize, patience: Duration) -> Vec<Seen> {
        self.wait("requests", count, patience, |records| records.seen.len()).await;
        self.seen()
    }

    /// Waits until there are so many records, and panics when they do not come.
    pub async fn wait_for_accepted(&self, count: usize, patience: Duration) {
        let total = |records: &Records| records.accepted.values().sum();
        self.wait("records", count, patience, total).await;
    }

    async fn wait(&self, what: &str, count: usize, patience: Duration, so_far: impl Fn(&Records) -> usize) {
        let deadline = Instant::now() + patience;
        loop {
            let number = so_far(&self.records());
            if number >= count {
                return;
            }
            assert!(Instant::now() < deadline, "{number} {what} came, not {count}");
            tokio::time::sleep(POLL).await;
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        lock(&self.records)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a request at once, then answers it as scripted.
async fn serve(
    State(records): State<Arc<Mutex<Records>>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: axum::extract::Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, 64 << 20).await {
        Ok(body) => body,
        // The sender went away in the middle.
        Err(_) => return Response::new(Body::empty()),
    };
    let _under_way = UnderWay::begin(&records, head.uri.path());
    let reply = note(&records, &head, body);
    tokio::time::sleep(reply.delay).await;
    match reply.ending {
        Ending::Answer => reply.into_response(),
        Ending::Hang => std::future::pending().await,
        Ending::Drop => {
            // The answer is for nobody: writing it fails and ends the connection.
            peer.cut();
            Response::new(Body::empty())
        }
    }
}

fn note(records: &Mutex<Records>, head: &Parts, body: Bytes) -> Reply {
    lock(records).take(head, body)
}

//! Connections, within bounds: how many, and how long a client may take.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use prometheus::IntCounter;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A request's head, at most, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
/// Requests at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 32;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long kept-alive connections are answered with `Connection: close` before those that stay silent are closed. A client that sends while its idle
/// connection is being closed can't know whether it was heard.
const FAREWELL: Duration = Duration::from_secs(2);
/// Between attempts to accept, when the system has no room for one more connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Tells of tries to accept a connection that failed: each is counted, and the first of several in a row is logged.
pub struct Failures {
    count: IntCounter,
    failing: bool,
}

impl Failures {
    pub fn new(count: IntCounter) -> Self {
        Self { count, failing: false }
    }

    /// What was accepted, if so.
    pub fn note<T>(&mut self, accepted: io::Result<T>) -> Option<T> {
        let failed = accepted.is_err();
        let failing = std::mem::replace(&mut self.failing, failed);
        self.count.inc_by(failed.into());
        match &accepted {
            Err(error) if !failing => tracing::warn!(%error, "connections can't be accepted; they wait"),
            Ok(_) if failing => tracing::info!("connections are accepted again"),
            _ => {}
        }
        accepted.ok()
    }
}

/// Bounds of what clients may take up.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; more wait in the system's queue.
    pub connections: usize,
    /// From a connection to its first whole request head.
    pub first_request: Duration,
    /// From one request's answer to the whole head of the next, on HTTP/1. Longer than load balancers keep idle connections, which is 60 s.
    pub next_request: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 2048, first_request: Duration::from_secs(10), next_request: Duration::from_secs(75) }
    }
}

/// Serves until `drain` is cancelled and every connection has finished what it began. From then on clients are told to come back by another connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    drain: CancellationToken,
    mut failures: Failures,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(bounds.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let leaving = Arc::new(AtomicBool::new(false));
    let mut end: Option<Instant> = None;
    loop {
        if end.is_some() && connections.is_empty() {
            break;
        }
        let permit = tokio::select! {
            biased;
            () = drain.cancelled(), if end.is_none() => {
                leaving.store(true, Ordering::Relaxed);
                end = Some(Instant::now() + FAREWELL);
                continue;
            }
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            Some(_) = connections.join_next() => continue,
            permit = Arc::clone(&room).acquire_owned() => permit.map_err(io::Error::other)?,
        };
        let stream = tokio::select! {
            biased;
            () = drain.cancelled(), if end.is_none() => continue,
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match failures.note(accepted) {
                Some((stream, _)) => stream,
                None => {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        let connection = connection(stream, router.clone(), bounds, Arc::clone(&leaving), graceful.watcher());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// One connection, to its end. One that has sent no whole request within its time is dropped; hyper sees to the later ones.
async fn connection(stream: TcpStream, router: Router, bounds: Bounds, leaving: Arc<AtomicBool>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small packets back");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    // HTTP/2 has a word of its own for leaving, and hyper says it.
    let multiplexed = Arc::new(AtomicBool::new(false));
    let multiple = Arc::clone(&multiplexed);
    let service = router.map_request(move |request: axum::http::Request<_>| {
        seen.store(true, Ordering::Relaxed);
        multiple.store(request.version() == Version::HTTP_2, Ordering::Relaxed);
        request.map(Body::new)
    });
    let service = service.map_response(move |mut response: Response| {
        if leaving.load(Ordering::Relaxed) && !multiplexed.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.next_request).max_buf_size(LARGEST_HEAD).max_headers(MOST_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD as u32);
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    let mut served = std::pin::pin!(watcher.watch(served));
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = tokio::time::sleep(bounds.first_request) => {
            if !asked.load(Ordering::Relaxed) {
                return;
            }
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke off");
    }
}

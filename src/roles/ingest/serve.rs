//! Connections, within bounds: how many, and how long a client may take.

use std::io;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus::IntCounter;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::connection::{House, connection};

/// Connections that the system may have let in before the listener is closed: as many as Tokio has it queue.
const QUEUED: usize = 1024;
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
    /// How long kept-alive connections are answered with `Connection: close` before those that stay silent are closed, and how long a new connection is
    /// waited for then. A client that sends while its idle connection is being closed can't know whether it was heard.
    pub farewell: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 2048,
            first_request: Duration::from_secs(10),
            next_request: Duration::from_secs(75),
            farewell: Duration::from_secs(2),
        }
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
    let house = House { router, bounds, leaving: drain.clone(), closing: CancellationToken::new() };
    let mut connections = JoinSet::new();
    let mut end: Option<Instant> = None;
    loop {
        if end.is_some() && connections.is_empty() {
            break;
        }
        let permit = tokio::select! {
            biased;
            () = drain.cancelled(), if end.is_none() => {
                end = Some(Instant::now() + bounds.farewell);
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
                    sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        let connection = connection(stream, house.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    for stream in last_in(&listener) {
        connections.spawn(connection(stream, house.clone()));
    }
    drop(listener);
    house.closing.cancel();
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Whom the system has let in and nobody has greeted yet. To close the listener would reset their connections, whatever they have sent.
fn last_in(listener: &TcpListener) -> impl Iterator<Item = TcpStream> + '_ {
    // Asks the system itself: what Tokio knows is what it was told at its last look.
    let accepted = iter::from_fn(move || SockRef::from(listener).accept().ok()).take(QUEUED);
    accepted.filter_map(|(socket, _)| {
        socket.set_nonblocking(true).ok()?;
        TcpStream::from_std(socket.into()).ok()
    })
}

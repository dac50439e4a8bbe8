//! One connection, from its first request to its end.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::line::{Line, Talk};
use super::serve::Bounds;

/// A request's head, at most, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
/// Requests at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 32;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long a client that is to be hung up may take to end what it is saying.
const PATIENCE: Duration = Duration::from_secs(2);

/// What all connections have in common.
#[derive(Clone)]
pub struct House {
    pub router: Router,
    pub bounds: Bounds,
    /// Cancelled when clients are to be told to leave.
    pub leaving: CancellationToken,
    /// Cancelled when those that have nothing more to say are closed.
    pub closing: CancellationToken,
}

/// One connection, to its end. One that has sent no whole request within its time is dropped; hyper sees to the later ones.
pub async fn connection(stream: TcpStream, house: House) {
    let House { router, bounds, leaving, closing } = house;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small packets back");
    }
    let talk = Arc::new(Talk::default());
    let (asked, answered) = (Arc::clone(&talk), Arc::clone(&talk));
    let service = router.map_request(move |request: axum::http::Request<_>| {
        asked.ask(request.version() == Version::HTTP_2);
        request.map(Body::new)
    });
    let service = service.map_response(move |mut response: Response| {
        answered.answer();
        // HTTP/2 has a word of its own for leaving, and hyper says it.
        if (leaving.is_cancelled() || answered.is_ending()) && !answered.multiplexed() {
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
    let opened = Instant::now();
    let line = Line::new(stream, Arc::clone(&talk));
    let mut served = pin!(builder.serve_connection(TokioIo::new(line), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        biased;
        ended = &mut served => ended,
        () = no_request(&talk, opened + bounds.first_request) => hang_up(served, &talk).await,
        () = closed(&closing, opened + bounds.farewell) => hang_up(served, &talk).await,
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke off");
    }
}

/// Waits until a client has asked nothing by its time.
async fn no_request(talk: &Talk, by: Instant) {
    sleep_until(by).await;
    if talk.asked() {
        pending().await
    }
}

/// Waits for the end, and for a connection that came just before it a little longer.
async fn closed(closing: &CancellationToken, not_before: Instant) {
    closing.cancelled().await;
    sleep_until(not_before).await;
}

/// Ends a connection once what its client has sent is answered. Closing it while something waits unread would reset it: the client would see its
/// connection break and not know whether it was heard. A client that takes longer than [`PATIENCE`] to finish a request's head is cut off.
async fn hang_up<C: GracefulConnection>(mut served: Pin<&mut C>, talk: &Talk) -> Result<(), C::Error> {
    talk.listen_out();
    let heard_out = poll_fn(|context| match served.as_mut().poll(context) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        Poll::Pending if talk.multiplexed() || talk.is_over() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if let Ok(Some(ended)) = timeout(PATIENCE, heard_out).await {
        return ended;
    }
    // hyper would wait for the rest of a first head.
    if !talk.asked() {
        return Ok(());
    }
    served.as_mut().graceful_shutdown();
    served.await
}

//! What a client still sends when its answer is known already. Left unread, it costs the client the answer: the connection is closed under its hands,
//! and what comes next on it is lost, too. So a refused request's body is read and thrown away, within bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};

/// The most that is thrown away, in bytes. A client that sends more loses its connection.
const MOST_BYTES: usize = 1024 * 1024;
/// The longest that it may take to arrive.
const WITHIN: Duration = Duration::from_secs(2);

/// Answers a request once its whole body was read, by whoever answers or here.
pub async fn read_off(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    // Who waits for leave to send is better told the answer instead.
    let waits = head.headers.contains_key(EXPECT);
    let left = Left::default();
    let response = next.run(Request::from_parts(head, Body::new(Lent { body: Some(body), left: left.clone() }))).await;
    let rest = left.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(rest) = rest.filter(|rest| !waits && !rest.is_end_stream() && rest.size_hint().lower() <= MOST_BYTES as u64) {
        // Whatever comes of it, the answer is the same.
        let _ = tokio::time::timeout(WITHIN, throw_away(Limited::new(rest, MOST_BYTES))).await;
    }
    response
}

async fn throw_away(mut body: Limited<Body>) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Where a body is put back.
type Left = Arc<Mutex<Option<Body>>>;

/// A body that is put back when it is done with.
struct Lent {
    body: Option<Body>,
    left: Left,
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

//! What a receiver answers.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// One answer of a script, built up by its methods.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// For a reply that records, None means the record's id.
    pub(super) body: Option<String>,
    /// Whether the lead is taken into the books.
    pub(super) records: bool,
    pub(super) delay: Duration,
    pub(super) ending: Ending,
    /// How often it is given. None is for good.
    pub(super) times: Option<usize>,
}

/// How the answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Answer,
    /// Never; the connection stays open.
    Hang,
    /// Never; the connection is closed.
    Drop,
}

impl Reply {
    /// Takes the lead and answers 201 with `{"id": "record-1"}`.
    pub fn accept() -> Reply {
        Reply { records: true, ..Reply::status(201) }
    }

    /// Takes no lead and answers a status with an empty body.
    pub fn status(status: u16) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).expect("a valid status"),
            headers: HeaderMap::new(),
            body: None,
            records: false,
            delay: Duration::ZERO,
            ending: Ending::Answer,
            times: None,
        }
    }

    /// Takes no lead and never answers.
    pub fn hang() -> Reply {
        Reply::status(500).then_hang()
    }

    /// Takes no lead and closes the connection without an answer.
    pub fn drop_connection() -> Reply {
        Reply::status(500).then_drop()
    }

    /// The same with another status: some CRMs accept by 200 or 202.
    pub fn with_status(mut self, status: u16) -> Reply {
        self.status = StatusCode::from_u16(status).expect("a valid status");
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        let name: HeaderName = name.parse().expect("a valid header name");
        let value: HeaderValue = value.parse().expect("a valid header value");
        self.headers.append(name, value);
        self
    }

    pub fn retry_after(self, value: &str) -> Reply {
        self.header("retry-after", value)
    }

    pub fn json(self, body: &Value) -> Reply {
        self.text(&body.to_string()).header("content-type", "application/json")
    }

    pub fn text(mut self, body: &str) -> Reply {
        self.body = Some(body.to_owned());
        self
    }

    /// Waits before it answers. The request is noted, and the lead taken, at once.
    pub fn after(mut self, delay: Duration) -> Reply {
        self.delay = delay;
        self
    }

    /// Does what it says to the books and then never answers.
    pub fn then_hang(mut self) -> Reply {
        self.ending = Ending::Hang;
        self
    }

    /// Does what it says to the books and then closes the connection without an
    /// answer: to the sender, it may have happened or not.
    pub fn then_drop(mut self) -> Reply {
        self.ending = Ending::Drop;
        self
    }

    /// So often, and then the next of the script.
    pub fn times(mut self, times: usize) -> Reply {
        self.times = Some(times);
        self
    }

    /// Whether it says no to the lead. To a key that stands for a record nobody says that: it is answered as the first time.
    pub(super) fn is_refusal(&self) -> bool {
        let passing = matches!(self.status.as_u16(), 408 | 425 | 429);
        self.ending == Ending::Answer && self.status.is_client_error() && !passing
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body.unwrap_or_default()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

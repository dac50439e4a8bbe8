//! Answers as HTTP.

use std::any::Any;

use axum::Json;
use axum::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;

use crate::flow::answer::Answer;
use crate::flow::refusal::Refusal;

/// An answer with its status.
pub fn answered(status: StatusCode, answer: &Answer) -> axum::response::Response {
    (status, Json(answer)).into_response()
}

/// A refusal with its status and headers.
pub fn refused(refusal: &Refusal) -> axum::response::Response {
    let mut response = answered(status(refusal), &Answer::refused(refusal));
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    match refusal {
        Refusal::Unauthorized => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"leadflow\""));
        }
        Refusal::UnsupportedMediaType { accepted } => {
            headers.insert(HeaderName::from_static("accept-post"), HeaderValue::from_static(accepted));
        }
        _ => {}
    }
    response
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::UnknownPath | Refusal::UnknownSource | Refusal::UnknownLead => StatusCode::NOT_FOUND,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
        Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::BrokenOff | Refusal::BadIdempotencyKey | Refusal::Malformed(_) | Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
        Refusal::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::KeysUnavailable | Refusal::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer after a panic. What it said may hold a lead's values and is not repeated.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response<axum::body::Body> {
    tracing::error!("a request ended in a panic");
    refused(&Refusal::Internal)
}

//! What a request's headers say.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};

use crate::api::lead_source::Format;
use crate::flow::arrive::content_type;
use crate::flow::refusal::{LONGEST_KEY, Refusal};

pub const API_KEY: &str = "x-api-key";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const PREFER: &str = "prefer";

/// The keys that the request shows.
pub fn keys(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let bearer = headers.get_all(AUTHORIZATION).into_iter().filter_map(|value| bearer(value.as_bytes()));
    bearer.chain(headers.get_all(API_KEY).into_iter().map(|value| value.as_bytes().trim_ascii()))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
}

/// What a source takes, for people and for `Accept-Post`.
pub fn accepted(format: Option<Format>) -> &'static str {
    match format {
        Some(format) => content_type(format),
        None => "application/json, application/x-www-form-urlencoded",
    }
}

/// The format that the body is in, when the source takes it.
pub fn format(headers: &HeaderMap, wanted: Option<Format>) -> Result<Format, Refusal> {
    let refused = || Refusal::UnsupportedMediaType { accepted: accepted(wanted) };
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let format = [Format::JSON, Format::Form].into_iter().find(|format| content_type(*format) == media);
    let is_utf8 = parts
        .filter_map(|part| part.split_once('='))
        .all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"));
    let is_plain = headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    format.filter(|format| is_utf8 && is_plain && wanted.is_none_or(|wanted| wanted == *format)).ok_or_else(refused)
}

/// The Idempotency-Key, when there is one.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let key =
                value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
            key.map(Some).ok_or(Refusal::BadIdempotencyKey)
        }
        (Some(_), Some(_)) => Err(Refusal::BadIdempotencyKey),
    }
}

/// How long `Prefer: wait=N` (RFC 7240) asks to wait: the first one that can be read.
pub fn wanted_wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn keys_come_by_either_header() {
        let headers = with(&[("authorization", "bearer  k1 "), ("x-api-key", "k2"), ("authorization", "Basic k3")]);
        assert_eq!(keys(&headers).collect::<Vec<_>>(), [b"k1", b"k2"]);
        assert_eq!(keys(&with(&[("authorization", "Bearer")])).count(), 0);
    }

    #[test]
    fn the_content_type_tells_the_format() {
        let format = |text, wanted| format(&with(&[("content-type", text)]), wanted).ok();
        assert_eq!(format("application/json", None), Some(Format::JSON));
        assert_eq!(format("Application/JSON; charset=UTF-8", Some(Format::JSON)), Some(Format::JSON));
        assert_eq!(format("application/x-www-form-urlencoded", None), Some(Format::Form));
        assert_eq!(format("application/x-www-form-urlencoded", Some(Format::JSON)), None);
        assert_eq!(format("application/json; charset=latin1", None), None);
        assert_eq!(format("text/plain", None), None);
    }

    #[test]
    fn compressed_bodies_are_not_taken() {
        let gzip = with(&[("content-type", "application/json"), ("content-encoding", "gzip")]);
        assert!(format(&gzip, None).is_err());
    }

    #[test]
    fn an_idempotency_key_is_one_short_visible_value() {
        assert_eq!(idempotency_key(&with(&[])), Ok(None));
        assert_eq!(idempotency_key(&with(&[("idempotency-key", "a-1")])), Ok(Some("a-1")));
        for bad in [&[("idempotency-key", "")][..], &[("idempotency-key", "a b")], &[("idempotency-key", "a"), ("idempotency-key", "b")]] {
            assert_eq!(idempotency_key(&with(bad)), Err(Refusal::BadIdempotencyKey));
        }
        let mut long = HeaderMap::new();
        long.insert("idempotency-key", HeaderValue::from_str(&"x".repeat(LONGEST_KEY)).unwrap());
        assert!(idempotency_key(&long).is_ok());
        long.insert("idempotency-key", HeaderValue::from_str(&"x".repeat(LONGEST_KEY + 1)).unwrap());
        assert_eq!(idempotency_key(&long), Err(Refusal::BadIdempotencyKey));
    }

    #[test]
    fn a_wish_to_wait_is_read_among_others() {
        for (text, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, Wait=5; foo=bar", Some(5)),
            ("wait=\"7\"", Some(7)),
            ("wait = 3", Some(3)),
            ("wait=1, wait=2", Some(1)),
            ("wait=soon", None),
            ("wait=-1", None),
            ("wait", None),
            ("respond-async", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(text));
            assert_eq!(wanted_wait(&headers), seconds.map(Duration::from_secs), "{text}");
        }
    }
}

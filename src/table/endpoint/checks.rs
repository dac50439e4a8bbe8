//! What each value of an Endpoint must be.

use http::HeaderName;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use url::Url;

use super::StatusRange;
use crate::api::shared::{SecretKeyRef, ValueFrom};
use crate::table::Problem;

/// Headers that are LeadFlow's to set, or the connection's.
const FORBIDDEN: [HeaderName; 13] = [
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    HOST,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// Of these `http` has no constants.
const FORBIDDEN_TOO: [&str; 3] = ["idempotency-key", "keep-alive", "proxy-connection"];

pub(super) fn bounded(field: &str, number: i32, least: i32, most: i32) -> Result<i32, Problem> {
    if (least..=most).contains(&number) { Ok(number) } else { Err(Problem::new(field, format!("must be from {least} to {most}"))) }
}

/// An absolute http or https URL with a host and without credentials.
pub(super) fn url(field: &str, text: &str) -> Result<Url, Problem> {
    let url = Url::parse(text).map_err(|error| Problem::new(field, format!("is no absolute http or https URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Problem::new(field, format!("has the scheme {}; use http or https", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Problem::new(field, "has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new(field, "must not hold a user name or password; use spec.http.auth.basic"));
    }
    Ok(url)
}

pub(super) fn header_name(field: &str, name: &str) -> Result<HeaderName, Problem> {
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Problem::new(field, "is no valid header name"))?;
    if header == AUTHORIZATION {
        return Err(Problem::new(field, "is set by LeadFlow; use spec.http.auth"));
    }
    if FORBIDDEN.contains(&header) || FORBIDDEN_TOO.contains(&header.as_str()) {
        return Err(Problem::new(field, "is set by LeadFlow and can't be given"));
    }
    Ok(header)
}

pub(super) fn secret(field: &str, from: &ValueFrom) -> Result<SecretKeyRef, Problem> {
    let at = &from.secret_key_ref;
    if at.name.is_empty() || at.key.is_empty() {
        return Err(Problem::new(format!("{field}.secretKeyRef"), "must give `name` and `key`"));
    }
    Ok(at.clone())
}

/// A JSON pointer (RFC 6901) to something within a document.
pub(super) fn pointer(field: &str, text: &str) -> Result<String, Problem> {
    let mut rest = text.split('~');
    let escapes = rest.next().is_some() && rest.all(|after| after.starts_with(['0', '1']));
    if text.starts_with('/') && escapes {
        Ok(text.to_owned())
    } else {
        Err(Problem::new(field, "is no JSON pointer; write it like /result/id, with ~1 for a slash in a name and ~0 for a tilde"))
    }
}

/// Status codes and ranges of them.
pub(super) fn status_ranges(field: &str, ranges: &[String]) -> Result<Vec<StatusRange>, Problem> {
    if ranges.is_empty() {
        return Err(Problem::new(field, "must have at least one status code or range"));
    }
    let range = |(at, text): (usize, &String)| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (status(first), status(last)) {
            (Some(first), Some(last)) if first <= last => Ok(first..=last),
            (Some(_), Some(_)) => {
                Err(Problem::new(format!("{field}[{at}]"), format!("the range {text} is empty; write the lower code first")))
            }
            _ => Err(Problem::new(
                format!("{field}[{at}]"),
                format!("{text} is no status code from 100 to 599, nor a range such as 200-299"),
            )),
        }
    };
    ranges.iter().enumerate().map(range).collect()
}

fn status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|code| digits && (100..=599).contains(code))
}

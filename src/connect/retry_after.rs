//! The `Retry-After` header (RFC 9110, 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Longest pause that an answer can ask for.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Reads seconds or an HTTP date. What is malformed is as good as absent; a date in the past means at once.
pub fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(value.parse().map_or(LONGEST, |seconds| Duration::from_secs(seconds).min(LONGEST)));
    }
    let at = value.ends_with("GMT").then(|| rfc2822::parse(value).ok()).flatten()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded_and_nonsense_is_ignored() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let seconds = |n| Some(Duration::from_secs(n));
        for (value, expected) in [
            ("7", seconds(7)),
            (" 7 ", seconds(7)),
            ("0", seconds(0)),
            ("86400", seconds(3600)),
            ("99999999999999999999999999", seconds(3600)),
            ("Sun, 22 Nov 2026 10:00:30 GMT", seconds(30)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", seconds(0)),
            ("Sat, 22 Nov 2036 10:00:00 GMT", seconds(3600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Nov 2026 10:00:30 GMT", None),
        ] {
            assert_eq!(parse(value, now), expected, "{value}");
        }
    }
}

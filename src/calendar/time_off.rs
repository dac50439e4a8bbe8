//! When a recipient is away for longer than a night, and who stands in.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::offsets::first_instant;

/// One absence, on the recipient's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOff {
    /// The first instant that is off.
    pub start: Timestamp,
    /// The first instant that is not off any more.
    pub end: Timestamp,
    /// Who stands in: a name that means nothing here.
    pub cover: Option<Arc<str>>,
}

impl TimeOff {
    /// Reads an absence. Each edge is written in one of three ways:
    ///
    /// - a date, `2026-12-24`: the whole day is off, be it the first or the last;
    /// - a date and a time, `2026-12-24T12:00`, by the recipient's clock: off from then, or until just before then;
    /// - the same with an offset or `Z`: an instant wherever the recipient is.
    ///
    /// # Errors
    ///
    /// One plain sentence that names `from` or `to`.
    pub fn read(from: &str, to: &str, cover: Option<&str>, zone: &TimeZone) -> Result<TimeOff, String> {
        let (first, last) = (Edge::read("from", from)?, Edge::read("to", to)?);
        let (start, end) = (first.start("from", zone)?, last.end("to", zone)?);
        let backwards = match (first, last) {
            // A zone may have skipped the only day there is; it is still written the right way round.
            (Edge::Day(first), Edge::Day(last)) => last < first,
            _ => end <= start,
        };
        if backwards {
            return Err(format!("`to` ({to}) must be after `from` ({from}); for a single day write its date for both"));
        }
        Ok(TimeOff { start, end, cover: cover.map(Into::into) })
    }

    /// Whether an instant is off.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }
}

#[derive(Clone, Copy)]
enum Edge {
    Day(Date),
    Clock(DateTime),
    Instant(Timestamp),
}

impl Edge {
    fn read(field: &str, text: &str) -> Result<Edge, String> {
        let wrong = |_| format!("`{field}` ('{text}') is no date; write one such as 2026-12-24, or a time such as 2026-12-24T12:00");
        if !text.contains(['T', 't', ' ']) {
            return text.parse().map(Edge::Day).map_err(wrong);
        }
        text.parse().map(Edge::Instant).or_else(|_| text.parse().map(Edge::Clock)).map_err(wrong)
    }

    /// The first instant of an absence that begins here.
    fn start(self, field: &str, zone: &TimeZone) -> Result<Timestamp, String> {
        match self {
            Edge::Day(date) => first_instant(zone, date),
            Edge::Clock(time) => zone.to_timestamp(time).ok(),
            Edge::Instant(instant) => Some(instant),
        }
        .ok_or_else(|| format!("`{field}` is too far away; write a date of this century"))
    }

    /// The first instant after an absence that ends here.
    fn end(self, field: &str, zone: &TimeZone) -> Result<Timestamp, String> {
        match self {
            Edge::Day(date) => Edge::Day(date.tomorrow().unwrap_or(Date::MAX)).start(field, zone),
            other => other.start(field, zone),
        }
    }
}

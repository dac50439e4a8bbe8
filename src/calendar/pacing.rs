//! Pacing: a limit spread evenly over the open time of its window, so that it isn't gone by nine in the morning.
//!
//! By an instant as large a share of the limit may be used as of the window's open time is over, and one unit more: the first is allowed at the
//! first open instant and the whole limit at the last. Hours and time off count, by the zone's real length of days; a pause doesn't, so that who
//! comes back from one may catch up.
//!
//! A limit of money is spread likewise: a lead may go when its whole price is allowed beside what was used.

use jiff::{SignedDuration, Timestamp};

use super::availability::Availability;
use super::window::{Per, Window};

/// Says whether limits of this kind can be paced.
///
/// # Errors
///
/// For a total, which has no end to spread towards.
pub fn can_pace(per: Per) -> Result<(), String> {
    match per {
        Per::Hour | Per::Day | Per::Week | Per::Month => Ok(()),
        Per::Total => {
            Err("a total can't be paced, because it has no end; leave the pacing out, or limit it per Day, Week or Month".to_owned())
        }
    }
}

/// The open time of one window, laid out. Making it costs an evaluation of the hours for each day of the window; asking it afterwards is
/// a binary search. Good as long as window and availability stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTime {
    spans: Vec<Span>,
    /// Nanoseconds of all spans.
    total: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: Timestamp,
    end: Timestamp,
    /// Open nanoseconds of the window before this span.
    before: i128,
}

impl OpenTime {
    /// Lays out a window. One that has no end has no open time to speak of, and paces nothing: everything is allowed in it.
    pub fn of(window: &Window, availability: &Availability) -> Option<OpenTime> {
        let end = window.end?;
        let mut total = 0;
        let span = |(start, end): (Timestamp, Timestamp)| {
            let span = Span { start, end, before: total };
            total += end.as_nanosecond() - start.as_nanosecond();
            span
        };
        let spans = availability.open_spans(window.start, end).into_iter().map(span).collect();
        Some(OpenTime { spans, total })
    }

    /// How long the window is open in all.
    pub fn total(&self) -> SignedDuration {
        SignedDuration::from_nanos_i128(self.total)
    }

    /// Open nanoseconds until `now`; nothing before the first open instant.
    fn elapsed(&self, now: Timestamp) -> Option<i128> {
        let begun = self.spans.partition_point(|span| span.start <= now);
        let last = self.spans[..begun].last()?;
        Some(last.before + now.min(last.end).as_nanosecond() - last.start.as_nanosecond())
    }

    /// How much of `limit` may be used by `now`: never less than at an earlier instant of the window, never more than the limit.
    pub fn allowed(&self, limit: i64, now: Timestamp) -> i64 {
        let limit = limit.max(0);
        let Some(elapsed) = self.elapsed(now) else { return 0 };
        let share = elapsed * i128::from(limit) / self.total.max(1) + 1;
        i64::try_from(share).unwrap_or(i64::MAX).min(limit)
    }

    /// The first instant from `now` on at which more than `used` is allowed. Nothing when the window never allows that.
    pub fn next_allowed(&self, limit: i64, used: i64, now: Timestamp) -> Option<Timestamp> {
        let used = used.max(0);
        if used >= limit {
            return None;
        }
        // More than `used` is allowed when used/limit of the open time is over; rounded up, as nothing is allowed a moment early.
        let wanted = (i128::from(used) * self.total + i128::from(limit) - 1) / i128::from(limit);
        let span = self.spans.get(self.spans.partition_point(|span| span.before < wanted).saturating_sub(1))?;
        let at = span.start.as_nanosecond() + (wanted - span.before);
        Timestamp::from_nanosecond(at).ok().map(|at| at.max(now))
    }

    /// The share of the open time that is over by `now`, from 0 to 1; 0 where the window is never open.
    pub fn elapsed_share(&self, now: Timestamp) -> f64 {
        match self.elapsed(now) {
            Some(elapsed) if self.total > 0 => elapsed as f64 / self.total as f64,
            _ => 0.0,
        }
    }
}

/// How much of a limit may be used by `now`. See [`OpenTime::allowed`], which is to be kept where this is asked often.
pub fn allowed(limit: i64, window: &Window, availability: &Availability, now: Timestamp) -> i64 {
    OpenTime::of(window, availability).map_or(limit.max(0), |open| open.allowed(limit, now))
}

/// When more than `used` will be allowed. See [`OpenTime::next_allowed`].
pub fn next_allowed(limit: i64, used: i64, window: &Window, availability: &Availability, now: Timestamp) -> Option<Timestamp> {
    match OpenTime::of(window, availability) {
        Some(open) => open.next_allowed(limit, used, now),
        None => (used < limit).then_some(now),
    }
}

/// The share of a window's open time that is over. See [`OpenTime::elapsed_share`].
pub fn elapsed_share(window: &Window, availability: &Availability, now: Timestamp) -> f64 {
    OpenTime::of(window, availability).map_or(0.0, |open| open.elapsed_share(now))
}

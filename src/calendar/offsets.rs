//! Where a zone's clock jumps. Between two jumps civil time runs as evenly as time itself, so whatever is right there is right.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

/// A stretch of time with one offset from UTC: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub start: Timestamp,
    /// Exclusive.
    pub end: Timestamp,
    pub offset: Offset,
}

/// The pieces of `from..to`, in order and without holes. Changes of a zone's abbreviation alone make no new piece.
pub fn pieces(zone: &TimeZone, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Piece> {
    let mut start = from;
    let mut jumps = zone.following(from).map(|transition| (transition.timestamp(), transition.offset()));
    let mut next_offset = zone.to_offset(from);
    std::iter::from_fn(move || {
        if start >= to {
            return None;
        }
        let offset = next_offset;
        let (end, after) = jumps.by_ref().take_while(|(at, _)| *at < to).find(|(_, after)| *after != offset).unwrap_or((to, offset));
        let piece = Piece { start, end, offset };
        (start, next_offset) = (end, after);
        Some(piece)
    })
}

/// The last jump at or before `now`: the instant, by which `now`'s offset holds.
pub fn last_jump(zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let offset = zone.to_offset(now);
    let upto = now.checked_add(NANOSECOND).unwrap_or(now);
    let before = |at: Timestamp| at.checked_sub(NANOSECOND).map_or(offset, |at| zone.to_offset(at));
    zone.preceding(upto).map(|transition| transition.timestamp()).find(|at| before(*at) != offset)
}

/// The next jump after `now`.
pub fn next_jump(zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let offset = zone.to_offset(now);
    zone.following(now).find(|transition| transition.offset() != offset).map(|transition| transition.timestamp())
}

/// The first instant whose civil date is `date` or later. That is midnight, except where the clock jumps over midnight or over the whole
/// day (then the instant of the jump), or meets it twice (then the first). Nothing for dates that no timestamp reaches.
pub fn first_instant(zone: &TimeZone, date: Date) -> Option<Timestamp> {
    let midnight = zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight()));
    let gap = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
    // Of two midnights the first, and in a gap the instant at which the old clock would have shown midnight: the jump is just before it.
    let instant = midnight.compatible().ok()?;
    if gap { last_jump(zone, instant).or(Some(instant)) } else { Some(instant) }
}

//! The calendar windows of caps, on the recipient's own clock.
//!
//! Windows of one kind tile time: each instant is in exactly one. A day begins at the first instant that has its date, also where the clock
//! jumps over midnight, and ends where the next day begins. Where a clock goes back over midnight, the repeated last hour of
//! the old date belongs to the new day, which has begun already: a window that ended doesn't come back. A date that a zone skipped has no
//! window. Weeks and months are made of days.
//!
//! An hour is what one clock reading of the hour covers under one offset from UTC. Where the clock goes back, the repeated hour is a window of
//! its own; where it moves by half an hour, the hours beside the jump have 30 minutes. No hour is longer than 60 minutes.

use std::fmt::Write as _;

use jiff::civil::{Date, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::offsets::{first_instant, last_jump, next_jump};

/// How long a limit counts before it starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Per {
    Hour,
    Day,
    Week,
    Month,
    /// Never anew.
    Total,
}

/// One window: the time in which uses of a limit add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The store's key, unique among the windows of a recipient: `hour:2026-11-01T01-07:00`, `day:2026-11-22`, `week:2026-11-16` (by its
    /// first day), `month:2026-11`, `total`.
    pub label: String,
    pub start: Timestamp,
    /// The first instant of the next window. Nothing where none follows.
    pub end: Option<Timestamp>,
}

impl Window {
    /// Whether an instant is in this window.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.start <= now && self.end.is_none_or(|end| now < end)
    }

    /// A number that differs for all windows of one kind and zone and grows with time: the Unix second of the start. For maps within a
    /// process; what is stored goes by the label.
    pub fn id(&self) -> i64 {
        self.start.as_second()
    }
}

/// The window that `now` is in. `week_start` matters for weeks alone.
pub fn window(per: Per, week_start: Weekday, zone: &TimeZone, now: Timestamp) -> Window {
    match per {
        Per::Hour => hour(zone, now),
        Per::Day => {
            let day = day_of(zone, now);
            between(zone, format!("day:{day}"), day, day.tomorrow().ok())
        }
        Per::Week => {
            let day = day_of(zone, now);
            let first = day.checked_sub(i32::from(day.weekday().since(week_start)).days()).unwrap_or(Date::MIN);
            between(zone, format!("week:{first}"), first, first.checked_add(7.days()).ok())
        }
        Per::Month => {
            let first = day_of(zone, now).first_of_month();
            between(zone, format!("month:{:04}-{:02}", first.year(), first.month()), first, first.checked_add(1.month()).ok())
        }
        Per::Total => Window { label: "total".to_owned(), start: Timestamp::MIN, end: None },
    }
}

/// The day whose window an instant is in: its civil date, or the next one where that has begun before the clock went back.
fn day_of(zone: &TimeZone, now: Timestamp) -> Date {
    let date = zone.to_datetime(now).date();
    match date.tomorrow() {
        Ok(next) if first_instant(zone, next).is_some_and(|start| start <= now) => next,
        _ => date,
    }
}

fn between(zone: &TimeZone, label: String, first: Date, next: Option<Date>) -> Window {
    Window { label, start: first_instant(zone, first).unwrap_or(Timestamp::MIN), end: next.and_then(|next| first_instant(zone, next)) }
}

fn hour(zone: &TimeZone, now: Timestamp) -> Window {
    let offset = zone.to_offset(now);
    let here = offset.to_datetime(now);
    let past = SignedDuration::from_secs(i64::from(here.minute()) * 60 + i64::from(here.second()))
        + SignedDuration::from_nanos(i64::from(here.subsec_nanosecond()));
    let mut start = now.checked_sub(past).unwrap_or(Timestamp::MIN);
    let mut end = start.checked_add(SignedDuration::from_hours(1)).ok();
    if zone.to_offset(start) != offset {
        start = last_jump(zone, now).map_or(start, |jump| jump.max(start));
    }
    if end.is_some_and(|end| zone.to_offset(end) != offset) {
        end = end.map(|end| next_jump(zone, now).map_or(end, |jump| jump.min(end)));
    }
    Window { label: format!("hour:{}T{:02}{}", here.date(), here.hour(), written(offset)), start, end }
}

/// An offset as in `-07:00`; with seconds where it has some.
fn written(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, whole) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let mut text = format!("{sign}{:02}:{:02}", whole / 3600, whole / 60 % 60);
    if whole % 60 != 0 {
        // Writing to a string can't fail.
        let _ = write!(text, ":{:02}", whole % 60);
    }
    text
}

/// The window that was asked for last, kept: as long as it lasts, asking costs two comparisons and allocates nothing.
#[derive(Clone, Debug)]
pub struct WindowClock {
    per: Per,
    week_start: Weekday,
    zone: TimeZone,
    current: Window,
}

impl WindowClock {
    pub fn new(per: Per, week_start: Weekday, zone: TimeZone, now: Timestamp) -> Self {
        let current = window(per, week_start, &zone, now);
        Self { per, week_start, zone, current }
    }

    /// The window that was computed last.
    pub fn current(&self) -> &Window {
        &self.current
    }

    /// The window that `now` is in.
    pub fn at(&mut self, now: Timestamp) -> &Window {
        if !self.current.contains(now) {
            self.current = window(self.per, self.week_start, &self.zone, now);
        }
        &self.current
    }
}

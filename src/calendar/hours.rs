//! Opening hours in the syntax of OpenStreetMap, with the public holidays of a country.
//!
//! Hours are civil: a recipient who works from 09:00 does so by the clock on the wall. An instant is open when the wall shows an open time, so
//! an hour that clocks repeat is open twice and one that they skip is not there.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::NaiveDate;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use opening_hours::{OpeningHours, RuleKind};

use super::{hours_text, offsets};

/// How far [`Hours::next_change`] looks ahead. Over a year, so that a date that comes once a year is found.
pub const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Opening hours, compiled. Cheap to clone; equal when text and country are.
#[derive(Clone)]
pub struct Hours {
    source: Arc<Source>,
    rules: OpeningHours,
    /// Open always or never, by the look of it: no need to search for a change.
    constant: bool,
}

#[derive(PartialEq, Eq)]
struct Source {
    text: String,
    country: String,
}

impl Hours {
    /// Compiles a text such as `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`. `country` is the two-letter code whose public holidays `PH`
    /// means; without one it is the United States.
    ///
    /// # Errors
    ///
    /// One plain sentence: where, what is wrong, and what would be right.
    pub fn compile(text: &str, country: Option<&str>) -> Result<Hours, String> {
        let country = country.unwrap_or(hours_text::DEFAULT_COUNTRY);
        let rules = hours_text::compile(text, country)?;
        let constant = rules.get_expression().is_constant();
        Ok(Hours { source: Arc::new(Source { text: text.to_owned(), country: country.to_owned() }), rules, constant })
    }

    /// Whether these are clones of one another.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    /// Whether nobody has a clone of these.
    pub fn is_last(&self) -> bool {
        Arc::strong_count(&self.source) == 1
    }

    /// The text that was compiled.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The country whose public holidays count.
    pub fn country(&self) -> &str {
        &self.source.country
    }

    /// Whether it is open.
    pub fn is_open(&self, zone: &TimeZone, now: Timestamp) -> bool {
        let here = zone.to_datetime(now);
        let minute = u16::from(here.hour().unsigned_abs()) * 60 + u16::from(here.minute().unsigned_abs());
        self.day(here.date()).any(|(from, to)| (from..to).contains(&minute))
    }

    /// The first instant after `now` at which [`Hours::is_open`] answers differently; nothing when that is more than [`LOOK_AHEAD`] away.
    pub fn next_change(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        if self.constant {
            return None;
        }
        let horizon = now.checked_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
        let mut closes = None;
        let opens = self.walk(zone, now, horizon, |start, end| {
            if start == now || closes == Some(start) {
                closes = Some(end);
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(start)
            }
        });
        let change = closes.or(opens.break_value())?;
        (change < horizon).then_some(change)
    }

    /// Whether nobody would ever be served: no open instant within [`LOOK_AHEAD`].
    pub fn never_open(&self, zone: &TimeZone, now: Timestamp) -> bool {
        let horizon = now.checked_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
        self.walk(zone, now, horizon, |_, _| ControlFlow::Break(())).is_continue()
    }

    /// Visits the open spans of `from..to` in order, cut to it. Spans that touch (at midnight, at a jump) may come one by one.
    pub(super) fn walk<B>(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        to: Timestamp,
        mut visit: impl FnMut(Timestamp, Timestamp) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for piece in offsets::pieces(zone, from, to) {
            let mut date = piece.offset.to_datetime(piece.start).date();
            while let Some(midnight) = midnight(date, piece.offset) {
                if midnight >= piece.end {
                    break;
                }
                for (start, end) in self.day(date) {
                    let at = |minute: u16| midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).unwrap_or(Timestamp::MAX);
                    let (start, end) = (at(start).max(piece.start), at(end).min(piece.end));
                    if start < end {
                        visit(start, end)?;
                    }
                }
                let Ok(next) = date.tomorrow() else { break };
                date = next;
            }
        }
        ControlFlow::Continue(())
    }

    /// The open spans of a civil date in minutes from midnight, in order.
    fn day(&self, date: Date) -> impl Iterator<Item = (u16, u16)> {
        let date = NaiveDate::from_ymd_opt(date.year().into(), date.month().unsigned_abs().into(), date.day().unsigned_abs().into());
        let ranges = date.map(|date| self.rules.schedule_at(date).into_iter()).into_iter().flatten();
        ranges
            .filter(|range| range.kind == RuleKind::Open)
            .map(|range| (range.range.start.mins_from_midnight(), range.range.end.mins_from_midnight().min(24 * 60)))
    }
}

/// When a clock with this offset shows a date's midnight. Also where the zone has another offset by then.
fn midnight(date: Date, offset: Offset) -> Option<Timestamp> {
    offset.to_timestamp(date.to_datetime(Time::midnight())).ok()
}

impl PartialEq for Hours {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Hours {}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hours({:?}, {})", self.source.text, self.source.country)
    }
}

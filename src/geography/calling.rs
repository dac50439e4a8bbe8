//! Whether a lead may be called now.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use super::hours::{QuietHours, quiet_hours};
use super::location::Location;

/// How many days ahead an hour is looked for: past any row of Sundays and holidays.
const DAYS: usize = 15;

/// The program's own copy of the time zone database, so that an answer does not depend on the machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether a call may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calling {
    Open,
    /// Not before `until`, the first instant that every law allows in every place where the lead may be.
    Quiet {
        until: Timestamp,
    },
    /// At no time in the next two weeks: the places where the lead may be have no hour in common.
    Never,
}

/// Whether a lead may be called at `now`: inside the hours of federal law and of each of its states, in each of its zones.
pub fn calling(location: &Location<'_>, now: Timestamp) -> Calling {
    first_open(quiet_hours(), &location.zones(), &location.states(), now)
        .map_or(Calling::Never, |open| if open == now { Calling::Open } else { Calling::Quiet { until: open } })
}

/// The first instant at or after `now` that is open in every zone. What is closed in one zone until some instant is closed in all until then, so each step
/// leaps there, and none leaps over an open instant.
fn first_open(hours: &QuietHours, zones: &[&str], states: &[&str], now: Timestamp) -> Option<Timestamp> {
    let last = now.checked_add(DAYS as i64 * 24.hours()).ok()?;
    let zones: Vec<_> = zones.iter().map(|name| ZONES.get(name)).collect::<Result<_, _>>().ok()?;
    let mut at = now;
    while at <= last {
        let mut next = at;
        for zone in &zones {
            next = next.max(opening(hours, zone, states, at)?);
        }
        if next == at {
            return Some(at);
        }
        at = next;
    }
    None
}

/// When the window opens, or opened, that is the first in one zone to close after `from`.
fn opening(hours: &QuietHours, zone: &TimeZone, states: &[&str], from: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(from).date();
    today.series(1.day()).take(DAYS).find_map(|day| {
        let (opens, closes) = hours.on(day, states).times()?;
        let instant = |time| zone.to_timestamp(day.to_datetime(time)).ok();
        if from < instant(closes)? { instant(opens) } else { None }
    })
}

#[cfg(test)]
mod tests;

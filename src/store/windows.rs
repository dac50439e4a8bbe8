//! Which windows of caps are over. Their use is of no more interest then: it is left out of answers, and forgotten bit by bit.

use jiff::{SignedDuration, Timestamp};

use super::words::later;
use super::{Result, Used};

/// Days, weeks and months whose name is this old are over for every time zone.
const CALENDAR_LIFE: SignedDuration = SignedDuration::from_hours(62 * 24);
/// Hours this old are over for every time zone.
const HOUR_LIFE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How many windows that are over one transaction forgets.
pub(super) const FORGET: i64 = 1_000;

/// The windows that are long over at `now`, as ranges of names: from the first on, and before the second. All others are current.
pub(super) fn over(now: Timestamp) -> [(&'static str, String); 4] {
    let (calendar, hour) = (later(now, -CALENDAR_LIFE).to_string(), later(now, -HOUR_LIFE).to_string());
    [
        ("day:", format!("day:{}", &calendar[..10])),
        ("hour:", format!("hour:{}", &hour[..13])),
        ("month:", format!("month:{}", &calendar[..7])),
        ("week:", format!("week:{}", &calendar[..10])),
    ]
}

/// What is used of current windows, and whether windows that are over are still there.
pub(super) type Current = (Vec<Used>, bool);

/// Leaves out windows that are over, and places that were all given back.
pub(super) fn current(mut used: Vec<Used>, now: Timestamp) -> Current {
    let over = over(now);
    let all = used.len();
    used.retain(|used| is_current(&used.window, &over));
    let some_over = used.len() < all;
    used.retain(|used| used.count > 0);
    (used, some_over)
}

/// Forgetting can wait until the next time.
pub(super) fn forgotten(done: Result<()>) {
    if let Err(error) = done {
        tracing::warn!(error = %error, "windows of caps that are over were not forgotten");
    }
}

/// Whether a window is not long over, by the ranges of [`over`].
pub(super) fn is_current(window: &str, over: &[(&str, String)]) -> bool {
    !over.iter().any(|(from, before)| window >= *from && window < before.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(window: &str) -> bool {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        is_current(window, &over(now))
    }

    #[test]
    fn days_weeks_and_months_are_over_after_sixty_two_days_and_hours_after_three() {
        for window in
            ["day:2026-11-22", "day:2026-09-21", "week:2026-11-16", "week:2026-09-21", "month:2026-09", "hour:2026-11-19T00-07:00"]
        {
            assert!(current(window) && current(&format!("{window}/spend")), "{window}");
        }
        for window in ["day:2026-09-20", "week:2026-09-20", "month:2026-08", "hour:2026-11-18T23+14:00"] {
            assert!(!current(window) && !current(&format!("{window}/sent-spend")), "{window}");
        }
    }

    #[test]
    fn what_has_no_date_is_never_over() {
        for window in ["open", "open/weight", "total", "total/spend", "another"] {
            assert!(current(window), "{window}");
        }
    }
}

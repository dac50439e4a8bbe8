//! A limit spread over open time.

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::given::{at, hours, recipients, zone};
use crate::calendar::pacing::{OpenTime, allowed, can_pace, elapsed_share, next_allowed};
use crate::calendar::{Availability, Per, TimeOff, Window, window};

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

fn day(someone: &Availability, now: &str) -> Window {
    window(Per::Day, Weekday::Monday, &someone.zone, at(now))
}

#[test]
fn ten_leads_over_a_day_of_ten_hours_are_one_an_hour() {
    let someone = Availability { hours: Some(hours("Mo-Fr 08:00-13:00,14:00-19:00")), ..Availability::always(zone("UTC")) };
    let today = day(&someone, "2026-11-23T12:00:00Z");
    let by = |clock: &str| allowed(10, &today, &someone, at(&format!("2026-11-23T{clock}Z")));
    let steps = [
        "00:00:00", "07:59:59", "08:00:00", "08:59:59", "09:00:00", "12:59:59", "13:00:00", "13:59:59", "14:59:59", "15:00:00", "18:00:00",
        "23:00:00",
    ];
    assert_eq!(steps.map(by), [0, 0, 1, 1, 2, 5, 6, 6, 6, 7, 10, 10]);
    let after = |used, clock: &str| next_allowed(10, used, &today, &someone, at(&format!("2026-11-23T{clock}Z")));
    assert_eq!(after(0, "03:00:00"), Some(at("2026-11-23T08:00:00Z")));
    assert_eq!(after(3, "03:00:00"), Some(at("2026-11-23T11:00:00Z")));
    assert_eq!(after(3, "12:30:00"), Some(at("2026-11-23T12:30:00Z")));
    assert_eq!(after(10, "12:30:00"), None);
    assert!((elapsed_share(&today, &someone, at("2026-11-23T13:30:00Z")) - 0.5).abs() < 1e-12);
}

#[test]
fn time_off_and_short_days_are_no_open_time() {
    let here = zone("America/Los_Angeles");
    let mut someone = Availability::always(here.clone());
    // 23 hours: half of them are over at 12:30 by the clock, 19:30 UTC.
    let short = day(&someone, "2026-03-08T20:00:00Z");
    assert_eq!(OpenTime::of(&short, &someone).unwrap().total(), SignedDuration::from_hours(23));
    assert_eq!(elapsed_share(&short, &someone, at("2026-03-08T19:30:00Z")), 0.5);
    someone.time_off = vec![TimeOff::read("2026-03-08T12:30", "2026-03-09", None, &here).unwrap()];
    assert_eq!(elapsed_share(&short, &someone, at("2026-03-08T19:30:00Z")), 1.0);
    assert_eq!(allowed(10, &short, &someone, at("2026-03-08T08:00:00Z")), 1);
}

#[test]
fn a_window_without_open_time_allows_nothing() {
    let someone = Availability { hours: Some(hours("Mo-Fr 08:00-13:00")), ..Availability::always(zone("UTC")) };
    let sunday = day(&someone, "2026-11-22T12:00:00Z");
    assert_eq!(allowed(10, &sunday, &someone, at("2026-11-22T12:00:00Z")), 0);
    assert_eq!(next_allowed(10, 0, &sunday, &someone, at("2026-11-22T12:00:00Z")), None);
    assert_eq!(elapsed_share(&sunday, &someone, at("2026-11-22T12:00:00Z")), 0.0);
}

#[test]
fn a_total_cant_be_paced() {
    assert!(can_pace(Per::Total).unwrap_err().starts_with("a total can't be paced, because it has no end"));
    assert!([Per::Hour, Per::Day, Per::Week, Per::Month].into_iter().all(|per| can_pace(per).is_ok()));
    let someone = Availability::always(zone("UTC"));
    let total = window(Per::Total, Weekday::Monday, &someone.zone, at("2026-11-22T12:00:00Z"));
    assert_eq!(allowed(10, &total, &someone, at("2026-11-22T12:00:00Z")), 10);
    assert_eq!(next_allowed(10, 9, &total, &someone, at("2026-11-22T12:00:00Z")), Some(at("2026-11-22T12:00:00Z")));
    assert_eq!(next_allowed(10, 10, &total, &someone, at("2026-11-22T12:00:00Z")), None);
}

/// An instant of a window, at a part of its length.
fn within(window: &Window, part: f64) -> Timestamp {
    let end = window.end.unwrap();
    (window.start + end.duration_since(window.start).mul_f64(part)).min(end - NANOSECOND)
}

proptest! {
    #[test]
    fn a_limit_is_paced_from_one_at_the_first_open_instant_to_all_of_it_at_the_last(
        (someone, now) in recipients(), per in 0..4_usize, limit in 1..100_000_000_i64, mut parts in prop::collection::vec(0.0..1.0_f64, 12),
    ) {
        let window = window([Per::Hour, Per::Day, Per::Week, Per::Month][per], Weekday::Monday, &someone.zone, now);
        let open = OpenTime::of(&window, &someone).unwrap();
        let spans = someone.open_spans(window.start, window.end.unwrap());
        let (Some((first, _)), Some((_, last))) = (spans.first().copied(), spans.last().copied()) else {
            prop_assert_eq!(open.allowed(limit, now), 0);
            return Ok(());
        };
        prop_assert!(someone.is_here(first) && someone.is_here(last - NANOSECOND));
        prop_assert_eq!(open.allowed(limit, first), 1);
        prop_assert_eq!(open.allowed(limit, first - NANOSECOND), 0);
        prop_assert_eq!(open.allowed(limit, last - NANOSECOND), limit);
        parts.sort_by(f64::total_cmp);
        let mut before = (0, 0.0);
        for then in parts.into_iter().map(|part| within(&window, part)) {
            let (so_far, share) = (open.allowed(limit, then), open.elapsed_share(then));
            prop_assert!(before.0 <= so_far && so_far <= limit && before.1 <= share && share <= 1.0);
            prop_assert!((so_far as f64 - (share * limit as f64)).abs() <= 1.0 + 1e-6 * limit as f64);
            before = (so_far, share);
        }
    }

    #[test]
    fn one_more_is_allowed_when_it_was_told_and_not_a_moment_earlier(
        (someone, now) in recipients(), per in 0..4_usize, limit in 1..2_000_i64, used in 0..2_000_i64,
    ) {
        let window = window([Per::Hour, Per::Day, Per::Week, Per::Month][per], Weekday::Monday, &someone.zone, now);
        let open = OpenTime::of(&window, &someone).unwrap();
        match open.next_allowed(limit, used, now) {
            Some(then) => {
                prop_assert!(then >= now && open.allowed(limit, then) > used);
                prop_assert!(then == now || open.allowed(limit, then - NANOSECOND) <= used);
            }
            None => prop_assert!(used >= limit || open.total().is_zero()),
        }
    }

    /// Spans of open time are where somebody is here, and nowhere else.
    #[test]
    fn open_time_is_when_somebody_is_here((someone, now) in recipients(), parts in prop::collection::vec(0.0..1.0_f64, 40)) {
        let window = window(Per::Week, Weekday::Monday, &someone.zone, now);
        let spans = someone.open_spans(window.start, window.end.unwrap());
        prop_assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
        for then in parts.into_iter().map(|part| within(&window, part)) {
            prop_assert_eq!(spans.iter().any(|(start, end)| (*start..*end).contains(&then)), someone.is_here(then), "at {}", then);
        }
    }
}

//! Windows: their names, their bounds, and that they tile time.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::given::{HARD, at, jumps, moments, zone};
use crate::calendar::window::{Per, Window, WindowClock, window};

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);
const ALL: [Per; 5] = [Per::Hour, Per::Day, Per::Week, Per::Month, Per::Total];

fn of(per: Per, zone_name: &str, now: &str) -> Window {
    window(per, Weekday::Monday, &zone(zone_name), at(now))
}

#[test]
fn a_window_is_named_by_what_the_recipients_clock_shows() {
    let named = |per, now| of(per, "America/Los_Angeles", now).label;
    assert_eq!(named(Per::Hour, "2026-12-01T07:30:00Z"), "hour:2026-11-30T23-08:00");
    assert_eq!(named(Per::Day, "2026-12-01T07:30:00Z"), "day:2026-11-30");
    assert_eq!(named(Per::Week, "2026-12-06T07:30:00Z"), "week:2026-11-30");
    assert_eq!(named(Per::Month, "2026-12-01T07:30:00Z"), "month:2026-11");
    assert_eq!(named(Per::Total, "2026-12-01T07:30:00Z"), "total");
    let sundays = window(Per::Week, Weekday::Sunday, &zone("America/Los_Angeles"), at("2026-12-06T07:30:00Z"));
    assert_eq!(sundays.label, "week:2026-11-29");
}

#[test]
fn the_hour_that_clocks_repeat_is_two_windows() {
    let (first, second) =
        (of(Per::Hour, "America/Los_Angeles", "2026-11-01T08:59:59Z"), of(Per::Hour, "America/Los_Angeles", "2026-11-01T09:00:00Z"));
    assert_eq!((&*first.label, &*second.label), ("hour:2026-11-01T01-07:00", "hour:2026-11-01T01-08:00"));
    assert_eq!((first.end, second.start), (Some(second.start), at("2026-11-01T09:00:00Z")));
}

/// Zone, an instant, and the start and end of its window: worked out by hand from the transitions of the zones.
#[test]
fn windows_begin_and_end_where_clocks_jump() {
    for (per, zone_name, now, start, end) in [
        // 23 hours, 25 hours.
        (Per::Day, "America/Los_Angeles", "2026-03-08T20:00:00Z", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"),
        (Per::Day, "America/Los_Angeles", "2026-11-01T20:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"),
        // No midnight: the day begins at 01:00.
        (Per::Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        (Per::Day, "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        (Per::Day, "Asia/Beirut", "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        (Per::Day, "America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        // On at 23:30: the new day begins at 00:30.
        (Per::Day, "America/Toronto", "1919-03-31T04:45:00Z", "1919-03-31T04:30:00Z", "1919-04-01T04:00:00Z"),
        // 30 December 2011 was skipped.
        (Per::Day, "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        (Per::Day, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        (Per::Week, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"),
        (Per::Month, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"),
        // Back by half an hour at 02:00: an hour of 60 minutes, then the half hour repeated.
        (Per::Hour, "Australia/Lord_Howe", "2026-04-04T14:40:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z"),
        (Per::Hour, "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"),
        // On by half an hour at 02:00: the hour of two has its second half only.
        (Per::Hour, "Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"),
        (Per::Hour, "Asia/Kolkata", "2026-10-03T15:40:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:30:00Z"),
        (Per::Day, "Asia/Kathmandu", "2026-10-03T15:40:00Z", "2026-10-02T18:15:00Z", "2026-10-03T18:15:00Z"),
        // Back over midnight at 00:01: the new day began a minute ago and goes on through the repeated hour.
        (Per::Day, "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"),
        (Per::Day, "America/St_Johns", "2010-11-07T02:29:59Z", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z"),
        (Per::Hour, "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z"),
        (Per::Month, "America/New_York", "2026-10-31T12:00:00Z", "2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z"),
    ] {
        let found = of(per, zone_name, now);
        assert_eq!((found.start, found.end), (at(start), Some(at(end))), "{per:?} of {zone_name} at {now}: {}", found.label);
    }
}

#[test]
fn a_total_never_ends() {
    let total = of(Per::Total, "UTC", "2026-11-22T00:00:00Z");
    assert!(total.end.is_none() && total.contains(Timestamp::MIN) && total.contains(Timestamp::MAX));
}

/// The window of an instant has it, is the same from its first instant to its last, and is followed by another that begins where it ends.
fn tiles(per: Per, week_start: Weekday, zone: &TimeZone, now: Timestamp) {
    let name = zone.iana_name().unwrap_or_default();
    let here = window(per, week_start, zone, now);
    assert!(here.contains(now), "{name} {now} is not in {here:?}");
    assert_eq!(window(per, week_start, zone, here.start), here, "{name} at the start");
    if let Some(end) = here.end {
        assert_eq!(window(per, week_start, zone, end - NANOSECOND), here, "{name} at the end");
        let next = window(per, week_start, zone, end);
        assert_eq!(next.start, end, "{name} {here:?} {next:?}");
        assert!(next.label != here.label && next.id() > here.id(), "{name} {here:?} {next:?}");
        let before = window(per, week_start, zone, here.start - NANOSECOND);
        assert_eq!(before.end, Some(here.start), "{name} {before:?} {here:?}");
        assert!(before.label != here.label, "{name} {here:?} twice");
    }
}

#[test]
fn windows_tile_time_at_every_jump_of_every_zone_from_2007_to_2037() {
    let mut seen = 0;
    for name in jiff::tz::db().available() {
        let zone = zone(name.as_str());
        for jump in jumps(&zone) {
            seen += 1;
            for per in ALL {
                tiles(per, Weekday::Monday, &zone, jump - NANOSECOND);
                tiles(per, Weekday::Sunday, &zone, jump);
            }
        }
    }
    assert!(seen > 5_000, "only {seen} jumps were looked at");
}

proptest! {
    #[test]
    fn windows_tile_time_near_jumps_and_far_from_them((zone, now) in moments(), per in 0..5_usize, first in 1..=7_i8) {
        tiles(ALL[per], Weekday::from_monday_one_offset(first).unwrap(), &zone, now);
    }

    #[test]
    fn windows_tile_time_on_local_mean_time_too(name in 0..HARD.len(), second in -4_000_000_000..4_000_000_000_i64, per in 0..5_usize) {
        tiles(ALL[per], Weekday::Monday, &zone(HARD[name]), Timestamp::from_second(second).unwrap());
    }

    #[test]
    fn a_window_that_was_kept_is_the_one_that_would_be_computed((zone, now) in moments(), steps in prop::collection::vec(-90_000..90_000_i64, 1..20), per in 0..5_usize) {
        let mut clock = WindowClock::new(ALL[per], Weekday::Monday, zone.clone(), now);
        let mut then = now;
        for step in steps {
            then += SignedDuration::from_secs(step);
            prop_assert_eq!(clock.at(then), &window(ALL[per], Weekday::Monday, &zone, then));
            prop_assert!(clock.current().contains(then));
        }
    }
}

#[test]
fn the_ends_of_time_are_in_windows() {
    for per in ALL {
        for now in [Timestamp::MIN, Timestamp::MAX] {
            for name in HARD {
                assert!(window(per, Weekday::Monday, &zone(name), now).contains(now), "{per:?} of {name} at {now}");
            }
        }
    }
}

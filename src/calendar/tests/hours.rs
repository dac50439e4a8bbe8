//! Open or closed, and until when, where clocks jump.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::given::{TEXTS, at, hours, moments, zone};

#[test]
fn hours_go_by_the_recipients_clock() {
    let office = hours("Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off");
    let here = zone("America/New_York");
    // A Monday in winter, a Monday in summer.
    assert!(!office.is_open(&here, at("2026-11-23T13:59:59Z")) && office.is_open(&here, at("2026-11-23T14:00:00Z")));
    assert!(office.is_open(&here, at("2026-07-06T13:00:00Z")) && !office.is_open(&here, at("2026-07-06T22:00:00Z")));
    assert_eq!(office.next_change(&here, at("2026-11-23T15:00:00Z")), Some(at("2026-11-23T23:00:00Z")));
    // From Wednesday evening over Thanksgiving to Friday.
    assert_eq!(office.next_change(&here, at("2026-11-25T23:00:00Z")), Some(at("2026-11-27T14:00:00Z")));
}

#[test]
fn an_hour_that_is_skipped_is_not_there_and_one_that_is_repeated_is_there_twice() {
    let night = hours("01:30-02:30");
    let here = zone("America/Los_Angeles");
    // 02:00 is 03:00 on 8 March: half an hour is left.
    assert_eq!(night.next_change(&here, at("2026-03-08T09:30:00Z")), Some(at("2026-03-08T10:00:00Z")));
    // 02:00 is 01:00 again on 1 November: 01:30 to 02:00, closed until 01:30 comes back, and then to 02:30.
    let changes = ["2026-11-01T08:30:00Z", "2026-11-01T09:00:00Z", "2026-11-01T09:30:00Z", "2026-11-01T10:30:00Z"].map(at);
    for pair in changes.windows(2) {
        assert_eq!(night.next_change(&here, pair[0]), Some(pair[1]));
    }
    // Open across the jump: one span.
    let open = hours("00:30-03:30");
    assert_eq!(open.next_change(&here, at("2026-11-01T08:00:00Z")), Some(at("2026-11-01T11:30:00Z")));
}

#[test]
fn what_never_opens_within_a_year_is_told() {
    let here = zone("UTC");
    let now = at("2026-11-22T00:00:00Z");
    assert!(hours("2020 Mo-Fr 09:00-18:00").never_open(&here, now));
    assert!(hours("Mo-Fr 00:00-24:00; Mo-Fr off").never_open(&here, now));
    assert!(!hours("Nov 21 09:00-18:00").never_open(&here, now));
    assert_eq!(hours("24/7").next_change(&here, now), None);
    assert_eq!(hours("Mo-Su 00:00-24:00").next_change(&here, now), None);
    assert_eq!(hours("Nov 21 09:00-18:00").next_change(&here, now), Some(at("2027-11-21T09:00:00Z")));
}

#[test]
fn the_ends_of_time_have_hours_too() {
    for text in TEXTS {
        for now in [Timestamp::MIN, Timestamp::MAX, at("1899-12-31T23:00:00Z"), at("-009000-01-01T00:00:00Z")] {
            let _ = (hours(text).is_open(&zone("Pacific/Apia"), now), hours(text).next_change(&zone("Pacific/Apia"), now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Asked minute by minute, nothing changes before the change that was told, and at it something does.
    #[test]
    fn the_next_change_is_the_first_minute_that_differs((zone, now) in moments(), text in 0..TEXTS.len()) {
        let hours = hours(TEXTS[text]);
        let open = hours.is_open(&zone, now);
        let change = hours.next_change(&zone, now);
        // Hours change on whole minutes, and so do clocks.
        let mut minute = Timestamp::from_second(now.as_second().div_euclid(60) * 60).unwrap();
        for _ in 0..4 * 24 * 60 {
            minute += SignedDuration::from_mins(1);
            if hours.is_open(&zone, minute) != open {
                break;
            }
        }
        match change {
            Some(change) if change <= minute => prop_assert_eq!(change, minute),
            _ => prop_assert_eq!(hours.is_open(&zone, minute), open),
        }
    }

    #[test]
    fn the_change_that_was_told_is_one((zone, now) in moments(), text in 0..TEXTS.len()) {
        let hours = hours(TEXTS[text]);
        if let Some(change) = hours.next_change(&zone, now) {
            prop_assert!(change > now);
            prop_assert_ne!(hours.is_open(&zone, now), hours.is_open(&zone, change));
            prop_assert_eq!(hours.is_open(&zone, now), hours.is_open(&zone, change - SignedDuration::from_nanos(1)));
        }
    }
}

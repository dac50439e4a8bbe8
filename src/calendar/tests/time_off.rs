//! Absences by days, by the clock and by instants.

use super::given::{at, zone};
use crate::calendar::TimeOff;

fn read(from: &str, to: &str, zone_name: &str) -> Result<TimeOff, String> {
    TimeOff::read(from, to, Some("mia"), &zone(zone_name))
}

#[test]
fn days_are_off_from_the_first_instant_of_the_first_to_the_last_of_the_last() {
    for (zone_name, from, to, start, end) in [
        ("America/New_York", "2026-12-24", "2026-12-26", "2026-12-24T05:00:00Z", "2026-12-27T05:00:00Z"),
        ("America/New_York", "2026-03-08", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-30", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        // By the clock: the end is the first instant back at work.
        ("America/New_York", "2026-12-24T12:00", "2026-12-26", "2026-12-24T17:00:00Z", "2026-12-27T05:00:00Z"),
        ("America/New_York", "2026-12-24T12:00", "2026-12-24T13:30:00", "2026-12-24T17:00:00Z", "2026-12-24T18:30:00Z"),
        ("America/New_York", "2026-12-24T12:00:00Z", "2026-12-24T09:00:00-08:00", "2026-12-24T12:00:00Z", "2026-12-24T17:00:00Z"),
    ] {
        let off = read(from, to, zone_name).unwrap();
        assert_eq!((off.start, off.end), (at(start), at(end)), "{from} to {to} in {zone_name}");
        assert_eq!(off.cover.as_deref(), Some("mia"));
    }
}

#[test]
fn a_day_that_a_zone_skipped_is_nobodys_day_off() {
    let off = read("2011-12-30", "2011-12-30", "Pacific/Apia").unwrap();
    assert_eq!(off.start, off.end);
    assert!(!off.contains(off.start));
}

#[test]
fn an_absence_that_cant_be_is_refused_with_its_field() {
    let told = |from, to| read(from, to, "UTC").unwrap_err();
    assert_eq!(
        told("2026-02-29", "2026-03-01"),
        "`from` ('2026-02-29') is no date; write one such as 2026-12-24, or a time such as 2026-12-24T12:00"
    );
    assert!(told("2026-03-01", "tomorrow").starts_with("`to` ('tomorrow') is no date"));
    assert_eq!(
        told("2026-03-02", "2026-03-01"),
        "`to` (2026-03-01) must be after `from` (2026-03-02); for a single day write its date for both"
    );
    assert!(told("2026-03-01T12:00", "2026-03-01T12:00").contains("must be after"));
}

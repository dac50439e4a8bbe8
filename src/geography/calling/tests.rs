use jiff::civil::{DateTime, Time};
use proptest::prelude::*;

use super::*;
use crate::geography::zones;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn in_zip(zip: &str) -> Location<'_> {
    Location { zip: Some(zip), ..Location::default() }
}

/// What is told at a time of the clock in a zone: "open", or until when it is quiet, by the same clock.
fn told(location: &Location<'_>, zone: &str, local: &str) -> String {
    let zone = ZONES.get(zone).unwrap();
    let now = zone.to_timestamp(local.parse::<DateTime>().unwrap()).unwrap();
    match calling(location, now) {
        Calling::Open => "open".to_owned(),
        Calling::Quiet { until } => zone.to_datetime(until).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Calling::Never => "never".to_owned(),
    }
}

#[test]
fn the_federal_window_is_open_from_eight_to_nine_in_the_evening_to_the_second() {
    let told = |local| told(&in_zip("90210"), "America/Los_Angeles", local);
    assert_eq!(told("2026-03-02 07:59:59"), "2026-03-02 08:00:00");
    assert_eq!(told("2026-03-02 08:00:00"), "open");
    assert_eq!(told("2026-03-02 20:59:59"), "open");
    assert_eq!(told("2026-03-02 21:00:00"), "2026-03-03 08:00:00");
    assert_eq!(told("2026-03-02 00:00:00"), "2026-03-02 08:00:00");
}

#[test]
fn a_state_s_narrower_window_is_kept() {
    let told = |local| told(&in_zip("33101"), "America/New_York", local);
    assert_eq!(told("2026-03-02 19:59"), "open");
    assert_eq!(told("2026-03-02 20:00"), "2026-03-03 08:00:00");
}

#[test]
fn sundays_and_holidays_are_passed_over() {
    let rhode_island = in_zip("02903");
    let told = |local| told(&rhode_island, "America/New_York", local);
    assert_eq!(told("2026-03-06 17:59"), "open");
    assert_eq!(told("2026-03-06 18:00"), "2026-03-07 10:00:00");
    assert_eq!(told("2026-03-07 17:00"), "2026-03-09 09:00:00");
    // Christmas 2026 is a Friday.
    assert_eq!(told("2026-12-24 18:00"), "2026-12-26 10:00:00");
    // Independence Day 2026 is a Saturday, kept on Friday; Sunday follows.
    assert_eq!(told("2026-07-02 18:00"), "2026-07-06 09:00:00");
}

#[test]
fn the_hours_are_those_of_the_clock_when_it_is_advanced_and_put_back() {
    let new_york = in_zip("10001");
    assert_eq!(calling(&new_york, at("2026-03-08T05:00Z")), Calling::Quiet { until: at("2026-03-08T12:00Z") });
    assert_eq!(calling(&new_york, at("2026-03-07T11:00Z")), Calling::Quiet { until: at("2026-03-07T13:00Z") });
    assert_eq!(calling(&new_york, at("2026-11-01T04:00Z")), Calling::Quiet { until: at("2026-11-01T13:00Z") });
    assert_eq!(calling(&new_york, at("2026-11-01T12:30Z")), Calling::Quiet { until: at("2026-11-01T13:00Z") });
    assert_eq!(calling(&new_york, at("2026-10-31T12:30Z")), Calling::Open);
}

#[test]
fn arizona_and_the_navajo_nation_part_in_summer() {
    let (phoenix, window_rock) = (in_zip("85003"), in_zip("86515"));
    assert_eq!(calling(&phoenix, at("2026-07-06T14:30Z")), Calling::Quiet { until: at("2026-07-06T15:00Z") });
    assert_eq!(calling(&window_rock, at("2026-07-06T14:30Z")), Calling::Open);
    assert_eq!(calling(&phoenix, at("2026-01-05T15:00Z")), Calling::Open);
    assert_eq!(calling(&window_rock, at("2026-01-05T15:00Z")), Calling::Open);
}

#[test]
fn who_may_be_in_two_zones_is_called_when_both_are_open() {
    let knoxville_or_memphis = Location { state: Some("TN"), ..Location::default() };
    let told = |local| told(&knoxville_or_memphis, "America/New_York", local);
    assert_eq!(told("2026-03-02 08:59"), "2026-03-02 09:00:00");
    assert_eq!(told("2026-03-02 20:59"), "open");
    assert_eq!(told("2026-03-02 21:00"), "2026-03-03 09:00:00");
}

#[test]
fn who_may_be_anywhere_is_called_when_the_whole_continent_is_open() {
    let told = |local| told(&Location::default(), "America/New_York", local);
    assert_eq!(told("2026-03-02 10:59"), "2026-03-02 11:00:00");
    assert_eq!(told("2026-03-02 11:00"), "open");
    assert_eq!(told("2026-03-02 21:00"), "2026-03-03 11:00:00");
}

#[test]
fn places_without_a_common_hour_are_never_called() {
    // Nine to six in Rhode Island is the night in Guam.
    let torn = Location { phone: Some("+16715550123"), state: Some("RI"), zip: None };
    assert_eq!(calling(&torn, at("2026-03-02T15:00Z")), Calling::Never);
}

#[test]
fn every_zone_of_the_tables_is_in_the_time_zone_database() {
    let states = ["AK", "AS", "AZ", "CA", "GU", "HI", "PR", "NY", "TX"].map(Some);
    let codes = (200..1000).map(|code| format!("+1{code}5550123"));
    let by_code = codes.flat_map(|phone| zones(None, Some(&phone), None));
    for name in by_code.chain(states.into_iter().flat_map(|state| zones(None, None, state))) {
        assert!(ZONES.get(name).is_ok(), "{name:?}");
    }
}

/// The rule said plainly, for one instant.
fn is_open(location: &Location<'_>, now: Timestamp) -> bool {
    location.zones().into_iter().all(|zone| {
        let local = now.to_zoned(ZONES.get(zone).unwrap());
        let window = quiet_hours().on(local.date(), &location.states());
        window.times().is_some_and(|(opens, closes): (Time, Time)| (opens..closes).contains(&local.time()))
    })
}

proptest! {
    #[test]
    fn until_is_the_first_open_instant(
        zip in prop::option::of(prop::sample::select(vec!["90210", "33101", "02903", "75201", "86512", "96799", "99546", "39201", "37499", "84101"])),
        phone in prop::option::of(prop::sample::select(vec!["+12125550123", "+18085550123", "+18505550123", "+16135550123", "+17095550123"])),
        state in prop::option::of(prop::sample::select(vec!["TN", "RI", "KY", "AK", "NV"])),
        second in 1_735_689_600_i64..1_830_297_600,
    ) {
        let location = Location { zip, phone, state };
        let now = Timestamp::from_second(second).unwrap();
        match calling(&location, now) {
            Calling::Open => prop_assert!(is_open(&location, now)),
            Calling::Quiet { until } => {
                prop_assert!(until > now && is_open(&location, until));
                // All windows begin and end on a quarter of an hour of any zone, so looking at each quarter misses none.
                prop_assert!(!is_open(&location, now));
                let quarters = (now.as_second() / 900 + 1..).map(|quarter| Timestamp::from_second(quarter * 900).unwrap());
                let open = quarters.take_while(|instant| *instant < until).find(|instant| is_open(&location, *instant));
                prop_assert_eq!(open, None, "until {}", until);
                prop_assert!(!is_open(&location, until - 1.second()));
            }
            Calling::Never => {
                let quarters = (1..15 * 96).map(|quarter| Timestamp::from_second((now.as_second() / 900 + quarter) * 900).unwrap());
                prop_assert_eq!(quarters.into_iter().find(|instant| is_open(&location, *instant)), None);
            }
        }
    }
}

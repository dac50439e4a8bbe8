//! Zones, instants and recipients for the tests.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::calendar::{Availability, Hours, TimeOff};

/// Zones whose clocks have jumped over and back over midnight, by half hours, by whole days; and two that never jump.
pub const HARD: [&str; 20] = [
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "America/Goose_Bay",
    "America/Asuncion",
    "America/Santiago",
    "America/Caracas",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Pyongyang",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Pacific/Apia",
    "UTC",
];

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub fn hours(text: &str) -> Hours {
    Hours::compile(text, None).unwrap()
}

/// The jumps of a zone from 2007 to 2037.
pub fn jumps(zone: &TimeZone) -> Vec<Timestamp> {
    let last = at("2037-12-31T00:00:00Z");
    zone.following(at("2007-01-01T00:00:00Z")).map(|jump| jump.timestamp()).take_while(|jump| *jump < last).collect()
}

/// A hard zone and an instant: within a few days of a jump, or (of zones that have none) anywhere.
pub fn moments() -> impl Strategy<Value = (TimeZone, Timestamp)> {
    (0..HARD.len(), any::<prop::sample::Index>(), -200_000_000..200_000_000_i64, prop::bool::ANY).prop_map(|(name, jump, millis, near)| {
        let zone = zone(HARD[name]);
        let jumps = jumps(&zone);
        let origin = if jumps.is_empty() { at("2026-11-22T12:00:00Z") } else { jumps[jump.index(jumps.len())] };
        let away = if near { millis / 10 } else { millis };
        (zone, origin + SignedDuration::from_millis(away))
    })
}

/// Opening hours that meet every jump somewhere.
pub const TEXTS: [&str; 9] = [
    "Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off",
    "Mo-Fr 08:00-12:00,13:00-18:00; Sa 10:00-14:00; PH off; 2026 Dec 24 08:00-12:00",
    "00:15-01:45,02:10-02:50,23:20-24:00",
    "Mo-Su 22:00-03:00",
    "Sa,Su 00:00-24:00",
    "Mo-Su 00:00-24:00",
    "24/7",
    "Apr-Sep Mo-Fr 07:00-15:30; Oct-Mar Tu,Th 23:30-02:15",
    "01:00-01:30,01:40-02:20",
];

/// A recipient with some hours and up to three absences within days of a moment.
pub fn recipients() -> impl Strategy<Value = (Availability, Timestamp)> {
    let absence = (-4_000..4_000_i64, 1..3_000_i64, prop::option::of(0..2_u8));
    (moments(), prop::option::of(0..TEXTS.len()), prop::collection::vec(absence, 0..4)).prop_map(|((zone, now), text, absences)| {
        let time_off = absences.into_iter().map(|(from, minutes, cover)| {
            let start = now + SignedDuration::from_mins(from);
            TimeOff { start, end: start + SignedDuration::from_mins(minutes), cover: cover.map(|who| who.to_string().into()) }
        });
        (Availability { hours: text.map(|text| hours(TEXTS[text])), time_off: time_off.collect(), paused: false, zone }, now)
    })
}

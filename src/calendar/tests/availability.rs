//! Here or away, why, and until when.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::given::{at, hours, recipients, zone};
use crate::calendar::{Availability, AwayWhy, Presence, TimeOff};

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

fn office() -> Availability {
    let here = zone("America/New_York");
    let time_off = vec![TimeOff::read("2026-12-21", "2026-12-23", Some("mia"), &here).unwrap()];
    Availability { hours: Some(hours("Mo-Fr 09:00-18:00; PH off")), time_off, paused: false, zone: here }
}

#[test]
fn who_is_open_and_not_off_is_here_until_closing() {
    assert_eq!(office().at(at("2026-11-23T15:00:00Z")), Presence::Here { until: Some(at("2026-11-23T23:00:00Z")) });
}

#[test]
fn who_is_off_is_away_until_the_day_after_and_then_by_the_hours() {
    let cover = Some("mia".into());
    let off = office().at(at("2026-12-22T15:00:00Z"));
    assert_eq!(off, Presence::Away { why: AwayWhy::TimeOff { cover }, until: Some(at("2026-12-24T05:00:00Z")) });
    let night = office().at(at("2026-12-24T05:00:00Z"));
    assert_eq!(night, Presence::Away { why: AwayWhy::Closed, until: Some(at("2026-12-24T14:00:00Z")) });
    // The weekend before ends by the time off, not by Monday morning.
    let weekend = office().at(at("2026-12-20T15:00:00Z"));
    assert_eq!(weekend, Presence::Away { why: AwayWhy::Closed, until: Some(at("2026-12-21T05:00:00Z")) });
}

#[test]
fn who_is_paused_is_away_with_no_end_whatever_the_hours_say() {
    let paused = Availability { paused: true, ..office() };
    for now in ["2026-11-23T15:00:00Z", "2026-12-22T15:00:00Z", "2026-11-22T15:00:00Z"] {
        assert_eq!(paused.at(at(now)), Presence::Away { why: AwayWhy::Paused, until: None });
    }
}

#[test]
fn who_has_neither_hours_nor_time_off_is_always_here() {
    let always = Availability::always(zone("UTC"));
    assert_eq!(always.at(at("2026-11-22T03:00:00Z")), Presence::Here { until: None });
    assert!(always.is_here(at("2026-11-22T03:00:00Z")));
}

#[test]
fn of_two_absences_at_once_the_first_in_the_list_names_the_cover() {
    let off = |from, to, cover| TimeOff::read(from, to, Some(cover), &zone("UTC")).unwrap();
    let both = Availability {
        time_off: vec![off("2026-12-03", "2026-12-04", "ben"), off("2026-12-01", "2026-12-10", "mia")],
        ..Availability::always(zone("UTC"))
    };
    let away = |cover: &str, until| Presence::Away { why: AwayWhy::TimeOff { cover: Some(cover.into()) }, until: Some(at(until)) };
    assert_eq!(both.at(at("2026-12-02T00:00:00Z")), away("mia", "2026-12-03T00:00:00Z"));
    assert_eq!(both.at(at("2026-12-03T00:00:00Z")), away("ben", "2026-12-05T00:00:00Z"));
    assert_eq!(both.at(at("2026-12-05T00:00:00Z")), away("mia", "2026-12-11T00:00:00Z"));
}

/// The answer without its end.
fn why(presence: Presence) -> Option<AwayWhy> {
    match presence {
        Presence::Here { .. } => None,
        Presence::Away { why, .. } => Some(why),
    }
}

proptest! {
    #[test]
    fn an_answer_holds_until_it_says_and_no_longer((someone, now) in recipients(), parts in prop::collection::vec(0.0..1.0_f64, 8)) {
        let answer = someone.at(now);
        let until = match &answer {
            Presence::Here { until } | Presence::Away { until, .. } => *until,
        };
        let told = why(answer);
        prop_assert_eq!(someone.is_here(now), told.is_none());
        let end = until.unwrap_or(now + SignedDuration::from_hours(30 * 24));
        let length = end.duration_since(now);
        for part in parts {
            let then = (now + length.mul_f64(part)).min(end - NANOSECOND);
            prop_assert_eq!(&why(someone.at(then)), &told, "at {}", then);
        }
        for edge in someone.time_off.iter().flat_map(|off| [off.start, off.end]).filter(|edge| now <= *edge && *edge < end) {
            prop_assert_eq!(&why(someone.at(edge)), &told, "at the edge {}", edge);
        }
        prop_assert_eq!(&why(someone.at(end - NANOSECOND)), &told);
        if let Some(until) = until {
            prop_assert!(until > now);
            prop_assert_ne!(&why(someone.at(until)), &told);
        }
    }
}

//! The bounds of windows, worked out from what zdump prints.

use std::io::{ErrorKind, Write};
use std::process::Command;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};

use super::given::{HARD, zone};
use crate::calendar::window::{Per, Window, window};

const HOUR: i64 = 3_600;

/// A stretch of time with one offset, in Unix seconds.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: i64,
    end: i64,
    offset: i64,
}

/// What zdump says of a zone from 2006 to 2038; nothing where there is no zdump. In CI there must be one.
fn zdump(name: &str) -> Option<Vec<Stretch>> {
    let printed = match Command::new("zdump").args(["-v", "-c", "2006,2038", name]).output() {
        Ok(output) => String::from_utf8(output.stdout).unwrap(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let in_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
            assert!(!in_ci, "this test must run in CI, but there is no zdump (Debian's libc-bin)");
            // Not by eprintln!, which the test harness hides when a test passes.
            let _ = writeln!(std::io::stderr(), "skipped the comparison with zdump, which is not installed");
            return None;
        }
        Err(error) => panic!("zdump: {error}"),
    };
    let mut stretches: Vec<Stretch> = Vec::new();
    // `Zone  Sun Mar  8 09:59:59 2026 UT = Sun Mar  8 01:59:59 2026 PST isdst=0 gmtoff=-28800`: the last second before a change, then the first after.
    for line in printed.lines() {
        let Some((_, offset)) = line.split_once("gmtoff=") else { continue };
        let universal = line.trim_start_matches(name).trim().split_once(" UT").unwrap().0;
        let Ok(universal) = DateTime::strptime("%a %b %e %H:%M:%S %Y", universal) else { continue };
        let (start, offset) = (second(universal), offset.parse().unwrap());
        if stretches.last().is_none_or(|last| last.offset != offset) {
            // The first line is of a moment before the first change; what it says held already.
            let start = match stretches.last_mut() {
                Some(last) => {
                    last.end = start;
                    start
                }
                None => i64::MIN,
            };
            stretches.push(Stretch { start, end: i64::MAX, offset });
        }
    }
    Some(stretches)
}

fn second(universal: DateTime) -> i64 {
    Offset::UTC.to_timestamp(universal).unwrap().as_second()
}

/// The first second whose date is this or later.
fn begins(stretches: &[Stretch], date: Date) -> i64 {
    let midnight = second(date.at(0, 0, 0, 0));
    let first = |stretch: &Stretch| Some((midnight - stretch.offset).max(stretch.start)).filter(|first| *first < stretch.end);
    stretches.iter().find_map(first).unwrap()
}

/// The window by zdump's account: its day is the last that has begun.
fn expected(stretches: &[Stretch], per: Per, now: i64) -> (i64, i64) {
    let here = stretches.iter().find(|stretch| (stretch.start..stretch.end).contains(&now)).unwrap();
    let local = now + here.offset;
    if per == Per::Hour {
        let start = local.div_euclid(HOUR) * HOUR - here.offset;
        return (start.max(here.start), (start + HOUR).min(here.end));
    }
    let mut day = Timestamp::from_second(local).unwrap().to_zoned(TimeZone::UTC).date();
    while begins(stretches, day.tomorrow().unwrap()) <= now {
        day = day.tomorrow().unwrap();
    }
    let (first, next) = match per {
        Per::Week => {
            let mut first = day;
            while first.weekday() != Weekday::Monday {
                first = first.yesterday().unwrap();
            }
            (first, (0..7).fold(first, |day, _| day.tomorrow().unwrap()))
        }
        Per::Month => (day.first_of_month(), day.last_of_month().tomorrow().unwrap()),
        _ => (day, day.tomorrow().unwrap()),
    };
    (begins(stretches, first), begins(stretches, next))
}

fn bounds(window: &Window) -> (i64, i64) {
    (window.start.as_second(), window.end.unwrap().as_second())
}

#[test]
fn windows_are_what_follows_from_the_transitions_that_zdump_prints() {
    let mut seen = 0;
    for name in HARD.into_iter().filter(|name| !["UTC", "Asia/Kolkata"].contains(name)) {
        let Some(stretches) = zdump(name) else { return };
        assert!(stretches.len() > 1, "zdump knows no transitions of {name}: is tzdata installed?");
        let zone = zone(name);
        // Away from the edges of what was printed, so that weeks and months are inside.
        for jump in stretches.iter().map(|stretch| stretch.start).filter(|start| (1_170_000_000..2_140_000_000).contains(start)) {
            for seconds in [-26 * HOUR, -HOUR, -1800, -1, 0, 1, 30, 1800, HOUR, 2 * HOUR, 25 * HOUR] {
                let now = jump + seconds;
                for per in [Per::Hour, Per::Day, Per::Week, Per::Month] {
                    seen += 1;
                    let found = window(per, Weekday::Monday, &zone, Timestamp::from_second(now).unwrap());
                    assert_eq!(bounds(&found), expected(&stretches, per, now), "{per:?} of {name} at {now}: {}", found.label);
                }
            }
        }
    }
    assert!(seen > 10_000, "only {seen} windows were compared");
}

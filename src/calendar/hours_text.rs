//! What a text of opening hours may say, and how its author is told what is wrong.
//!
//! The syntax has more than routing can keep a promise about. What depends on sun, school or somebody's mood is refused, and so is a text that
//! takes long to answer.

use chrono::NaiveDate;
use opening_hours::localization::Country;
use opening_hours::{Context, OpeningHours, RuleKind};
use opening_hours_syntax::Error;
use opening_hours_syntax::rules::day::{self, HolidayKind, MonthdayRange, WeekDayRange};
use opening_hours_syntax::rules::time::Time;
use opening_hours_syntax::rules::{RuleOperator, RuleSequence};

/// Whose public holidays `PH` means when nobody says.
pub const DEFAULT_COUNTRY: &str = "US";
/// The longest text, in bytes.
pub const LONGEST: usize = 1024;
/// The most work that a day of a text may be: one for each day, date, week, year and time that it names.
const MOST_PARTS: usize = 128;
/// What a movable feast counts for: its date is computed anew each day.
const EASTER_PARTS: usize = 8;
/// The most rules joined by commas: each adds its times to those of the ones before, one by one.
const MOST_JOINED: usize = 16;
/// The most times in one rule.
const MOST_TIMES: usize = 8;
/// What messages show as right.
const EXAMPLE: &str = "Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off";

/// The rules of a text, with a country's holidays.
pub fn compile(text: &str, country: &str) -> Result<OpeningHours, String> {
    if text.len() > LONGEST {
        return Err(format!(
            "opening hours have at most {LONGEST} bytes, and these have {}; write days as ranges: `{EXAMPLE}`",
            text.len()
        ));
    }
    if text.trim().is_empty() {
        return Err(format!("opening hours must not be empty; write them as `{EXAMPLE}`, or `24/7`"));
    }
    let known =
        country.parse::<Country>().map_err(|_| format!("'{country}' is no country with known holidays; write a code such as US or GB"))?;
    let hours: OpeningHours = text.parse().map_err(|error| unreadable(text, &error))?;
    let rules = &hours.get_expression().rules;
    let parts = rules.iter().map(parts).sum::<usize>();
    if parts > MOST_PARTS {
        return Err(format!("opening hours name at most {MOST_PARTS} days, dates and times, and these {parts}; write ranges: `{EXAMPLE}`"));
    }
    let joined = rules.iter().filter(|rule| rule.operator == RuleOperator::Additional).count();
    if joined > MOST_JOINED {
        return Err(format!("opening hours join at most {MOST_JOINED} rules by commas, and these {joined}; use semicolons: `{EXAMPLE}`"));
    }
    for (number, rule) in rules.iter().enumerate() {
        check(rule).map_err(|why| format!("rule {} of the opening hours (`{rule}`) {why}", number + 1))?;
    }
    if let Some(undone) = holiday_that_is_undone(rules) {
        return Err(format!("`{undone}` has no effect, because a later rule opens those days again; write it last: `{EXAMPLE}`"));
    }
    if rules.iter().all(|rule| rule.kind == RuleKind::Closed) {
        return Err(format!("these opening hours are never open; write when they are: `{EXAMPLE}`"));
    }
    let holidays = known.holidays();
    if rules.iter().any(has_holiday) && holidays.get_public().count() == 0 {
        return Err(format!("no public holidays are known for {country}; write its dates instead of PH: `Mo-Fr 09:00-18:00; Dec 25 off`"));
    }
    Ok(hours.with_context(Context::default().with_holidays(holidays)))
}

/// Refuses what a rule must not say.
fn check(rule: &RuleSequence) -> Result<(), String> {
    if rule.kind == RuleKind::Unknown {
        return Err(format!("leaves open whether somebody is there; say `open` or `off`: `{EXAMPLE}`"));
    }
    if !rule.comment.is_empty() {
        return Err(format!("has words in quotes, which no lead can be sent by; leave them out: `{EXAMPLE}`"));
    }
    let spans = &rule.time_selector.spans;
    if spans.len() > MOST_TIMES {
        return Err(format!(
            "has {} times, and at most {MOST_TIMES} are allowed; join those that touch: `Mo 08:00-12:00,13:00-18:00`",
            spans.len()
        ));
    }
    if spans.iter().any(|span| [span.range.start, span.range.end].iter().any(|time| matches!(time, Time::Variable(_)))) {
        return Err("goes by the sun; write times of the clock: `Mo-Fr 07:30-19:00`".to_owned());
    }
    if spans.iter().any(|span| span.open_end || span.repeats.is_some()) {
        return Err("has times without an end, or that repeat; write from when to when: `Mo-Fr 09:00-18:00`".to_owned());
    }
    if let Some(missing) = rule.day_selector.monthday.iter().find_map(missing_day) {
        return Err(format!("names {missing}; write a date that there is: `2026 Dec 24 off`"));
    }
    if rule.day_selector.weekday.iter().any(|day| matches!(day, WeekDayRange::Holiday { kind: HolidayKind::School, .. })) {
        return Err("goes by school holidays, which are not known; write their dates: `2026 Jul 01-Aug 15 off`".to_owned());
    }
    Ok(())
}

/// How much work a rule is, for each day that is looked at.
fn parts(rule: &RuleSequence) -> usize {
    let days = &rule.day_selector;
    let is_easter = |date: &day::Date| matches!(date, day::Date::Easter { .. });
    let feasts = days
        .monthday
        .iter()
        .filter(|range| matches!(range, MonthdayRange::Date { start, end } if is_easter(&start.0) || is_easter(&end.0)));
    let selectors = days.year.len() + days.monthday.len() + days.week.len() + days.weekday.len();
    selectors + rule.time_selector.spans.len() + feasts.count() * (EASTER_PARTS - 1)
}

/// A day that its month never has. The syntax would take the month's last day instead, which nobody meant.
fn missing_day(range: &MonthdayRange) -> Option<String> {
    let MonthdayRange::Date { start, end } = range else { return None };
    [&start.0, &end.0].into_iter().find_map(|date| {
        let &day::Date::Fixed { year, month, day } = date else { return None };
        // 2000 had a 29 February.
        let in_year = year.as_ref().map_or(2000, |year| **year);
        let exists = NaiveDate::from_ymd_opt(in_year, month as u32, day.into()).is_some();
        let whose = year.map_or("no year has".to_owned(), |year| format!("{} does not have", *year));
        (!exists).then(|| format!("{month} {day}, a day that {whose}"))
    })
}

/// A holiday rule that closes, followed by a rule for ordinary weekdays, which reads as if it still closed and does not.
fn holiday_that_is_undone(rules: &[RuleSequence]) -> Option<&RuleSequence> {
    let opens_any_day = |rule: &RuleSequence| {
        let days = &rule.day_selector;
        rule.kind == RuleKind::Open
            && rule.operator != RuleOperator::Fallback
            && days.year.is_empty()
            && days.monthday.is_empty()
            && days.week.is_empty()
            && !has_holiday(rule)
    };
    let closes = |rule: &RuleSequence| rule.kind == RuleKind::Closed && has_holiday(rule);
    rules.iter().enumerate().find(|(number, rule)| closes(rule) && rules[number + 1..].iter().any(opens_any_day)).map(|(_, rule)| rule)
}

fn has_holiday(rule: &RuleSequence) -> bool {
    rule.day_selector.weekday.iter().any(|day| matches!(day, WeekDayRange::Holiday { .. }))
}

/// Says where a text stops to make sense, and what people mean who write that.
fn unreadable(text: &str, error: &Error) -> String {
    let told = error.to_string();
    let Error::Syntax(_) = error else {
        return format!("the opening hours can't be read: {}; write them as `{EXAMPLE}`", told.trim_end_matches('.'));
    };
    // The parser's report begins with ` --> line:column`.
    let at = told.split("--> ").nth(1).and_then(|rest| rest.split_once('\n')).and_then(|(place, _)| place.split_once(':'));
    let column = at.and_then(|(_, column)| column.trim().parse::<usize>().ok()).unwrap_or(1);
    let rest: String = text.chars().skip(column - 1).take(20).collect();
    if rest.is_empty() {
        return format!("the opening hours end too early, after '{text}'; write them as `{EXAMPLE}`");
    }
    // Names of days and months are known by two and three letters: the fault is the word, which began earlier.
    let before = text.chars().take(column - 1).collect::<String>();
    let start = before.rfind(|c: char| !c.is_alphabetic()).map_or(0, |at| at + 1);
    let joined = rest.starts_with(char::is_alphabetic);
    let column = if joined { before[..start].chars().count() + 1 } else { column };
    let word: String = text.chars().skip(column - 1).take(20).collect();
    format!("the opening hours can't be read at character {column} ('{word}'): {}; write them as `{EXAMPLE}`", hint(&word))
}

/// The likeliest fault of a text that begins where the parser stopped.
fn hint(rest: &str) -> &'static str {
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    const DAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        "a time has two digits, a colon and two digits, from 00:00 to 24:00, and a start and an end"
    } else if word == "ph" || word == "sh" {
        "public holidays are written in capitals, PH"
    } else if word == "am" || word == "pm" {
        "times go from 00:00 to 24:00, without am and pm"
    } else if word.len() > 2 && DAYS.iter().any(|day| word.starts_with(day)) {
        "days have two letters: Mo Tu We Th Fr Sa Su"
    } else {
        "this is neither a day (Mo), a date (2026 Dec 24), a time (09:00-18:00), PH nor off"
    }
}

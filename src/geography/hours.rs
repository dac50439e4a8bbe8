//! The hours in which the laws allow sales calls.

use std::fmt;
use std::sync::LazyLock;

use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Deserializer};

use super::holiday::is_holiday;

static FILE: &str = include_str!("../../data/quiet-hours/us.yaml");
// Without the file no hour would be known to be allowed; a test reads it.
static HOURS: LazyLock<QuietHours> = LazyLock::new(|| serde_saphyr::from_str(FILE).unwrap_or_else(|_| QuietHours::never()));

/// The hours of `data/quiet-hours/us.yaml`.
pub fn quiet_hours() -> &'static QuietHours {
    &HOURS
}

/// What federal law and the states allow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub federal: Hours,
    /// States whose hours are narrower, or written down because they are often reported wrong.
    pub states: Vec<StateHours>,
}

/// A state's hours.
#[derive(Debug, Deserialize)]
pub struct StateHours {
    /// Postal abbreviation.
    pub state: String,
    #[serde(flatten)]
    pub hours: Hours,
}

/// When one law allows calls, by the called person's clock.
#[derive(Debug, Deserialize)]
pub struct Hours {
    /// The law, by section.
    pub statute: String,
    /// The day on which its source was read, and the source.
    pub read: String,
    pub source: String,
    pub weekdays: Window,
    pub saturday: Window,
    pub sunday: Window,
    /// What holds on legal holidays instead, when that is another thing.
    pub holidays: Option<Window>,
}

impl Hours {
    /// When calls are allowed on a day.
    pub(super) fn on(&self, day: Date) -> Window {
        let usual = match day.weekday() {
            Weekday::Saturday => self.saturday,
            Weekday::Sunday => self.sunday,
            _ => self.weekdays,
        };
        self.holidays.filter(|_| is_holiday(day)).map_or(usual, |window| window.and(usual))
    }
}

impl QuietHours {
    fn never() -> Self {
        let closed = Window(None);
        let (statute, read, source) = (String::new(), String::new(), String::new());
        let federal = Hours { statute, read, source, weekdays: closed, saturday: closed, sunday: closed, holidays: None };
        Self { federal, states: Vec::new() }
    }

    /// When calls are allowed on a day by federal law and by each of these states.
    pub(super) fn on(&self, day: Date, states: &[&str]) -> Window {
        let narrower = self.states.iter().filter(|row| states.contains(&&*row.state));
        narrower.fold(self.federal.on(day), |window, row| window.and(row.hours.on(day)))
    }
}

/// A part of a day: from the first time up to, and without, the second; or no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(Option<(Time, Time)>);

impl Window {
    /// Opening and closing time.
    pub(super) fn times(self) -> Option<(Time, Time)> {
        self.0
    }

    /// What is in both.
    fn and(self, other: Self) -> Self {
        let both = self.0.zip(other.0).map(|(one, other)| (one.0.max(other.0), one.1.min(other.1)));
        Self(both.filter(|(from, to)| from < to))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((from, to)) => write!(f, "{}–{}", from.strftime("%H:%M"), to.strftime("%H:%M")),
            None => f.write_str("closed"),
        }
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = |text: &str| Time::strptime("%H:%M", text).ok();
        let window = || {
            let (from, to) = text.split_once('-')?;
            time(from).zip(time(to)).filter(|(from, to)| from < to)
        };
        match &*text {
            "closed" => Ok(Self(None)),
            _ => window().map(|times| Self(Some(times))).ok_or_else(|| {
                serde::de::Error::custom(format!("{text:?} is no window: write it as 08:00-21:00, the earlier time first, or closed"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::state::state;
    use super::*;

    fn on(day: Date, states: &[&str]) -> String {
        quiet_hours().on(day, states).to_string()
    }

    #[test]
    fn the_file_is_read_and_every_row_is_cited_and_dated() {
        let hours = serde_saphyr::from_str::<QuietHours>(FILE).unwrap();
        assert!(hours.states.len() >= 8);
        assert!(hours.states.is_sorted_by(|one, other| one.state < other.state), "each state once, in order");
        for row in &hours.states {
            assert!(state(&row.state).is_some(), "{}", row.state);
        }
        for row in hours.states.iter().map(|row| &row.hours).chain([&hours.federal]) {
            assert!(!row.statute.is_empty() && !row.source.is_empty(), "{row:?}");
            assert!(row.read.parse::<Date>().is_ok(), "{row:?}");
        }
    }

    #[test]
    fn a_state_narrows_what_federal_law_allows_and_never_widens_it() {
        let monday = date(2026, 3, 2);
        assert_eq!(on(monday, &[]), "08:00–21:00");
        assert_eq!(on(monday, &["CA"]), "08:00–21:00");
        assert_eq!(on(monday, &["FL"]), "08:00–20:00");
        assert_eq!(on(monday, &["FL", "KY"]), "10:00–20:00");
    }

    #[test]
    fn weekends_and_holidays_have_their_own_hours() {
        let (saturday, sunday, christmas) = (date(2026, 3, 7), date(2026, 3, 8), date(2026, 12, 25));
        assert_eq!([on(saturday, &["RI"]), on(sunday, &["RI"]), on(christmas, &["RI"])], ["10:00–17:00", "closed", "closed"]);
        assert_eq!([on(saturday, &["TX"]), on(sunday, &["TX"]), on(christmas, &["TX"])], ["09:00–21:00", "12:00–21:00", "09:00–21:00"]);
        assert_eq!(on(sunday, &["MS"]), "closed");
        assert_eq!(on(christmas, &["UT"]), "closed");
    }

    #[test]
    fn a_window_that_is_none_is_refused() {
        for text in ["08:00", "21:00-08:00", "8-21", "08:00-08:00", "open"] {
            let error = serde_saphyr::from_str::<Window>(&format!("\"{text}\"")).unwrap_err().to_string();
            assert!(error.contains("08:00-21:00"), "{error}");
        }
    }

    #[test]
    fn without_the_file_nothing_is_open() {
        assert_eq!(QuietHours::never().on(date(2026, 3, 2), &[]), Window(None));
    }
}

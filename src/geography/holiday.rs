//! The legal holidays of the United States.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Whether a day is a legal holiday of 5 U.S.C. 6103, or the weekday on which one that falls on a weekend is observed.
pub(super) fn is_holiday(day: Date) -> bool {
    let observed = match day.weekday() {
        Weekday::Friday => day.checked_add(1.day()).is_ok_and(on_its_date),
        Weekday::Monday => day.checked_sub(1.day()).is_ok_and(on_its_date),
        _ => false,
    };
    on_its_date(day) || by_weekday(day) || observed
}

/// New Year, Juneteenth, Independence Day, Veterans Day, Christmas.
fn on_its_date(day: Date) -> bool {
    matches!((day.month(), day.day()), (1, 1) | (6, 19) | (7, 4) | (11, 11) | (12, 25))
}

/// King's and Washington's birthdays, Memorial Day, Labor Day, Columbus Day, Thanksgiving.
fn by_weekday(day: Date) -> bool {
    let nth = (day.day() - 1) / 7 + 1;
    let last = day.day() + 7 > day.days_in_month();
    match (day.month(), day.weekday()) {
        (1 | 2, Weekday::Monday) => nth == 3,
        (5, Weekday::Monday) => last,
        (9, Weekday::Monday) => nth == 1,
        (10, Weekday::Monday) => nth == 2,
        (11, Weekday::Thursday) => nth == 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn of_year(year: i16) -> Vec<String> {
        let first = date(year, 1, 1);
        first
            .series(1.day())
            .take_while(|day| day.year() == year)
            .filter(|day| is_holiday(*day))
            .map(|day| day.strftime("%m-%d").to_string())
            .collect()
    }

    #[test]
    fn a_year_has_its_eleven_holidays() {
        let of_2025 = ["01-01", "01-20", "02-17", "05-26", "06-19", "07-04", "09-01", "10-13", "11-11", "11-27", "12-25"];
        assert_eq!(of_year(2025), of_2025);
        assert!(is_holiday(date(2027, 5, 31)) && !is_holiday(date(2027, 5, 24)), "Memorial Day is the last Monday, be it the fifth");
    }

    #[test]
    fn a_holiday_on_a_weekend_is_also_kept_on_the_weekday_beside_it() {
        let of_2026 = ["01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "07-04", "09-07", "10-12", "11-11", "11-26", "12-25"];
        assert_eq!(of_year(2026), of_2026);
        assert!(is_holiday(date(2021, 12, 31)), "New Year of 2022 was a Saturday");
        assert!(is_holiday(date(2023, 1, 2)), "New Year of 2023 was a Sunday");
    }
}

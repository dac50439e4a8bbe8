//! Text, choices, truths and days.

use jiff::civil::{Date, DateTime};
use unicode_normalization::UnicodeNormalization;

use super::{FieldCode, Unfit, unfit};

/// The most characters of a text.
const LONGEST: usize = 4096;
/// How many values of an Enum a message lists.
const LISTED: usize = 20;

/// Composed form (NFC), without blanks and invisible characters around.
pub fn clean(text: &str) -> String {
    let composed: String = text.nfc().collect();
    let trimmed = composed.trim_matches(|letter: char| letter.is_whitespace() || is_invisible(letter));
    trimmed.to_owned()
}

fn is_invisible(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Text of any kind: line breaks and tabs may stand in it, other control characters may not.
pub fn free(text: &str) -> Result<String, Unfit> {
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return unfit(FieldCode::BadCharacter, "must not contain control characters");
    }
    at_most(text, LONGEST)?;
    Ok(text.to_owned())
}

/// Refuses what is longer than `most` characters.
pub fn at_most(text: &str, most: usize) -> Result<(), Unfit> {
    if text.chars().count() > most { unfit(FieldCode::TooLong, format!("must have at most {most} characters")) } else { Ok(()) }
}

/// One of the values, as the Exchange writes it. Letter case is forgiven.
pub fn one_of(text: &str, values: &[String]) -> Result<String, Unfit> {
    let small = text.to_lowercase();
    if let Some(value) = values.iter().find(|value| *value == text).or_else(|| values.iter().find(|value| value.to_lowercase() == small)) {
        return Ok(value.clone());
    }
    let listed = values.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = values.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" or {more} others") } else { String::new() };
    unfit(FieldCode::NotOneOf, format!("must be one of {listed}{more}"))
}

pub fn boolean(text: &str) -> Result<bool, Unfit> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => unfit(FieldCode::NotABoolean, "must be true or false, yes or no, 1 or 0"),
    }
}

/// A day; of a day with a time, the day as it is written.
pub fn date(text: &str) -> Result<Date, Unfit> {
    let day = match text.split_at_checked(10) {
        Some((day, "")) => Some(day),
        Some((day, time)) if is_time(day, time) => Some(day),
        _ => None,
    };
    let whole =
        day.filter(|day| day.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }));
    match whole.and_then(|day| day.parse::<Date>().ok()) {
        Some(date) => Ok(date),
        None => unfit(FieldCode::NotADate, "must be a day such as 2026-11-22"),
    }
}

fn is_time(day: &str, time: &str) -> bool {
    let text = format!("{day}{time}");
    time.starts_with(['T', 't', ' ']) && (text.parse::<DateTime>().is_ok() || text.parse::<jiff::Timestamp>().is_ok())
}

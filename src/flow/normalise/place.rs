//! Postal codes, states and countries.

use super::text::at_most;
use super::{Country, FieldCode, Unfit, unfit};
use crate::lead::place;

const LONGEST_POSTCODE: usize = 12;
const LONGEST_STATE: usize = 64;

/// A postal code: five digits of a ZIP or ZIP+4, `K1A 0B6` for Canada, elsewhere capitals. A source whose default is one of the two neighbours
/// may send codes of the other. `digits`: sent as a number, which has lost the zeros in front.
pub fn postcode(text: &str, digits: bool, country: Country<'_>) -> Result<String, Unfit> {
    let code = match (country.code, country.named) {
        ("US", true) => zip(text, digits),
        ("CA", true) => canadian(text),
        ("US" | "CA", false) => zip(text, digits).or_else(|| canadian(text)),
        _ => elsewhere(text),
    };
    let example = match country.code {
        "US" => "must be a ZIP code such as 90210 or 90210-1234",
        "CA" => "must be a postal code such as K1A 0B6",
        _ => "must be a postal code of at most 12 letters, digits, spaces and hyphens",
    };
    code.map_or_else(|| unfit(FieldCode::NotAPostcode, example), Ok)
}

fn zip(text: &str, digits: bool) -> Option<String> {
    let bare: String = text.chars().filter(|letter| !matches!(letter, '-' | ' ')).collect();
    if !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match bare.len() {
        5 | 9 => bare.get(..5).map(str::to_owned),
        3 | 4 if digits => Some(format!("{bare:0>5}")),
        _ => None,
    }
}

fn canadian(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|letter| !matches!(letter, '-' | ' ')).map(|letter| letter.to_ascii_uppercase()).collect();
    let fits = bare.len() == 6
        && bare.bytes().enumerate().all(|(at, byte)| if at % 2 == 0 { byte.is_ascii_uppercase() } else { byte.is_ascii_digit() });
    let (area, unit) = bare.split_at_checked(3).filter(|_| fits)?;
    Some(format!("{area} {unit}"))
}

fn elsewhere(text: &str) -> Option<String> {
    let code = text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    let fits = code.len() <= LONGEST_POSTCODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'));
    (fits && code.bytes().any(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}

/// The code of a state or province; in other countries, the name as it was sent.
pub fn state(text: &str, country: Country<'_>) -> Result<String, Unfit> {
    if matches!(country.code, "US" | "CA") {
        return match place::state(text) {
            Some(code) => Ok(code.to_owned()),
            None => unfit(FieldCode::NotAState, "must be a state of the United States or a province of Canada, by name or code"),
        };
    }
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    at_most(&name, LONGEST_STATE)?;
    if name.chars().any(char::is_control) {
        return unfit(FieldCode::BadCharacter, "must not contain control characters");
    }
    Ok(name)
}

pub fn country(text: &str) -> Result<String, Unfit> {
    match place::country(text) {
        Some(code) => Ok(code.to_owned()),
        None => unfit(FieldCode::NotACountry, "must be an ISO 3166 code of two letters such as US"),
    }
}

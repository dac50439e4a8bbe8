//! Names of people. What somebody spelled with care is left alone; only all-capital and all-small spellings are mended.

use unicode_normalization::UnicodeNormalization;

use super::text::at_most;
use super::{FieldCode, Unfit, unfit};

const LONGEST: usize = 128;
/// Small words within a name: `Maria de la Cruz`, `Ludwig van Beethoven`.
const PARTICLES: &[&str] =
    &["al", "bin", "da", "das", "de", "del", "den", "der", "di", "do", "dos", "du", "e", "la", "las", "los", "van", "von", "y", "zu"];
/// Numerals behind a name.
const NUMERALS: &[&str] = &["ii", "iii", "iv", "vi", "vii", "viii"];

/// A name with single spaces, in composed form.
pub fn person(text: &str) -> Result<String, Unfit> {
    let single = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if single.chars().any(char::is_control) {
        return unfit(FieldCode::BadCharacter, "must not contain control characters");
    }
    at_most(&single, LONGEST)?;
    if !single.chars().any(char::is_alphabetic) {
        return unfit(FieldCode::NotAName, "must be a name");
    }
    Ok(mend(&single).nfc().collect())
}

fn mend(name: &str) -> String {
    if name.chars().any(char::is_uppercase) && name.chars().any(char::is_lowercase) {
        return name.to_owned();
    }
    let words: Vec<&str> = name.split(' ').collect();
    let last = words.len().saturating_sub(1);
    let mended = words.iter().enumerate().map(|(at, word)| mend_word(&word.to_lowercase(), at > 0, at < last));
    mended.collect::<Vec<_>>().join(" ")
}

fn mend_word(small: &str, after: bool, before: bool) -> String {
    if after && before && PARTICLES.contains(&small) {
        return small.to_owned();
    }
    if after && NUMERALS.contains(&small) {
        return small.to_uppercase();
    }
    small.split_inclusive(['-', '.']).map(mend_part).collect()
}

/// One part of a word: `o'brien` → `O'Brien`, `mcdonald` → `McDonald`.
fn mend_part(small: &str) -> String {
    let mut letters = small.chars();
    if let (Some(first), Some(mark @ ('\'' | '’'))) = (letters.next(), letters.next())
        && letters.clone().count() > 1
    {
        return format!("{}{mark}{}", capital(first), capitalised(letters.as_str()));
    }
    match small.strip_prefix("mc") {
        Some(rest) if rest.chars().filter(|letter| letter.is_alphabetic()).count() > 1 => format!("Mc{}", capitalised(rest)),
        _ => capitalised(small),
    }
}

fn capitalised(small: &str) -> String {
    let mut letters = small.chars();
    letters.next().map(|first| format!("{}{}", capital(first), letters.as_str())).unwrap_or_default()
}

/// The capital of a letter, when it is one letter: `ß` stays.
fn capital(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(capital), None) => capital,
        _ => letter,
    }
}

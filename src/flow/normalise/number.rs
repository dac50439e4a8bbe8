//! Numbers, exactly: no digit goes through a binary fraction.

use rust_decimal::Decimal;

use super::{FieldCode, Unfit, unfit};
use crate::table::schema::SchemaField;

/// Digits beyond which no decimal fits.
const MOST_DIGITS: usize = 29;

/// A decimal within the field's bounds, without zeros at its end.
pub fn decimal(text: &str, field: &SchemaField) -> Result<Decimal, Unfit> {
    let number = read(text)?;
    within(number, field)?;
    Ok(number)
}

/// A whole number within the field's bounds. `3.0` and `3e2` are whole.
pub fn integer(text: &str, field: &SchemaField) -> Result<i64, Unfit> {
    let number = read(text)?;
    if number.scale() > 0 {
        return unfit(FieldCode::NotAWholeNumber, "must be a whole number");
    }
    within(number, field)?;
    i64::try_from(number).or_else(|_| unfit(FieldCode::OutOfRange, "must be a whole number of at most 18 digits"))
}

fn within(number: Decimal, field: &SchemaField) -> Result<(), Unfit> {
    let too_small = field.minimum.is_some_and(|least| number < least);
    let too_great = field.maximum.is_some_and(|most| number > most);
    if !too_small && !too_great {
        return Ok(());
    }
    let message = match (field.minimum, field.maximum) {
        (Some(least), Some(most)) => format!("must be from {least} to {most}"),
        (Some(least), None) => format!("must be {least} or more"),
        (None, Some(most)) => format!("must be {most} or less"),
        (None, None) => String::new(),
    };
    unfit(FieldCode::OutOfRange, message)
}

/// Reads `-12`, `0.50`, `.5`, `7.5e5`.
fn read(text: &str) -> Result<Decimal, Unfit> {
    let Some((negative, digits, scale)) = parts(text) else {
        return unfit(FieldCode::NotANumber, "must be a number such as 750000 or 0.5, without separators");
    };
    let fitting = scale.and_then(|scale| fit(&digits, scale));
    match fitting {
        Some(number) if negative => Ok((-number).normalize()),
        Some(number) => Ok(number.normalize()),
        None => unfit(FieldCode::OutOfRange, "must be a number of at most 28 digits"),
    }
}

/// Sign, all digits, and how many of them are behind the point (`None`: beyond counting). `None` for what is not a number.
fn parts(text: &str) -> Option<(bool, String, Option<i64>)> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let exponent = match exponent {
        None => Some(0),
        Some(text) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if digits.is_empty() || !all_digits(digits) {
                return None;
            }
            text.parse::<i64>().ok()
        }
    };
    let behind = i64::try_from(fraction.len()).ok()?;
    Some((negative, format!("{whole}{fraction}"), exponent.and_then(|exponent| behind.checked_sub(exponent))))
}

/// The decimal, when it can be held exactly.
fn fit(digits: &str, scale: i64) -> Option<Decimal> {
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Decimal::ZERO);
    }
    let scale = scale.checked_sub(i64::try_from(digits.len() - significant.len()).ok()?)?;
    if significant.len() > MOST_DIGITS {
        return None;
    }
    let mantissa: i128 = significant.parse().ok()?;
    match u32::try_from(scale) {
        Ok(scale) => Decimal::try_from_i128_with_scale(mantissa, scale).ok(),
        Err(_) => {
            let zeros = u32::try_from(scale.checked_neg()?).ok()?;
            let whole = mantissa.checked_mul(10_i128.checked_pow(zeros)?)?;
            Decimal::try_from_i128_with_scale(whole, 0).ok()
        }
    }
}

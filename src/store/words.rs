//! How values are spelled in both stores.
//!
//! Times are kept in whole microseconds: a finer part is cut off, so what comes back differs from what went in by less than one.

use jiff::{SignedDuration, Timestamp};

use super::{DeliveryState, Result, StoreError};
use crate::lead::delivery::Money;
use crate::lead::{Delivery, State, UnmatchedReason};

/// The most leads on a page.
const PAGE: usize = 1_000;

/// How many leads to put on a page.
pub(super) fn page(most: usize) -> i64 {
    most.min(PAGE) as i64
}

/// A time that does not come (the greatest there is) when the sum is out of range.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn state_word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Open => "open",
        DeliveryState::Accepted => "accepted",
        DeliveryState::Refused => "refused",
        DeliveryState::Failed => "failed",
    }
}

pub(super) fn delivery_state(word: &str) -> Result<DeliveryState> {
    [DeliveryState::Open, DeliveryState::Accepted, DeliveryState::Refused, DeliveryState::Failed]
        .into_iter()
        .find(|state| state_word(*state) == word)
        .ok_or_else(|| unknown("state of a delivery", word))
}

pub(super) fn lead_state(word: &str) -> Result<State> {
    State::parse(word).ok_or_else(|| unknown("state of a lead", word))
}

pub(super) fn reason(word: &str) -> Result<UnmatchedReason> {
    UnmatchedReason::parse(word).ok_or_else(|| unknown("reason", word))
}

fn unknown(what: &str, word: &str) -> StoreError {
    StoreError::Refused(format!("it holds `{word}` as the {what}, which this release does not know: run the newer release"))
}

/// The price in its two columns.
pub(super) fn price_columns(delivery: &Delivery) -> (Option<i64>, Option<&str>) {
    delivery.price.as_ref().map_or((None, None), |price| (Some(price.minor), Some(price.currency.as_str())))
}

pub(super) fn price(minor: Option<i64>, currency: Option<String>) -> Option<Money> {
    Some(Money { minor: minor?, currency: currency? })
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(format!("a record can't be written as JSON: {error}")))
}

/// Reads a record back. The error tells where, and nothing of the record.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Refused(format!("a record on file can't be read: column {}, {:?}", error.column(), error.classify())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_delivery_is_read_back_from_its_word() {
        for state in [DeliveryState::Open, DeliveryState::Accepted, DeliveryState::Refused, DeliveryState::Failed] {
            assert_eq!(delivery_state(state_word(state)).unwrap(), state);
        }
        assert!(delivery_state("other").is_err());
    }
}

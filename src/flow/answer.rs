//! What a source is told: one shape for everything.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::lead::delivery::Money;
use crate::lead::outcome::Taken;
use crate::lead::{LeadId, Outcome, State};

use super::field_error::FieldError;
use super::refusal::Refusal;

/// The body of every answer. A source learns the lead's id, how it ended and the price; not who took it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub outcome: Verdict,
    /// One word for programs: `Accepted` (safe, being routed), `Delivered`, `Duplicate`, the reason why nobody took the lead, or why the post was refused.
    pub code: &'static str,
    /// The same for people.
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Every field that is wrong.
    pub field_errors: Vec<FieldError>,
    /// Whether posting the same again may fare better.
    pub retryable: bool,
}

/// How a post fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Kept, and delivered or being routed.
    Accepted,
    /// Not a valid lead, or nobody takes it.
    Rejected,
    /// Sent before.
    Duplicate,
    /// The post never became a lead.
    Error,
}

impl Verdict {
    /// The name that metrics use; the same as in the answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
            Self::Error => "error",
        }
    }
}

/// An amount, as a decimal with its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    pub amount: String,
    pub currency: String,
}

impl Answer {
    /// The lead is safe; where it goes is not settled yet.
    pub fn kept(lead: LeadId) -> Self {
        Self::of(lead, Verdict::Accepted, "Accepted", "the lead is safe and being routed")
    }

    /// The lead was sent before.
    pub fn duplicate(lead: LeadId) -> Self {
        Self::of(lead, Verdict::Duplicate, "Duplicate", "the source has sent this lead before")
    }

    /// Where a lead stands.
    pub fn standing(lead: LeadId, outcome: &Outcome) -> Self {
        match outcome.state {
            State::Queued => Self::kept(lead),
            State::Duplicate => Self::duplicate(lead),
            State::Delivered | State::Closed => {
                Self { price: price(&outcome.taken_by), ..Self::of(lead, Verdict::Accepted, "Delivered", "the lead was delivered") }
            }
            State::Unmatched => {
                let code = outcome.reason.map_or("Unmatched", |reason| reason.as_str());
                Self::of(lead, Verdict::Rejected, code, "nobody takes the lead now; it is kept")
            }
        }
    }

    /// Nothing was kept.
    pub fn refused(refusal: &Refusal) -> Self {
        Self {
            outcome: if matches!(refusal, Refusal::Invalid(_)) { Verdict::Rejected } else { Verdict::Error },
            code: refusal.code(),
            reason: refusal.to_string(),
            lead_id: None,
            price: None,
            field_errors: refusal.field_errors(),
            retryable: refusal.is_retryable(),
        }
    }

    fn of(lead: LeadId, outcome: Verdict, code: &'static str, reason: &str) -> Self {
        Self { outcome, code, reason: reason.to_owned(), lead_id: Some(lead), price: None, field_errors: Vec::new(), retryable: false }
    }
}

/// The sum of what was agreed; none when there is no price, or prices are in several currencies.
fn price(taken: &[Taken]) -> Option<Price> {
    let mut prices = taken.iter().filter_map(|taken| taken.price.as_ref());
    let first = prices.next()?.clone();
    let total = prices.try_fold(first, |sum, next| {
        let minor = sum.minor.checked_add(next.minor)?;
        (sum.currency == next.currency).then_some(Money { minor, currency: sum.currency })
    })?;
    Some(Price { amount: Decimal::new(total.minor, 2).to_string(), currency: total.currency })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::lead::{RecipientKey, UnmatchedReason};

    const LEAD: LeadId = LeadId(Uuid::nil());

    fn delivered(prices: &[(i64, &str)]) -> Outcome {
        let taken = |(minor, currency): &(i64, &str)| Taken {
            recipient: RecipientKey::agent("sarah-lee"),
            record_id: Some("record-7".to_owned()),
            price: Some(Money { minor: *minor, currency: (*currency).to_owned() }),
        };
        Outcome { state: State::Delivered, reason: None, taken_by: prices.iter().map(taken).collect() }
    }

    #[test]
    fn a_source_learns_the_price_and_nothing_of_the_recipient() {
        let json = serde_json::to_value(Answer::standing(LEAD, &delivered(&[(4250, "USD")]))).unwrap();
        let wanted = serde_json::json!({
            "outcome": "accepted", "code": "Delivered", "reason": "the lead was delivered", "leadId": Uuid::nil(),
            "price": {"amount": "42.50", "currency": "USD"}, "fieldErrors": [], "retryable": false
        });
        assert_eq!(json, wanted);
    }

    #[test]
    fn prices_of_one_currency_add_up_and_of_several_are_not_told() {
        let amount = |prices: &[(i64, &str)]| Answer::standing(LEAD, &delivered(prices)).price.map(|price| price.amount);
        assert_eq!(amount(&[(100, "USD"), (250, "USD")]).as_deref(), Some("3.50"));
        assert_eq!(amount(&[(100, "USD"), (250, "EUR")]), None);
        assert_eq!(amount(&[]), None);
    }

    #[test]
    fn every_state_has_its_answer() {
        let answer = |state, reason| Answer::standing(LEAD, &Outcome { state, reason, taken_by: Vec::new() });
        for (state, reason, verdict, code) in [
            (State::Queued, None, Verdict::Accepted, "Accepted"),
            (State::Delivered, None, Verdict::Accepted, "Delivered"),
            (State::Closed, None, Verdict::Accepted, "Delivered"),
            (State::Duplicate, None, Verdict::Duplicate, "Duplicate"),
            (State::Unmatched, Some(UnmatchedReason::CapsReached), Verdict::Rejected, "CapsReached"),
        ] {
            let answer = answer(state, reason);
            assert_eq!((answer.outcome, answer.code, answer.retryable), (verdict, code, false));
        }
    }

    #[test]
    fn an_invalid_lead_is_rejected_and_a_bad_post_is_an_error() {
        assert_eq!(Answer::refused(&Refusal::Invalid(Vec::new())).outcome, Verdict::Rejected);
        let answer = Answer::refused(&Refusal::StoreUnavailable);
        assert_eq!((answer.outcome, answer.retryable), (Verdict::Error, true));
    }
}

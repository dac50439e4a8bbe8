//! What a source is told: one shape for everything.

use serde::Serialize;

use crate::lead::{LeadId, Outcome, State};

use super::field_error::FieldError;
use super::refusal::Refusal;

/// The body of every answer. A source learns the lead's id and how it ended; not who took it, nor what they pay.
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
            State::Delivered | State::Closed => Self::of(lead, Verdict::Accepted, "Delivered", "the lead was delivered"),
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
            field_errors: refusal.field_errors(),
            retryable: refusal.is_retryable(),
        }
    }

    fn of(lead: LeadId, outcome: Verdict, code: &'static str, reason: &str) -> Self {
        Self { outcome, code, reason: reason.to_owned(), lead_id: Some(lead), field_errors: Vec::new(), retryable: false }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::lead::delivery::Money;
    use crate::lead::outcome::Taken;
    use crate::lead::{RecipientKey, UnmatchedReason};

    const LEAD: LeadId = LeadId(Uuid::nil());

    #[test]
    fn a_source_learns_nothing_of_the_recipient() {
        let taken = Taken {
            recipient: RecipientKey::agent("sarah-lee"),
            record_id: Some("record-7".to_owned()),
            price: Some(Money { minor: 4250, currency: "USD".to_owned() }),
        };
        let json = serde_json::to_value(Answer::standing(LEAD, &Outcome { state: State::Delivered, reason: None, taken_by: vec![taken] }))
            .unwrap();
        let wanted = serde_json::json!({
            "outcome": "accepted", "code": "Delivered", "reason": "the lead was delivered", "leadId": Uuid::nil(), "fieldErrors": [], "retryable": false
        });
        assert_eq!(json, wanted);
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

//! Reads an answer: was the lead taken?

use std::ops::RangeInclusive;

use serde_json::Value as Json;

use crate::lead::AttemptResult;
use crate::lead::attempt::FailureCause;

/// Most characters that are kept of a record id or a reason.
const LONGEST_EXTRACT: usize = 256;

/// How an endpoint's answers are read. What no rule matches is decided by its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerRules {
    pub duplicate: Option<AnswerMatch>,
    pub refused: Option<AnswerMatch>,
    pub accepted: Option<AnswerMatch>,
    /// JSON pointer to the far side's id of the lead.
    pub record_id: Option<String>,
    /// JSON pointer to the reason of a refusal.
    pub reason: Option<String>,
}

/// What an answer looks like: all that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerMatch {
    pub status: Option<Vec<RangeInclusive<u16>>>,
    pub body: Option<BodyMatch>,
}

/// The value at a JSON pointer, as text, is one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyMatch {
    pub pointer: String,
    pub is: Vec<String>,
}

/// The body of an answer, as far as it came.
#[derive(Clone, Copy, Debug)]
pub enum AnswerBody<'a> {
    Whole(&'a [u8]),
    /// It ended early, for this cause.
    Cut(FailureCause),
}

/// Whether a match holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    /// The body would tell, and it did not come.
    Unknown,
}

impl AnswerRules {
    /// The verdict on an answer: rules in the order duplicate, refused, accepted, then the status.
    ///
    /// When the body was cut, only a verdict that the status alone gives and that takes nothing stands; an answer that may mean "taken" is ambiguous.
    pub fn read(&self, status: u16, body: AnswerBody<'_>) -> AttemptResult {
        let json = match body {
            AnswerBody::Whole(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            AnswerBody::Cut(_) => Json::Null,
        };
        let text = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| extract(&json, pointer));
        let accepted = || AttemptResult::Accepted { record_id: text(&self.record_id) };
        let duplicate = || AttemptResult::Duplicate { record_id: text(&self.record_id) };
        let refused = || AttemptResult::Refused { reason: text(&self.reason) };

        let rules: [(&Option<AnswerMatch>, &dyn Fn() -> AttemptResult); 3] =
            [(&self.duplicate, &duplicate), (&self.refused, &refused), (&self.accepted, &accepted)];
        let cut = match body {
            AnswerBody::Whole(_) => None,
            AnswerBody::Cut(cause) => Some(cause),
        };
        for (rule, verdict) in rules {
            match (rule.as_ref().map_or(Holds::No, |rule| rule.holds(status, &json, cut.is_some())), cut) {
                (Holds::Yes, None) => return verdict(),
                (Holds::Yes, Some(cause)) => return taken_or_unknown(verdict(), cause),
                (Holds::Unknown, Some(cause)) => return AttemptResult::Ambiguous { cause },
                _ => {}
            }
        }
        let verdict = match status {
            200..=299 => accepted(),
            429 => AttemptResult::Throttled,
            408 | 425 | 500.. => AttemptResult::Failed { cause: FailureCause::Status },
            _ => refused(),
        };
        cut.map_or(verdict.clone(), |cause| taken_or_unknown(verdict, cause))
    }
}

impl AnswerMatch {
    fn holds(&self, status: u16, json: &Json, cut: bool) -> Holds {
        let by_status = self.status.as_ref().is_none_or(|ranges| ranges.iter().any(|range| range.contains(&status)));
        match &self.body {
            _ if !by_status => Holds::No,
            None => Holds::Yes,
            Some(_) if cut => Holds::Unknown,
            Some(body) => match scalar(json, &body.pointer).is_some_and(|text| body.is.contains(&text)) {
                true => Holds::Yes,
                false => Holds::No,
            },
        }
    }
}

/// An answer that says "taken" but did not come whole is not believed.
fn taken_or_unknown(verdict: AttemptResult, cause: FailureCause) -> AttemptResult {
    match verdict {
        AttemptResult::Accepted { .. } | AttemptResult::Duplicate { .. } => AttemptResult::Ambiguous { cause },
        other => other,
    }
}

/// The string, number or boolean at a pointer, as text.
fn scalar(json: &Json, pointer: &str) -> Option<String> {
    match json.pointer(pointer)? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What is kept of a value: printable, and not too long.
fn extract(json: &Json, pointer: &str) -> Option<String> {
    scalar(json, pointer).map(|text| text.chars().filter(|c| !c.is_control()).take(LONGEST_EXTRACT).collect())
}

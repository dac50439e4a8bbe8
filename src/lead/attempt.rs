//! One request that was sent, or could not be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The record of one try of a delivery. It holds no personal data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The delivery's number.
    pub delivery: i32,
    /// Counts the tries of a delivery from 1.
    pub number: i32,
    pub at: Timestamp,
    /// Milliseconds from the start to the verdict.
    pub millis: i64,
    pub result: AttemptResult,
    /// Status code of the answer, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// BLAKE3 of the request's body, in hex, so that it can be proved what was sent.
    pub request_digest: String,
    /// Seconds of the answer's `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum AttemptResult {
    /// The far side took the lead.
    #[serde(rename_all = "camelCase")]
    Accepted {
        #[serde(skip_serializing_if = "Option::is_none")]
        record_id: Option<String>,
    },
    /// The far side has this delivery already: it counts as taken.
    #[serde(rename_all = "camelCase")]
    Duplicate {
        #[serde(skip_serializing_if = "Option::is_none")]
        record_id: Option<String>,
    },
    /// The far side does not want the lead.
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The far side asked for a pause (429).
    Throttled,
    /// The request surely had no effect, or the far side said that it failed.
    Failed { cause: FailureCause },
    /// The request was sent and no answer came: it may have been taken.
    Ambiguous { cause: FailureCause },
}

/// Why a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCause {
    /// The endpoint's address is not allowed, or its name has no address.
    Address,
    /// No connection was made.
    Connect,
    /// No answer within the time.
    Timeout,
    /// The connection broke before the answer was whole.
    Broken,
    /// The answer's status says that the far side failed.
    Status,
    /// The answer is larger than allowed.
    AnswerTooLarge,
    /// A Secret that the request needs is missing.
    Secret,
}

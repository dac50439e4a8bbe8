//! The words of status: condition types and reasons, closed lists, and the one way to set a condition.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::{Deserialize, Serialize};

/// Condition types, as the Gateway API uses the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConditionType {
    /// The object is valid and routers use it.
    Accepted,
    /// Everything that the object names exists.
    ResolvedRefs,
    /// Every router runs this generation.
    Programmed,
    /// The summary: all of the above, and for an Exchange, its pods are ready.
    Ready,
    /// An Endpoint may be delivered to; written by routers.
    Available,
    /// Part of the object can't be used here, and the rest is; the message says which part. Present only while true.
    PartiallyInvalid,
    /// Time won't mend it: somebody has to change the object. Present only while true.
    Stalled,
    /// It works, but not as well as it should. Present only while true.
    Degraded,
}

/// Reasons of conditions. Users' automation reads them: they are API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Valid.
    Accepted,
    /// Part of the object can't be compiled; the message names the field.
    Invalid,
    /// The namespace has another, older Exchange.
    Conflicted,
    /// The namespace has no Exchange.
    NoExchange,
    /// The value is understood, but can't be used here; the message says what can.
    UnsupportedValue,
    /// Everything referred to exists.
    ResolvedRefs,
    /// A Secret, or a key in one, is missing.
    SecretNotFound,
    /// An Endpoint is missing.
    EndpointNotFound,
    /// Every router runs this generation.
    Programmed,
    /// Some router does not run this generation yet, or none runs.
    Pending,
    /// All is well.
    Ready,
    /// Pods are starting, or being replaced.
    Progressing,
    /// The API server refused a write.
    Forbidden,
    /// Definitions on the API server are older than the program, and drop what they do not know.
    DefinitionsOutdated,
    /// The circuit is closed, in the textbook's words.
    CircuitServing,
    /// The endpoint is left alone for a while.
    CircuitTripped,
    /// One lead is sent to see whether the endpoint is back.
    CircuitProbing,
    /// `spec.circuit` is `Paused`.
    CircuitPaused,
    /// `spec.circuit` is `Forced`.
    CircuitForced,
}

/// Longest message of a condition, in bytes. The API server's own limit is 32,768.
const LONGEST_MESSAGE: usize = 1024;

/// A condition to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub kind: ConditionType,
    pub status: bool,
    pub reason: Reason,
    pub message: String,
}

/// Builds the list of conditions that `wanted` describes, keeping each `lastTransitionTime` of `current` whose status does not change.
pub fn conditions(current: &[Condition], wanted: &[Wanted], generation: Option<i64>, now: jiff::Timestamp) -> Vec<Condition> {
    wanted
        .iter()
        .map(|want| {
            let kind = format!("{:?}", want.kind);
            let status = if want.status { "True" } else { "False" };
            let before = current.iter().find(|c| c.type_ == kind && c.status == status);
            Condition {
                type_: kind,
                status: status.to_owned(),
                reason: format!("{:?}", want.reason),
                message: shortened(&want.message),
                observed_generation: generation,
                last_transition_time: before.map_or_else(|| Time(seconds(now)), |c| c.last_transition_time.clone()),
            }
        })
        .collect()
}

/// Kubernetes writes times in whole seconds.
fn seconds(now: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Cuts a message at a character boundary.
fn shortened(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let mut end = LONGEST_MESSAGE - 1;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &message[..end])
}

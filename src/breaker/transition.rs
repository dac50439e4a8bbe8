//! A change of a circuit, as others are told.

use super::machine::View;
use crate::api::condition::{ConditionType, Reason, Wanted};
use crate::api::endpoint::{CircuitMode, CircuitReason, CircuitState};

/// One change of one endpoint's circuit or of its manual override.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub endpoint: String,
    /// The object that it speaks of; absent without a cluster.
    pub uid: Option<String>,
    pub generation: Option<i64>,
    pub mode: CircuitMode,
    pub view: View,
    /// It serves again after a trip, here or elsewhere.
    pub recovered: bool,
}

impl Transition {
    pub(super) fn log(&self) {
        let View { state, reason, retry_at, .. } = self.view;
        let retry_at = retry_at.map(tracing::field::display);
        tracing::info!(endpoint = self.endpoint, ?state, ?reason, retry_at, mode = ?self.mode, "circuit changed");
    }

    /// The condition `Available` that it makes.
    pub fn condition(&self) -> Wanted {
        let (status, reason, message) = match (self.mode, self.view.state) {
            (CircuitMode::Paused, _) => (false, Reason::CircuitPaused, "Nothing is sent while spec.circuit is Paused.".to_owned()),
            (CircuitMode::Forced, _) => (true, Reason::CircuitForced, "Sent to regardless of failures: spec.circuit is Forced.".to_owned()),
            (CircuitMode::Auto, CircuitState::Serving) => (true, Reason::CircuitServing, "Leads are sent.".to_owned()),
            (CircuitMode::Auto, CircuitState::Probing) => {
                (false, Reason::CircuitProbing, "One lead at a time is sent to see whether the endpoint is back.".to_owned())
            }
            (CircuitMode::Auto, CircuitState::Tripped) => (false, Reason::CircuitTripped, self.tripped()),
        };
        Wanted { kind: ConditionType::Available, status, reason, message }
    }

    /// What tripped it and until when, in a sentence.
    pub fn tripped(&self) -> String {
        let why = match self.view.reason {
            CircuitReason::ConsecutiveFailures => "too many requests in a row failed",
            CircuitReason::FailureRate => "too large a share of requests failed",
            CircuitReason::SlowCalls => "too large a share of requests was slow",
            CircuitReason::ProbeFailed => "the endpoint is not back yet",
            CircuitReason::ProbeDue | CircuitReason::Recovered => "it failed",
        };
        match self.view.retry_at {
            Some(at) => format!("Left alone until {}: {why}.", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            None => format!("Left alone: {why}."),
        }
    }
}

//! Where a lead is in its life, and how it ended.

use serde::{Deserialize, Serialize};

use super::{RecipientKey, delivery::Money};

/// Where a lead is. `Delivered`, `Duplicate` and `Closed` are final; `Unmatched` rests until rules or time change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Waiting for a router, or with one.
    Queued,
    /// Taken by its recipients.
    Delivered,
    /// Nobody could take it; see the reason.
    Unmatched,
    /// Sent before by the same source.
    Duplicate,
    /// Delivered, and the agent's work on it is over.
    Closed,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Queued, Self::Delivered, Self::Unmatched, Self::Duplicate, Self::Closed];

    /// The name that the store and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Unmatched => "unmatched",
            Self::Duplicate => "duplicate",
            Self::Closed => "closed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why nobody took a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UnmatchedReason {
    /// No policy takes such a lead.
    NoPolicy,
    /// No recipient's filters let it through.
    NobodyMatches,
    /// Somebody matches, but all such are at a cap or their capacity.
    CapsReached,
    /// Somebody matches, but the endpoints of all such are tripped or paused.
    EndpointsUnavailable,
    /// All who were asked refused, or could not be reached.
    AllRefused,
    /// The policy's time was over.
    TimeOver,
    /// An endpoint may or may not have taken the lead, and has not answered since.
    Unsettled,
    /// Somebody matches, but all such are closed, on time off or paused.
    AllAway,
    /// The law forbids to call the lead now.
    QuietHours,
    /// It waits for a recipient at its cap, as the cap declares.
    Queued,
    /// Somebody matches, but nobody of these has a skill that the policy asks for.
    SkillMissing,
}

impl UnmatchedReason {
    pub const ALL: [Self; 11] = [
        Self::NoPolicy,
        Self::NobodyMatches,
        Self::CapsReached,
        Self::EndpointsUnavailable,
        Self::AllRefused,
        Self::TimeOver,
        Self::Unsettled,
        Self::AllAway,
        Self::QuietHours,
        Self::Queued,
        Self::SkillMissing,
    ];

    /// The name that status, metrics and the store use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPolicy => "NoPolicy",
            Self::NobodyMatches => "NobodyMatches",
            Self::CapsReached => "CapsReached",
            Self::EndpointsUnavailable => "EndpointsUnavailable",
            Self::AllRefused => "AllRefused",
            Self::TimeOver => "TimeOver",
            Self::Unsettled => "Unsettled",
            Self::AllAway => "AllAway",
            Self::QuietHours => "QuietHours",
            Self::Queued => "Queued",
            Self::SkillMissing => "SkillMissing",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Where a lead stands, as its source may learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnmatchedReason>,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_by: Vec<Taken>,
}

/// One recipient that took a lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    pub recipient: RecipientKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}

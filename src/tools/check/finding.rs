//! What can be found, and how much it matters.

use std::fmt;

use serde::Serialize;

use crate::table::ObjectRef;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Part of the rules will not be used, or the API server will refuse it.
    Error,
    /// The rules work, but surely not as they are meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Kinds of findings. Pipelines read them: they are API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Code {
    InvalidManifest,
    InvalidRule,
    NoExchange,
    DanglingReference,
    SecretIncomplete,
    SecretNotInFolder,
    SelectorMatchesNothing,
    SourceWithoutPolicy,
    PoliciesOverlap,
    PolicyNeverUsed,
    TierEmpty,
    TierUnreachable,
    RecipientUnused,
    CapOfZero,
    FilterNeverPasses,
    GradeNotGiven,
    SkillNobodyHas,
    ZipsUnserved,
    ExpressionFails,
    SampleRefused,
}

impl Code {
    pub const ALL: [Self; 20] = [
        Self::InvalidManifest,
        Self::InvalidRule,
        Self::NoExchange,
        Self::DanglingReference,
        Self::SecretIncomplete,
        Self::SecretNotInFolder,
        Self::SelectorMatchesNothing,
        Self::SourceWithoutPolicy,
        Self::PoliciesOverlap,
        Self::PolicyNeverUsed,
        Self::TierEmpty,
        Self::TierUnreachable,
        Self::RecipientUnused,
        Self::CapOfZero,
        Self::FilterNeverPasses,
        Self::GradeNotGiven,
        Self::SkillNobodyHas,
        Self::ZipsUnserved,
        Self::ExpressionFails,
        Self::SampleRefused,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidManifest => "InvalidManifest",
            Self::InvalidRule => "InvalidRule",
            Self::NoExchange => "NoExchange",
            Self::DanglingReference => "DanglingReference",
            Self::SecretIncomplete => "SecretIncomplete",
            Self::SecretNotInFolder => "SecretNotInFolder",
            Self::SelectorMatchesNothing => "SelectorMatchesNothing",
            Self::SourceWithoutPolicy => "SourceWithoutPolicy",
            Self::PoliciesOverlap => "PoliciesOverlap",
            Self::PolicyNeverUsed => "PolicyNeverUsed",
            Self::TierEmpty => "TierEmpty",
            Self::TierUnreachable => "TierUnreachable",
            Self::RecipientUnused => "RecipientUnused",
            Self::CapOfZero => "CapOfZero",
            Self::FilterNeverPasses => "FilterNeverPasses",
            Self::GradeNotGiven => "GradeNotGiven",
            Self::SkillNobodyHas => "SkillNobodyHas",
            Self::ZipsUnserved => "ZipsUnserved",
            Self::ExpressionFails => "ExpressionFails",
            Self::SampleRefused => "SampleRefused",
        }
    }

    /// How much it matters, unless a finding says less.
    pub fn level(self) -> Level {
        match self {
            Self::InvalidManifest | Self::InvalidRule | Self::NoExchange | Self::DanglingReference | Self::SecretIncomplete => Level::Error,
            Self::SecretNotInFolder | Self::RecipientUnused => Level::Note,
            _ => Level::Warning,
        }
    }

    /// What it means: a row of `docs/check.md`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InvalidManifest => {
                "a file can't be read, or the API server would refuse the manifest; the rest is checked once it is mended"
            }
            Self::InvalidRule => "the manifest is admitted, but the rules can't be compiled with it, so routers would leave it out",
            Self::NoExchange => "the folder holds no Exchange, so the rules can't be compiled; only what needs no Exchange is checked",
            Self::DanglingReference => "an Endpoint, Agent, Buyer, contract or LeadSource is named that the folder does not hold",
            Self::SecretIncomplete => "the folder holds the Secret that is named, but not what must be in it",
            Self::SecretNotInFolder => "a Secret is named that the folder does not hold; it may well be created elsewhere",
            Self::SelectorMatchesNothing => "a selector chooses no object of the folder",
            Self::SourceWithoutPolicy => "no live policy takes leads of the source: all of them would go to the unmatched queue",
            Self::PoliciesOverlap => {
                "two policies of the same precedence can take the same leads; the message says which one does (a note when both have conditions, which may exclude each other)"
            }
            Self::PolicyNeverUsed => "policies of higher precedence take every lead that the policy could",
            Self::TierEmpty => "nobody is in the tier or fallback",
            Self::TierUnreachable => "whoever is in the tier or fallback was always asked in an earlier tier already",
            Self::RecipientUnused => "the agent or contract is in no tier or fallback, and stands in for nobody",
            Self::CapOfZero => "a cap or capacity of 0: the recipient never gets a lead",
            Self::FilterNeverPasses => {
                "no lead can pass the test, or not by this value: two tests contradict each other, or the value is not in canonical spelling"
            }
            Self::GradeNotGiven => "a grade is named that no policy which the recipient is in gives",
            Self::SkillNobodyHas => "a policy asks for a skill that no agent has",
            Self::ZipsUnserved => {
                "sample leads have ZIPs that no recipient of any live policy takes; or (a note) a policy's recipients take most ZIPs of a three-digit area, and none of them the rest"
            }
            Self::ExpressionFails => {
                "an expression can't be evaluated on some sample leads (a note for leads made up of what sources require)"
            }
            Self::SampleRefused => "a sample lead can't be read, or its source would refuse it",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Path of the file, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    pub level: Level,
    pub code: Code,
    /// `Agent/sarah-lee`; none for what concerns no single object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Path of the field, such as `spec.tiers[0].to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// Something about the folder as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            file: None,
            line: None,
            column: None,
            level: code.level(),
            code,
            object: None,
            field: None,
            message: message.into(),
            fix: None,
        }
    }

    /// Something about one object's field.
    pub fn of(code: Code, object: &ObjectRef, field: impl Into<String>, message: impl Into<String>) -> Self {
        let (object, field) = (format!("{}/{}", object.kind.as_str(), object.name), field.into());
        Self { object: Some(object), field: Some(field).filter(|field| !field.is_empty()), ..Self::new(code, message) }
    }

    /// With what to do about it.
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// With another level.
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// `RoutingPolicy/residential: spec.tiers[0].to`, as far as it is known.
    pub fn subject(&self) -> String {
        [self.object.as_deref(), self.field.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ")
    }
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
}

impl Counts {
    pub fn of(findings: &[Finding]) -> Self {
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        Self { errors: count(Level::Error), warnings: count(Level::Warning), notes: count(Level::Note) }
    }
}

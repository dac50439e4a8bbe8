//! The nouns of a lead's life. No IO, no Kubernetes.
//!
//! [`Submission`] (what was posted) → [`Lead`] (typed, normalised) → [`Decision`] (who could have it, in order) → [`Delivery`] (a held place and
//! the exact request) → [`Attempt`]s → [`Outcome`].

pub mod attempt;
pub mod decision;
pub mod delivery;
pub mod enquiry;
pub mod id;
pub mod outcome;
pub mod place;
pub mod recipient;
pub mod submission;
pub mod value;

pub use attempt::{Attempt, AttemptResult};
pub use decision::{Candidate, Decision};
pub use delivery::{Delivery, Request};
pub use enquiry::Lead;
pub use id::LeadId;
pub use outcome::{Outcome, State, UnmatchedReason};
pub use recipient::RecipientKey;
pub use submission::Submission;
pub use value::Value;

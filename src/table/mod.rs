//! The rules, compiled: custom resources → one immutable [`Table`] that a lead is decided by.
//!
//! [`objects`] is the set of custom resources of a namespace. [`compile`] turns it into a table and the list of what was
//! rejected; the operator calls it to write status, every router to route. [`live`] is the current table, swapped whole.

pub mod bits;
pub mod compile;
pub mod compiler;
pub mod digest;
pub mod duty;
pub mod endpoint;
pub mod expression;
pub mod index;
pub mod live;
pub mod nearest;
pub mod objects;
mod pieces;
pub mod policy;
pub mod recipient;
pub mod references;
pub mod row;
pub mod schema;
pub mod secrets;
pub mod source;
pub mod texts;
pub mod traits;

pub use compile::{Rejected, Table, compile};
pub use compiler::Compiler;
pub use endpoint::EndpointRules;
pub use live::Live;
pub use objects::{Kind, ObjectRef, Objects};
pub use secrets::{Entries, Secrets};

/// What is wrong with an object, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Problem {
    /// Path of the field, such as `spec.tiers[0].method.score.expression`.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

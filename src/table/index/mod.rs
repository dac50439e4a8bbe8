//! The filters of all recipients, turned around: from a field's value to the recipients that take it.
//!
//! [`test`] says what a recipient asks of a field; it is the plain meaning that the index must agree with. The [`Index`] has for each [`field`] its parts:
//! [`listing`]s from values and prefixes to bits, and [`ranges`] cut into segments. So a lead costs a few AND operations a field, however many recipients
//! there are. A changed recipient is changed in the parts of the fields that it tests; the others are shared with the index before.

mod dictionary;
mod field;
mod listing;
mod ranges;
pub mod test;
#[cfg(test)]
mod tests;
mod whole;

pub use test::{FieldTest, Subject, Tests};
pub use whole::{Index, Removed};

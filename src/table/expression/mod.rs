//! CEL, bounded and fast: expressions that users write, so that none can stall or end a router, or slow a decision.
//!
//! [`Expressions`] compiles them, each text once. [`reading`] makes a tree of a text, [`syntax`] most of them. [`bounds`] says what an expression may be.
//! [`native`] is our own program over the slots of [`LeadFacts`], for what most conditions are made of; whatever else CEL can say is left to the `cel`
//! crate by [`crates`]. Both ways mean the same. [`Fault`] says why an expression gave nothing.

mod bounds;
mod compiled;
mod crates;
mod expressions;
mod facts;
mod fault;
mod native;
mod reading;
mod recipient;
mod syntax;
#[cfg(test)]
mod tests;

pub use compiled::Expression;
pub use expressions::Expressions;
pub use facts::LeadFacts;
pub use fault::Fault;
pub use recipient::RecipientFacts;

/// What an expression may speak of, and what it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// A condition over a `lead` that was not scored yet: `lead.grade` and `lead.score` are unknown.
    BeforeScore,
    /// A condition over `lead`.
    Condition,
    /// A number over `lead` and `recipient`.
    Score,
}

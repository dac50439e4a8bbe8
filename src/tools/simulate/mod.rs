//! `leadflow simulate`: what rules would do to leads, beside what other rules would.
//!
//! [`roster`] numbers the recipients and tiers of both sides alike, so that counting a lead takes no text. [`count`] counts lead by lead, [`report`] is what
//! comes of it, [`fairness`] compares shares with what was intended. [`run`] decides all leads, one [`side`] after the other, with caps [`watched`]. [`table`] and [`markdown`] write a report for people. [`command`] is the tool
//! itself; for leads of the store it sends a [`request`] to a router.

pub mod command;
pub mod count;
pub mod fairness;
pub mod markdown;
pub mod report;
pub mod request;
pub mod roster;
pub mod run;
pub mod side;
pub mod table;
#[cfg(test)]
mod tests;
mod watched;

pub use count::{Count, Outcome, Sale};
pub use report::Report;
pub use roster::{Intended, Roster, TierOf};
pub use run::simulate;

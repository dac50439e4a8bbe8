//! `leadflow check`: all that is wrong with a folder of manifests, or looks as if it were.
//!
//! One file for each family of checks, all of them pure: [`rules`] (what admission and compilation say), [`references`], [`policies`], [`tiers`],
//! [`recipients`], [`vocabulary`] (grades and skills), [`coverage`] and [`areas`] (ZIPs), [`dry_run`] (CEL on [`samples`]). [`findings`] runs all of them.
//! A [`finding`] is placed in its file by [`places`], and written by [`text`], [`sarif`] or [`junit`]. [`command`] is the tool itself.

pub mod areas;
pub mod command;
pub mod coverage;
pub mod dry_run;
pub mod finding;
pub mod findings;
pub mod junit;
pub mod places;
pub mod policies;
pub mod recipients;
pub mod references;
pub mod rules;
pub mod samples;
pub mod sarif;
#[cfg(test)]
mod tests;
pub mod text;
pub mod tiers;
pub mod vocabulary;

//! What holds across the whole tree: who may import what, that samples work, and that documents say what the code does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod architecture;
mod check;
mod conditions;
mod events;
mod metrics;
mod promtool;
mod quiet_hours;
mod samples;
mod sources;
mod tools;
mod values;
mod watching;

//! The process tier: LeadFlow's roles as real processes on loopback, against real databases and a real API server, broken on purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

// Each tier uses its own part.
#[allow(unused_imports)]
#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod standalone;

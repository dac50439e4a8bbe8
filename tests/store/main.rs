//! What every store promises, as sentences: each runs on SQLite and on a real PostgreSQL. Then what is particular to either, and what survives a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod contention;
mod given;
mod model;
mod postgres;
mod sentences;
mod sqlite;
// Uses a share of what there is.
#[allow(unused_imports)]
#[path = "../support/mod.rs"]
mod support;

//! The API tier: what only a real Kubernetes API server can tell.

// A test that cannot go on says why and ends.
#![allow(clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod environment;

//! The API tier: what only a real Kubernetes API server can tell.

// A test that cannot go on says why and ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod chart;
mod crds;
mod data_plane;
mod definitions;
mod election;
mod environment;
mod exposed;
mod gitops;
mod house;
mod last_good;
mod operator;
mod rbac;
mod rest;

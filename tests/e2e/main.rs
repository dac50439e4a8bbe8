//! The cluster tier: the chart installed on a real cluster, real pods, and what becomes of leads when all of it is changed, upgraded and broken.
//!
//! `make e2e` brings up nodes of its own and runs it; with `KUBECONFIG` set it runs on that cluster. Stories that change nothing for others run side by
//! side; those that stop something that all stand on ([`site::Site::alone`]) wait until they are alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
// Real pods run by the real clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod site;

mod autoscale;
mod backup;
mod bad_manifest;
mod circuit;
mod complaints;
mod figures;
mod gitops;
mod install;
mod leader;
mod live;
mod nodes;
mod outages;
mod plugin;
mod rest;
mod rights;
mod rolling;
mod uninstall;

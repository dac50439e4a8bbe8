//! LeadFlow distributes sales leads by rules that are Kubernetes custom resources.
//!
//! Two walks lead through the code.
//!
//! *A lead's:* [`roles::ingest`] takes the post, [`formats`] reads it, [`flow`] normalises, validates and keeps it in the [`store`]. A router
//! ([`roles::router`]) claims it, [`flow::decide`] says who gets it, [`flow::route`] holds the place and sees the delivery to its end, through
//! [`connect`] and past the [`breaker`]. Its nouns are in [`lead`].
//!
//! *A change's:* a custom resource ([`api`]) comes by a watch ([`cluster`]) or from a [`folder`], [`table::compile`] makes the rules of it, and
//! [`roles::in_force`] puts them in force. The operator ([`control`]) compiles the same and writes status.
//!
//! [`geography`] knows where a lead is, [`ops`] is what people on call see, [`tools`] what people call, [`settings`] what a process is told.

pub mod api;
pub mod breaker;
pub mod calendar;
pub mod cluster;
pub mod connect;
pub mod control;
pub mod flow;
pub mod folder;
pub mod formats;
pub mod geography;
pub mod lead;
pub mod ops;
pub mod roles;
pub mod settings;
pub mod store;
pub mod table;
pub mod tools;

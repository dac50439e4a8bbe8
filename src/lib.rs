//! LeadFlow.
pub mod api;
pub mod breaker;
pub mod cluster;
pub mod connect;
pub mod control;
pub mod flow;
pub mod folder;
pub mod formats;
pub mod lead;
pub mod ops;
pub mod roles;
pub mod settings;
pub mod store;
pub mod table;
pub mod tools;

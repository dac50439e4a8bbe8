//! LeadFlow.
pub mod api;
pub mod cluster;
pub mod control;
pub mod flow;
pub mod lead;
pub mod ops;
pub mod store;
pub mod table;
pub mod tools;

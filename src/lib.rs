//! LeadFlow.
pub mod api;
pub mod flow;
pub mod formats;
pub mod lead;
pub mod ops;
pub mod roles;
pub mod store;
pub mod table;

//! LeadFlow.
pub mod api;
pub mod breaker;
pub mod connect;
pub mod flow;
pub mod lead;
pub mod ops;
pub mod store;
pub mod table;

//! The verbs, in the order in which a lead meets them.

pub mod field_error;
pub mod normalise;
pub mod ports;

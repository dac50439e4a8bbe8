//! The verbs, in the order in which a lead meets them.

pub mod deliver;
pub mod ports;

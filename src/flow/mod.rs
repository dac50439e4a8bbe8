//! The verbs, in the order in which a lead meets them.

pub mod decide;
pub mod ports;
pub mod view;

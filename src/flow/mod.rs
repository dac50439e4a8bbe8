//! The verbs, in the order in which a lead meets them.

pub mod authenticate;
pub mod decide;
pub mod field_error;
pub mod fingerprint;
pub mod normalise;
pub mod ports;
pub mod validate;
pub mod view;

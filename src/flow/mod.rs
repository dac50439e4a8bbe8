//! The verbs, in the order in which a lead meets them.

pub mod answer;
pub mod arrive;
pub mod authenticate;
pub mod field_error;
pub mod fingerprint;
pub mod normalise;
pub mod ports;
pub mod rate;
pub mod refusal;
pub mod validate;
pub mod wait;

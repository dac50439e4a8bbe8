//! The verbs, in the order in which a lead meets them.

pub mod answer;
pub mod arrive;
pub mod authenticate;
pub mod decide;
pub mod deliver;
pub mod envelope;
pub mod field_error;
pub mod fingerprint;
pub mod normalise;
pub mod ports;
pub mod rate;
pub mod refusal;
pub mod route;
pub mod validate;
pub mod view;
pub mod wait;

//! The verbs, in the order in which a lead meets them.
//!
//! Ingest: [`authenticate`] and [`rate`] let a post in, [`arrive`] makes a durable lead of it by [`normalise`], [`validate`] and [`fingerprint`];
//! [`refusal`], [`field_error`] and [`answer`] say how it went, [`wait`] waits for the outcome.
//!
//! Router: [`route`] walks a lead from claim to settlement: [`decide`] by what the [`standing`] knows (and of the lead's [`owners`]), reserve in the store ([`envelope`] seals what goes
//! there), [`deliver`]. [`ports`] are time and chance.

pub mod answer;
pub mod arrive;
pub mod authenticate;
pub mod decide;
pub mod deliver;
pub mod envelope;
pub mod field_error;
pub mod fingerprint;
pub mod normalise;
pub mod owners;
pub mod ports;
pub mod rate;
pub mod refusal;
pub mod route;
pub mod standing;
pub mod validate;
pub mod wait;

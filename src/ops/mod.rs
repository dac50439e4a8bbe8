//! What the people on call see: metrics, logs, health, and the admin port.

pub mod metrics;

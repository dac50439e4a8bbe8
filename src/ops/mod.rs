//! What the people on call see and use: metrics, logs, health, the admin port, and an orderly end.
//!
//! [`readiness`] says whether a process may be given work, [`tasks`] keeps its tasks in sight, [`shutdown`] ends it in order.
//! [`admin`] shows all three over HTTP, with [`lead_pages`] for single leads and [`rule_pages`] for policies and
//! [`simulation_page`] for other rules on routers. [`listen`] opens the ports.

pub mod admin;
pub mod lead_pages;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod readiness;
pub mod rule_pages;
pub mod shutdown;
pub mod simulation_page;
pub mod tasks;

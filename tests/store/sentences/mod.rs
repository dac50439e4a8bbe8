//! The promises of the port.

mod append;
mod group;
mod lease;
mod look;
mod record;
mod reserve;
mod settle;
mod turns;

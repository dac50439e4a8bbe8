//! The promises of the port.

mod adopt;
mod again;
mod append;
mod caps;
mod group;
mod lease;
mod look;
mod owners;
mod probe;
mod record;
mod reserve;
mod settle;
mod turns;

//! Ingest as its sources see it: the real routes over a store in memory.

mod connections;
mod house;
mod leads;
mod log;
mod memory;
mod once;
mod privacy;
mod random_bodies;
mod refusals;
mod spooled;
mod waiting;

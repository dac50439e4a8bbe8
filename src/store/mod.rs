//! What happened to leads: one narrow port, two stores behind it, one conformance suite over both.
//!
//! [`port`] says what a store promises. [`sqlite`] keeps it in one file of this process, [`postgres`] in a database that several processes share.
//! [`seal`] encrypts whatever is personal before it gets here. [`group`] gathers single calls into the port's batches, so that many leads share one
//! disk flush. [`spool`] is where leads wait on disk while the store is away. What a batch comes to is decided by the pure `admit`, `places` and `ends`, the same for both stores.

mod admit;
mod ends;
pub mod group;
mod places;
pub mod port;
pub mod postgres;
pub mod seal;
pub mod spool;
pub mod sqlite;
#[cfg(test)]
mod tests;
mod waking;
mod windows;
mod words;

pub use port::*;

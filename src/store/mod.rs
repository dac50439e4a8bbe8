//! What happened to leads: one narrow port, two stores behind it, one conformance suite over both.
//!
//! [`port`] says what a store promises. [`sqlite`] keeps it in one file of this process, [`postgres`] in a database that several processes share.
//! [`seal`] encrypts whatever is personal before it gets here. [`group`] gathers single calls into the port's batches, so that many leads share one
//! disk flush.

pub mod port;

pub use port::*;

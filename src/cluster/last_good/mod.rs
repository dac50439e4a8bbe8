//! The last good version of each object: what runs while its manifest is broken.
//!
//! An object that was accepted and then changed into something that can't be used keeps running as it was; an object that was broken from its first day is
//! left out. Operator and pods [settle](settle) this by the same pure function, so that they come to the same rules. A process that starts while a manifest is
//! broken knows of no better times: for it the operator keeps the good version as a [`ControllerRevision`](record), which belongs to the object and goes
//! when the object is mended or deleted.
//!
//! What was accepted while no operator ran, and broken before one ran again, is known to the pods of that time alone.

pub mod record;
pub mod settle;
pub mod watch;

pub use record::{Record, Records};
pub use settle::{LastGood, Settled};

#[cfg(test)]
mod tests;

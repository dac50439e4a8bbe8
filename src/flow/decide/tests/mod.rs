//! What a decision promises.

pub mod house;
mod incremental;
mod instead;
mod law;
mod limits;
pub mod random;
mod replay;
mod shares;
mod worked;

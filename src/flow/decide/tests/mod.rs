//! What a decision promises.

mod house;
mod law;

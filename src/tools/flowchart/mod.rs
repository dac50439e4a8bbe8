//! `leadflow flowchart`: a policy as a flowchart that a person could follow by hand.
//!
//! [`draw`] puts a policy's steps in order, [`words`] says each in plain words, [`mermaid`] writes the diagram. [`command`] is the tool itself.

pub mod command;
pub mod draw;
pub mod mermaid;
#[cfg(test)]
mod tests;
pub mod words;

pub use draw::{UnknownPolicy, flowchart};

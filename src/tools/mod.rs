//! The tools of the command line. They write to what they are given, so that a test can read it.
//!
//! [`crds`] writes the CustomResourceDefinitions. [`explain`] and [`close`] ask a router's admin port ([`admin_port`]); [`explanation`] is what it
//! answers, [`explanation_text`] how people read it. [`load`] posts many leads and measures, [`quantiles`] and [`flush`] with it. [`receiver`] is the sample CRM of `quickstart`.

pub mod admin_port;
pub mod close;
pub mod crds;
pub mod explain;
pub mod explanation;
pub mod explanation_text;
pub mod flush;
pub mod load;
pub mod quantiles;
pub mod receiver;

//! `kubectl leadflow`: what people ask of an installation on a cluster, with their own rights and nothing installed beside it.
//!
//! Objects are read as JSON, not as this version's types, so that a plugin older or newer than the cluster shows what it knows.
//!
//! | module | for |
//! |---|---|
//! | [`cluster`] | a kubeconfig, and requests with a deadline |
//! | [`places`] | where an Exchange's pods and Services are, and the way to them through the API server |
//! | [`object`] | what is read of any object: name, conditions, how it fares |
//! | [`samples`] | metrics as pods tell them |
//! | [`page`] | columns, ages and colours of what people read |
//! | [`status`] | an Exchange on one screen |
//! | [`circuit`] | circuits as routers see them, and their manual override |
//! | [`send_test`] | one made-up lead |
//! | [`report`] | a file for those who help, without secrets and personal data |

pub mod circuit;
pub mod cluster;
pub mod object;
pub mod page;
pub mod places;
pub mod report;
pub mod samples;
pub mod send_test;
pub mod status;

#[cfg(test)]
mod house;

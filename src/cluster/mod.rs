//! What LeadFlow needs of a cluster: the custom resources, Secrets by name, and a Lease that says which rules a pod runs.
//!
//! | module | for |
//! |---|---|
//! | [`scope`] | in which namespaces to look |
//! | [`watching`] | how a watch goes on after a failure |
//! | [`rules`] | watches of the custom resources, complete before the first word, quiet about status |
//! | [`index`] | the pure heart of it: events in, sets of objects out |
//! | [`rule`] | one custom resource of any kind |
//! | [`secrets`] | watches of single Secrets by name, by `list` and `watch` of that name alone |
//! | [`last_good`] | the last good version of an object that was broken, which keeps running |
//! | [`lease`] | the Lease of one pod |
//! | [`election`] | the Lease of the one operator that leads |
//! | [`requests`] | counting what the API server is asked |
//! | [`deadline`], [`backoff`] | no call without a deadline, no repetition without a growing pause |

pub mod backoff;
pub mod deadline;
pub mod election;
pub mod index;
pub mod last_good;
pub mod lease;
pub mod requests;
pub mod rule;
pub mod rules;
pub mod scope;
pub mod secrets;
pub mod watching;

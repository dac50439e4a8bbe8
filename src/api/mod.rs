//! What users write: the custom resources of `leadflow.dev/v1alpha1`. Types, schema and admission rules; no IO.
//!
//! | kind | what it is |
//! |---|---|
//! | [`Exchange`] | one installation in a namespace |
//! | [`LeadSource`] | who may post leads, and how they are read |
//! | [`Agent`] | a salesperson |
//! | [`Buyer`] | a company and its standing orders (contracts) |
//! | [`Endpoint`] | where leads are delivered |
//! | [`RoutingPolicy`] | who gets which lead |

pub mod agent;
pub mod availability;
pub mod buyer;
pub mod cap;
pub mod condition;
pub mod crds;
pub mod endpoint;
pub mod exchange;
pub mod expose;
pub mod lead_source;
pub mod pods;
pub mod routing_policy;
pub mod shared;
pub mod workload;

pub use agent::Agent;
pub use buyer::Buyer;
pub use endpoint::Endpoint;
pub use exchange::Exchange;
pub use lead_source::LeadSource;
pub use routing_policy::RoutingPolicy;

/// API group of every kind.
pub const GROUP: &str = "leadflow.dev";
/// The one served version.
pub const VERSION: &str = "v1alpha1";

//! LeadFlow in a cluster: a real API server, the operator under the rights of `config/`, and the pods that it asks for, run as local processes.
//!
//! | module | for |
//! |---|---|
//! | [`kubelet`] | what a kubelet does with a pod, without containers |
//! | [`house`] | an Exchange in a namespace of its own, its pods, its database, its far side |
//! | [`asking`] | posting leads, and asking pods' admin ports |
//! | [`objects`] | following objects at the API server |

mod asking;
mod house;
mod kubelet;
mod objects;

mod away;
mod broken;
mod caps;
mod circuit;
mod embedded;
mod kills;
mod leaving;
mod live;
mod outage;
mod plugin;
mod privacy;
mod rotation;
mod samples;

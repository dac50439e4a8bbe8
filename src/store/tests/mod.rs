//! Every state that the protocol can get to, at a small scale: the deciders are asked at each step of each interleaving, and laws are held to in
//! each state.

mod protocol;
mod reach;
mod rotation;

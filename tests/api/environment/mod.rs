//! The environment itself: that the servers which the other tests stand on do what
//! those tests take for granted.

mod cluster;
mod postgres;
mod processes;
mod receiver;

//! `leadflow standalone`: one process from a folder of manifests, with the far side of its deliveries in the test's own process.
//!
//! | module | what must hold |
//! |---|---|
//! | [`breaker`] | an endpoint that fails is left alone, and comes back by itself |
//! | [`crashes`] | `kill -9` at any point loses nothing, sells nothing twice, exceeds nothing |
//! | [`edits`] | manifests and Secrets take effect while the process runs |
//! | [`shared_caps`] | two processes on one PostgreSQL share a cap exactly |

mod books;
mod breaker;
mod crashes;
mod edits;
mod installation;
mod manifests;
mod shared_caps;
mod traffic;

//! `leadflow standalone`: one process from a folder of manifests, with the far side of its deliveries in the test's own process.
//!
//! | module | what must hold |
//! |---|---|
//! | [`answers`] | what a source is answered |
//! | [`breaker`] | an endpoint that fails is left alone, and comes back by itself |
//! | [`crashes`] | `kill -9` at any point loses nothing, sells nothing twice, exceeds nothing |
//! | [`drain`] | SIGTERM finishes what was begun |
//! | [`edits`] | manifests and Secrets take effect while the process runs |
//! | [`market`] | owners, grades, budgets, shadows and released leads |
//! | [`personal_data`] | what tells who a lead is shows nowhere |
//! | [`replay`] | decisions on record come out the same again |
//! | [`shared_caps`] | two processes on one PostgreSQL share a cap exactly |
//! | [`strange_bodies`] | no body breaks anything |
//! | [`timeouts`] | a lead that may have been taken is not sold again |
//! | [`tools`] | `leadflow explain` and `leadflow close` |

mod answers;
mod breaker;
mod crashes;
mod drain;
mod edits;
mod market;
mod personal_data;
mod replay;
mod shared_caps;
mod strange_bodies;
mod timeouts;
mod tools;

mod books;
mod installation;
mod manifests;
mod traffic;

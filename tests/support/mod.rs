//! What the integration tests stand on: real servers, started by the tests
//! themselves on loopback and gone when the test binary is gone.
//!
//! | module | for |
//! |---|---|
//! | [`cluster`] | a real Kubernetes API server (etcd, kube-apiserver, kube-controller-manager) |
//! | [`postgres`] | a real PostgreSQL that may be killed and started again on its data |
//! | [`receiver`] | the far side of a delivery: an HTTP server that records and misbehaves as told |
//! | [`processes`] | child processes that cannot outlive the tests, free ports |
//! | [`folder`] | temporary folders |
//!
//! A test binary takes it in by `#[path = "../support/mod.rs"] mod support;`. The
//! programs come from the variables that `tests/environment` prints; a test that
//! needs some says so in its first line:
//!
//! ```ignore
//! if !require(&[Part::ApiServer]) {
//!     return;
//! }
//! let cluster = Cluster::shared().await;
//! ```

// Each test binary compiles its own copy and uses its own share of it.
#![allow(dead_code)]
// A test that cannot go on says why and ends.
#![allow(clippy::expect_used, clippy::panic)]
// Real processes run by the real clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod cluster;
pub mod folder;
pub mod postgres;
pub mod processes;
pub mod receiver;

use std::io::Write;
use std::path::PathBuf;

/// A part of the environment that a test may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// etcd, kube-apiserver and kubectl.
    ApiServer,
    /// kube-controller-manager: garbage collection, the end of namespaces.
    ControllerManager,
    /// PostgreSQL's server programs.
    Postgres,
    /// Helm, of whatever release.
    Helm,
    /// An interpreter of Lua.
    Lua,
}

impl Part {
    /// The variables that name this part's programs.
    fn variables(self) -> &'static [&'static str] {
        match self {
            Part::ApiServer => &["LEADFLOW_TEST_ETCD", "LEADFLOW_TEST_KUBE_APISERVER", "LEADFLOW_TEST_KUBECTL"],
            Part::ControllerManager => &["LEADFLOW_TEST_KUBE_CONTROLLER_MANAGER"],
            Part::Postgres => &["LEADFLOW_TEST_POSTGRES_BIN"],
            Part::Helm => &["LEADFLOW_TEST_HELM"],
            Part::Lua => &["LEADFLOW_TEST_LUA"],
        }
    }
}

/// Says whether a test can run here. Where a part is missing it prints why the
/// test is skipped and answers false; in CI (the variable `CI` is set) it panics,
/// because a green run there must mean that the test ran.
pub fn require(parts: &[Part]) -> bool {
    let missing: Vec<&str> = parts.iter().flat_map(|part| part.variables()).copied().filter(|name| program(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    let reason = format!("{missing:?} not set or naming nothing: run `eval \"$(tests/environment)\"` first");
    let in_ci = std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    assert!(!in_ci, "this test must run in CI, but {reason}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by eprintln!, which the test harness hides when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {reason}");
    false
}

/// The program or folder that a variable of the environment names.
pub(crate) fn program(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists())
}

/// Like [`program`], for code that runs after [`require`] said yes.
pub(crate) fn needed(variable: &str) -> PathBuf {
    program(variable).unwrap_or_else(|| panic!("{variable} names no program: `eval \"$(tests/environment)\"` sets it"))
}

//! helm, kubectl, and the switches of a cluster that is the tests' own.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::variable;

/// What a command printed. Panics when it fails.
pub async fn helm(arguments: &[&str]) -> String {
    succeed(&variable("LEADFLOW_TEST_HELM", "helm"), arguments, "").await
}

/// What kubectl printed. Panics when it fails.
pub async fn kubectl(arguments: &[&str]) -> String {
    succeed(&program(), arguments, "").await
}

/// Output and fate of kubectl, whatever that is.
pub async fn try_kubectl(arguments: &[&str], input: &str) -> Output {
    run(&program(), arguments, input).await
}

/// Applies manifests, as a user does.
pub async fn apply(manifests: &str) -> String {
    succeed(&program(), &["apply", "--server-side", "--force-conflicts", "--filename", "-"], manifests).await
}

/// The same in a namespace.
pub async fn apply_in(namespace: &str, manifests: &str) -> String {
    let arguments = ["--namespace", namespace, "apply", "--server-side", "--force-conflicts", "--filename", "-"];
    succeed(&program(), &arguments, manifests).await
}

/// A switch of the tests' own cluster, such as `stop-apiserver`; `None` on anybody else's.
pub async fn switch(arguments: &[&str]) -> Option<String> {
    let folder = std::env::var("LEADFLOW_E2E_FOLDER").ok()?;
    let mut all = vec![arguments[0], &folder];
    all.extend(&arguments[1..]);
    Some(succeed("tests/e2e/cluster", &all, "").await)
}

/// Whether the cluster is the tests' own, with its switches.
pub fn is_own() -> bool {
    std::env::var_os("LEADFLOW_E2E_FOLDER").is_some()
}

/// The same, and says why a story is left out on a cluster that is not the tests' own.
pub fn own_cluster() -> bool {
    let own = is_own();
    if !own {
        let thread = std::thread::current();
        eprintln!("skipped {}: it stops parts of the cluster, and this one is not the tests' own", thread.name().unwrap_or("a story"));
    }
    own
}

fn program() -> String {
    variable("LEADFLOW_TEST_KUBECTL", "kubectl")
}

async fn succeed(program: &str, arguments: &[&str], input: &str) -> String {
    let output = run(program, arguments, input).await;
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{out}{err}", output.status);
    out
}

/// Runs a program with a text as its input.
pub async fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    let mut pipe = child.stdin.take().expect("the input was asked for");
    let input = input.to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        // A program may end without reading, which is no fault of the test's.
        let _ = pipe.write_all(input.as_bytes());
        drop(pipe);
        child.wait_with_output()
    });
    waiting.await.expect("waiting does not panic").expect("its output can be read")
}

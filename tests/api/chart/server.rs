//! A real API server takes all that the chart renders, without a warning.

use super::values::notes;
use super::{kept_values, rendered};
use crate::support::cluster::Cluster;
use crate::support::{Part, require};

/// A namespace that refuses pods which are not `restricted`, and warns of templates that would make such.
async fn restricted(cluster: &Cluster, prefix: &str) -> String {
    let namespace = cluster.namespace(prefix).await;
    let levels = ["enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}=restricted"));
    let output = cluster.kubectl(&["label", "namespace", &namespace, &levels[0], &levels[1]]).await;
    assert!(output.status.success(), "{output:?}");
    namespace
}

#[tokio::test]
async fn every_object_is_accepted_under_pod_security_restricted() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let namespace = restricted(cluster, "chart").await;
    let watched = [cluster.namespace("watched").await, cluster.namespace("watched").await];
    // A dry run makes no service account, and no pod is taken without its own.
    cluster.service_account_token(&namespace, "leadflow-test").await;
    for (name, path) in kept_values() {
        let set = format!("watchNamespaces={{{}}}", watched.join(","));
        let mut arguments = vec!["--values", path.to_str().unwrap()];
        if name == "namespaces" {
            arguments.extend(["--set", &set]);
        }
        let text = rendered(&namespace, &arguments);
        let text = without_monitoring(&text);
        let arguments = ["apply", "--server-side", "--dry-run=server", "--force-conflicts", "--filename=-"];
        let output = cluster.kubectl_with_input(&arguments, &text).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Without the kinds of the Prometheus operator, which this API server does not have.
fn without_monitoring(text: &str) -> String {
    text.split("\n---\n").filter(|part| !part.contains("apiVersion: monitoring.coreos.com/")).collect::<Vec<_>>().join("\n---\n")
}

/// The commands of one step of the notes.
fn step(notes: &str, number: u32) -> String {
    let from = notes.split_once(&format!("\n{number}. ")).expect("the notes have the step").1;
    let lines = from.lines().skip(1).take_while(|line| line.is_empty() || line.starts_with("     "));
    lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_notes_first_step_works_as_printed() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let own = cluster.namespace("release").await;
    let hello = restricted(cluster, "hello").await;
    let set = format!("watchNamespaces={{{hello}}}");
    let text = rendered(&own, &["--show-only", "templates/samples.yaml", "--set", "image.repository=registry.example.com/leadflow"]);
    let output = cluster.kubectl_with_input(&["apply", "--server-side", "--filename=-"], &text).await;
    assert!(output.status.success(), "{output:?}");

    let commands = step(&notes(&own, &["--set", &set]), 1);
    assert_eq!(commands.lines().count(), 3, "{commands}");
    let output = cluster.shell(&commands).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{commands}\n{output:?}");
    let output = cluster.kubectl(&["get", "--namespace", &hello, "--output=name", "leadflow,deployments,services,secrets"]).await;
    let there = String::from_utf8(output.stdout).unwrap();
    for name in
        ["exchange.leadflow.dev/hello", "routingpolicy.leadflow.dev/residential", "deployment.apps/sample-crm", "secret/leadflow-keys"]
    {
        assert!(there.contains(name), "{name} is not there: {there}");
    }
    let output = cluster.kubectl(&["get", "--namespace", &hello, "--output=jsonpath={..image}", "deployment/sample-crm"]).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "registry.example.com/leadflow:0.1.0", "the image is the release's");
}

#[tokio::test]
async fn with_a_private_registry_the_notes_first_step_brings_its_secret_along() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let own = cluster.namespace("release").await;
    let hello = restricted(cluster, "hello").await;
    let made =
        "create secret docker-registry registry --docker-server=registry.example.com --docker-username=leadflow --docker-password=secret";
    let arguments: Vec<_> = made.split(' ').chain(["--namespace", &own]).collect();
    let output = cluster.kubectl(&arguments).await;
    assert!(output.status.success(), "{output:?}");
    let set = format!("watchNamespaces={{{hello}}},image.pullSecrets={{registry}}");
    let text = rendered(&own, &["--show-only", "templates/samples.yaml", "--set", &set]);
    let output = cluster.kubectl_with_input(&["apply", "--server-side", "--filename=-"], &text).await;
    assert!(output.status.success(), "{output:?}");

    let commands = step(&notes(&own, &["--set", &set]), 1);
    let output = cluster.shell(&commands).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{commands}\n{output:?}");
    let secret = async |namespace: &str| {
        let output = cluster.kubectl(&["get", "--namespace", namespace, "--output=jsonpath={.type}{.data}", "secret/registry"]).await;
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(secret(&hello).await, secret(&own).await);
    assert!(secret(&own).await.starts_with("kubernetes.io/dockerconfigjson"));
    let names = "--output=jsonpath={.spec.template.spec.imagePullSecrets[*].name}";
    let output = cluster.kubectl(&["get", "--namespace", &hello, names, "deployment/sample-crm"]).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "registry", "{output:?}");
}

#[test]
fn the_notes_speak_of_a_namespace_that_is_looked_after() {
    if !require(&[Part::Helm]) {
        return;
    }
    let everywhere = step(&notes("one", &[]), 1);
    assert!(everywhere.starts_with("kubectl create namespace hello-leads\n"), "{everywhere}");
    let narrow = notes("one", &["--set", "watchNamespaces={sales}"]);
    assert!(!narrow.contains("create namespace") && narrow.contains("--namespace sales --for=condition=Ready"), "{narrow}");
}

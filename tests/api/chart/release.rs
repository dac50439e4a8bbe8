//! Releases on a real API server: installed, upgraded, uninstalled, installed again.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{NAMESPACE, chart, helm};
use crate::support::cluster::{Cluster, Options};
use crate::support::{Part, require};

/// A cluster that nobody has installed anything on.
async fn empty() -> Cluster {
    Cluster::start(Options { crds: false, ..Options::default() }).await
}

/// Runs helm on the cluster; its output, or what it said when it refused.
async fn release(cluster: &Cluster, arguments: &[&str]) -> Result<String, String> {
    let kubeconfig = cluster.admin_kubeconfig("default").display().to_string();
    let arguments: Vec<_> = arguments.iter().copied().chain(["--kubeconfig", &kubeconfig]).map(str::to_owned).collect();
    let run = move || helm(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The chart as a release before had it: a property has come to one of the definitions since.
fn older() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", &format!("{}/.", chart()), folder.path().to_str().unwrap()]).status().unwrap();
    assert!(copied.success());
    let path = folder.path().join("files/crds/agents.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let from = text.lines().position(|line| line.trim() == "paused:").expect("agents can be paused");
    let depth = indent(text.lines().nth(from).unwrap());
    let within = text.lines().skip(from + 1).take_while(|line| indent(line) > depth).count();
    let kept = text.lines().take(from).chain(text.lines().skip(from + 1 + within));
    fs::write(&path, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    folder
}

async fn install(cluster: &Cluster, namespace: &str, more: &[&str]) -> Result<String, String> {
    install_chart(cluster, &chart(), namespace, more).await
}

async fn install_chart(cluster: &Cluster, chart: &str, namespace: &str, more: &[&str]) -> Result<String, String> {
    release(cluster, &[&["install", "leadflow", chart, "--namespace", namespace, "--create-namespace"], more].concat()).await
}

async fn get(cluster: &Cluster, arguments: &[&str]) -> Value {
    let output = cluster.kubectl(&[&["get", "--output=json"], arguments].concat()).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn apply(cluster: &Cluster, object: Value) {
    let output = cluster.kubectl_with_input(&["apply", "--server-side", "--filename=-"], &object.to_string()).await;
    assert!(output.status.success(), "{output:?}");
}

/// Whether the served definition of agents knows the property that came last.
async fn can_pause(cluster: &Cluster) -> bool {
    let definition = get(cluster, &["crd", "agents.leadflow.dev"]).await;
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["paused"].is_object()
}

#[tokio::test]
async fn an_upgrade_upgrades_the_definitions_too() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = empty().await;
    let older = older();
    install_chart(&cluster, older.path().to_str().unwrap(), NAMESPACE, &[]).await.unwrap();
    assert!(!can_pause(&cluster).await);
    release(&cluster, &["upgrade", "leadflow", &chart(), "--namespace", NAMESPACE]).await.unwrap();
    assert!(can_pause(&cluster).await);
}

#[tokio::test]
async fn uninstalling_keeps_definitions_and_objects_and_installing_again_takes_them_up() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = empty().await;
    let older = older();
    install_chart(&cluster, older.path().to_str().unwrap(), NAMESPACE, &[]).await.unwrap();
    let agent = json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": "sarah-lee", "namespace": "default"}, "spec": {"deliverTo": "crm"}});
    let output = cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]).await;
    assert!(output.status.success(), "{output:?}");
    apply(&cluster, agent).await;
    let before = get(&cluster, &["agents", "sarah-lee"]).await;

    release(&cluster, &["uninstall", "leadflow", "--namespace", NAMESPACE]).await.unwrap();
    let left = get(
        &cluster,
        &["deployments,services,serviceaccounts,configmaps", "--namespace", NAMESPACE, "-l", "app.kubernetes.io/part-of=leadflow"],
    )
    .await;
    assert_eq!(left["items"], json!([]), "the operator is gone");
    assert_eq!(get(&cluster, &["agents", "sarah-lee"]).await["metadata"]["uid"], before["metadata"]["uid"]);

    assert!(!can_pause(&cluster).await, "the definitions are those of the release before");
    install(&cluster, NAMESPACE, &[]).await.unwrap();
    assert!(can_pause(&cluster).await, "definitions are upgraded in place");
    assert_eq!(get(&cluster, &["agents", "sarah-lee"]).await["metadata"]["uid"], before["metadata"]["uid"]);
}

#[tokio::test]
async fn an_upgrade_to_the_same_changes_nothing() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = empty().await;
    install(&cluster, NAMESPACE, &[]).await.unwrap();
    let versions = async || {
        let kinds = "deployments,services,serviceaccounts,configmaps,poddisruptionbudgets,clusterroles,crds";
        let list = get(&cluster, &[kinds, "--all-namespaces", "-l", "app.kubernetes.io/managed-by=Helm"]).await;
        let all = list["items"].as_array().unwrap().iter();
        // Definitions get a status of their own meanwhile.
        all.map(|object| {
            (object["metadata"]["name"].to_string(), object["metadata"]["uid"].to_string(), object["metadata"]["generation"].clone())
        })
        .collect::<Vec<_>>()
    };
    let before = versions().await;
    assert!(before.len() > 10, "{before:?}");
    let chart = chart();
    release(&cluster, &["upgrade", "leadflow", &chart, "--namespace", NAMESPACE]).await.unwrap();
    assert_eq!(versions().await, before);
}

#[tokio::test]
async fn a_second_operator_for_a_namespace_is_refused_and_one_beside_it_is_not() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = empty().await;
    for namespace in ["sales", "solar"] {
        let output = cluster.kubectl(&["create", "namespace", namespace]).await;
        assert!(output.status.success(), "{output:?}");
    }
    install(&cluster, "one", &["--set", "watchNamespaces={sales}"]).await.unwrap();
    let beside = ["--set", "crds.enabled=false", "--set", "rbac.aggregate=false"];
    let same = install(&cluster, "two", &[&beside[..], &["--set", "watchNamespaces={solar,sales}"]].concat()).await.unwrap_err();
    assert!(same.contains("leadflow-operator") && same.contains("sales"), "{same}");
    install(&cluster, "three", &[&beside[..], &["--set", "watchNamespaces={solar}"]].concat()).await.unwrap();
}

#[tokio::test]
async fn an_operator_for_all_namespaces_and_one_for_some_refuse_each_other_and_not_themselves() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = empty().await;
    let output = cluster.kubectl(&["create", "namespace", "sales"]).await;
    assert!(output.status.success(), "{output:?}");
    let beside = ["--set", "crds.enabled=false", "--set", "rbac.aggregate=false"];
    let narrow = ["--set", "watchNamespaces={sales}"];

    install(&cluster, "wide", &[]).await.unwrap();
    let refused = install(&cluster, "narrow", &[&beside[..], &narrow].concat()).await.unwrap_err();
    assert!(refused.contains("the operator in namespace wide looks after all namespaces already"), "{refused}");

    let chart = chart();
    let upgrade = ["upgrade", "leadflow", &chart, "--namespace", "wide"];
    release(&cluster, &[&upgrade[..], &narrow].concat()).await.unwrap();
    let refused = install(&cluster, "wider", &beside).await.unwrap_err();
    assert!(refused.contains("operators in the namespaces wide look after some namespaces already"), "{refused}");
    release(&cluster, &upgrade).await.unwrap();
}

//! `kubectl leadflow` beside a real installation, with the rights of `config/plugin`. Pods have no addresses here, so what goes through the API server to
//! them ends at its refusal; the rest is real.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::asking::lead;
use super::house::{FORM_WAITING, House, repository};
use super::objects::{api, until_condition};
use crate::support::{Part, require};

/// Somebody with a kubeconfig and the plugin on the PATH.
struct Person {
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Person {
    /// With these ClusterRoles in the house's namespace. The kubeconfig's context is in that namespace.
    async fn with(house: &House<'_>, name: &str, roles: &[&str]) -> Self {
        let file = repository().join("config/plugin/roles.yaml");
        let output = house.cluster.kubectl(&["apply", "--server-side", "--filename", file.to_str().unwrap()]).await;
        assert!(output.status.success(), "{output:?}");
        let token = house.cluster.service_account_token(&house.namespace, name).await;
        for role in roles {
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": format!("{name}-{role}")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": house.namespace}],
            });
            house.kubectl_apply(&binding.to_string()).await;
        }
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_leadflow"), folder.path().join("kubectl-leadflow")).unwrap();
        Self { folder, kubeconfig: house.cluster.kubeconfig_for(&token, &house.namespace) }
    }

    async fn says(&self, line: &str) -> Output {
        let mut command = Command::new(self.folder.path().join("kubectl-leadflow"));
        command.args(line.split(' ')).env("KUBECONFIG", &self.kubeconfig).current_dir(self.folder.path());
        command.env_remove("LEADFLOW_ADMIN");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// What it prints when all is well.
    async fn gets(&self, line: &str) -> String {
        let output = self.says(line).await;
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says when it can't.
    async fn is_refused(&self, line: &str) -> String {
        let output = self.says(line).await;
        assert!(!output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_shows_and_operates_an_installation_with_its_own_rights() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    house.until_programmed("Endpoint", "first").await;
    until_condition(&api(&house.client, &house.namespace, "Exchange"), "house", "Ready", "True/Ready").await;
    let somebody = Person::with(&house, "somebody", &["leadflow-plugin-look", "leadflow-plugin-operate"]).await;

    let screen = somebody.gets("status").await;
    for expected in [&format!("Exchange {}/house  ", house.namespace), "ingest  1/1 ready", "router  2/2 ready", "2 agents\n"] {
        assert!(screen.contains(expected), "no {expected:?} in\n{screen}");
    }

    let told = somebody.gets("circuit pause first").await;
    assert!(told.starts_with("Endpoint first: spec.circuit is Paused (was Auto)\n"), "{told}");
    assert!(told.ends_with("every router goes by it\n"), "{told}");
    let before = house.receiver.seen_at("/first").len();
    assert_eq!(house.post(&FORM_WAITING, &lead(1)).await.code(), "Delivered");
    assert_eq!(house.receiver.seen_at("/first").len(), before, "nothing is sent to a paused endpoint");

    let told = somebody.gets("circuit show first").await;
    assert!(told.contains("spec.circuit Paused") && told.contains("CircuitPaused"), "{told}");
    assert!(somebody.gets("circuit force first").await.contains("spec.circuit is Forced (was Paused)"));
    somebody.gets("circuit auto first").await;
    assert_eq!(house.post(&FORM_WAITING, &lead(2)).await.code(), "Delivered");
    assert_eq!(house.receiver.seen_at("/first").len(), before + 1);
    let endpoint = api(&house.client, &house.namespace, "Endpoint").get("first").await.unwrap();
    let ours = endpoint.metadata.managed_fields.unwrap().into_iter().find(|entry| entry.manager.as_deref() == Some("kubectl-leadflow"));
    assert!(ours.is_none(), "the field is given back: {ours:?}");

    let url = house.ingest[0].url("http", "/v1/sources/form/leads");
    let told = somebody.gets(&format!("send-test form --wait=20 --key form-key --url {url}")).await;
    assert!(told.contains("answer: accepted Delivered"), "{told}");

    let told = somebody.is_refused("explain latest").await;
    assert!(told.contains("no pod behind Service house-router in namespace"), "{told}");
    let told = somebody.is_refused("send-test form --key form-key").await;
    assert!(told.contains("no pod behind Service house-ingest in namespace"), "{told}");
    let told = somebody.is_refused("send-test form").await;
    assert!(told.contains("the key can't be read from Secret form-keys; give it by --key") && told.contains("forbidden"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_is_told_what_is_missing() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let guest = Person::with(&house, "guest", &["leadflow-plugin-look"]).await;
    let told = guest.is_refused("circuit pause first").await;
    assert!(told.contains(r#"cannot patch resource "leadendpoints""#) && told.contains("docs/plugin.md"), "{told}");
    let told = guest.is_refused("release all").await;
    assert!(told.contains(r#"cannot create resource "services/proxy""#), "{told}");
    let stranger = Person::with(&house, "stranger", &[]).await;
    let told = stranger.is_refused("status").await;
    assert!(told.contains(r#"cannot list resource "exchanges""#), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_holds_objects_and_no_secret() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let house = House::small().await;
    let contact =
        json!({"spec": {"displayName": "Anna Private", "contact": {"email": "anna.private@example.org", "phone": "+13105550142"}}});
    house.change("Agent", "anna", contact).await;
    // The administrator may read every Secret.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.tar.gz");
    let mut command = crate::support::processes::leadflow();
    command.args(["report", "-n", &house.namespace, "-o", "json", "--to"]).arg(&file);
    command.env("KUBECONFIG", house.cluster.admin_kubeconfig("default"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["file"].as_str(), file.to_str());
    let unpacked = Command::new("tar").arg("-xzOf").arg(&file).output().unwrap();
    let text = String::from_utf8(unpacked.stdout).unwrap();
    for private in
        ["form-key\n", "Zm9ybS1rZXk", "first-token", "Zmlyc3QtdG9rZW4", "anna.private", "+13105550142", "Anna Private", &house.database]
    {
        assert!(!text.contains(private), "{private} is in the report");
    }
    for there in ["name: anna", "current: 8 bytes", "Exchange ", "leadendpoints.leadflow.dev: v1alpha1"] {
        assert!(text.contains(there), "no {there} in the report:\n{text}");
    }
}

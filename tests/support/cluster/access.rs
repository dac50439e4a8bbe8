//! Ways into a cluster: clients, tokens, kubeconfig files, kubectl.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::super::needed;
use super::super::processes::die_with_parent;
use super::Cluster;
use super::servers::{ADMIN, Setup};

impl Cluster {
    /// A client of the administrator. Make one in each test: its connections belong
    /// to the test's own runtime.
    pub async fn client(&self) -> kube::Client {
        self.client_for_token(ADMIN).await
    }

    /// A client of whoever the token belongs to.
    pub async fn client_for_token(&self, token: &str) -> kube::Client {
        let config = kubeconfig(&self.setup, token, "default");
        client(config).await.expect("a client can be made")
    }

    /// A token of a service account, which is made if it is not there.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await, namespace);
        let mut account = ServiceAccount::default();
        account.metadata.name = Some(name.to_owned());
        match accounts.create(&PostParams::default(), &account).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => panic!("service account {name} cannot be made: {error}"),
        }
        let request =
            TokenRequest { spec: TokenRequestSpec { expiration_seconds: Some(3600), ..Default::default() }, ..Default::default() };
        accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .expect("a token is given out")
            .status
            .expect("the answer carries the token")
            .token
    }

    /// A kubeconfig file for the owner of a token, for processes and for kubectl.
    pub fn kubeconfig_for(&self, token: &str, namespace: &str) -> PathBuf {
        write_kubeconfig(&self.setup, token, namespace)
    }

    /// A kubeconfig file for the administrator.
    pub fn admin_kubeconfig(&self, namespace: &str) -> PathBuf {
        self.kubeconfig_for(ADMIN, namespace)
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with_input(arguments, "").await
    }

    /// Runs a line as a person at a shell would, with kubectl as the administrator's.
    pub async fn shell(&self, line: &str) -> Output {
        let kubectl = needed("LEADFLOW_TEST_KUBECTL");
        let folder = kubectl.parent().expect("a program is in a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", line])
            .env("PATH", format!("{folder}:{path}"))
            .env("KUBECONFIG", self.admin_kubeconfig("default"))
            .env("HOME", self.folder.path());
        die_with_parent(&mut command);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        output.expect("waiting does not panic").expect("bash can run")
    }

    /// Runs kubectl as the administrator with a text as its input, as for `apply -f -`.
    pub async fn kubectl_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(needed("LEADFLOW_TEST_KUBECTL"));
        command
            .arg("--kubeconfig")
            .arg(self.admin_kubeconfig("default"))
            .args(arguments)
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // The thread below waits for the command, so it may be the parent.
        die_with_parent(&mut command);
        let input = input.to_owned();
        let run = move || {
            let mut child = command.spawn()?;
            let mut pipe = child.stdin.take().expect("the input was asked for");
            // kubectl may end without reading, which is no fault of the test's.
            let _ = pipe.write_all(input.as_bytes());
            drop(pipe);
            child.wait_with_output()
        };
        let output = tokio::task::spawn_blocking(run).await;
        output.expect("waiting does not panic").expect("kubectl can run")
    }
}

/// Says whether the API server is ready, or what it lacks.
pub(super) async fn ready(setup: &Setup) -> Result<(), String> {
    // The key is written after the certificate: with it, both are whole.
    if !setup.certificate().with_extension("key").exists() {
        return Err("no certificate yet".to_owned());
    }
    let config = kubeconfig(setup, ADMIN, "default");
    let client = client(config).await.map_err(|error| error.to_string())?;
    let request = http::Request::get("/readyz").body(Vec::new()).expect("a plain request");
    let answer = client.request_text(request).await;
    answer.map(drop).map_err(|error| error.to_string())
}

pub(super) fn write_kubeconfig(setup: &Setup, token: &str, namespace: &str) -> PathBuf {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = setup.file(&format!("kubeconfig-{number}.yaml"));
    let text = kubeconfig(setup, token, namespace).to_string();
    fs::write(&path, text).expect("the cluster's folder takes files");
    path
}

/// JSON is YAML too.
fn kubeconfig(setup: &Setup, token: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": setup.url(),
            "certificate-authority-data": certificate_data(&setup.certificate()),
        }}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {
            "cluster": "test", "user": "test", "namespace": namespace,
        }}],
        "current-context": "test",
    })
}

fn certificate_data(path: &Path) -> String {
    BASE64.encode(fs::read(path).expect("the API server has written its certificate"))
}

async fn client(kubeconfig: Value) -> Result<kube::Client, Box<dyn std::error::Error>> {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| {
        // An error only says that somebody was quicker.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(kube::Client::try_from(config)?)
}

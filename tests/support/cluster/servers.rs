//! How the servers of a cluster are started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::folder::Folder;
use super::super::processes::{POLL, Process, free_port};
use super::super::{needed, program};
use super::{PATIENCE, access};

/// The token of the administrator, in the group system:masters.
pub(super) const ADMIN: &str = "administrator";

const AUDIT_POLICY: &str = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
 "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}"#;

/// What the controller manager does. Deployments are left alone: a test that plays
/// the node writes their status itself.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,\
    serviceaccount-controller,serviceaccount-token-controller,\
    root-ca-certificate-publisher-controller,\
    validatingadmissionpolicy-status-controller";

/// What a test may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Apply the custom resource definitions of `crds/` at the start.
    pub crds: bool,
    /// Note every request, see [`super::Cluster::audit_log`].
    pub audit: bool,
    /// More flags for kube-apiserver.
    pub api_server_flags: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { crds: true, audit: false, api_server_flags: Vec::new() }
    }
}

/// Ports, keys and files of one cluster.
pub(super) struct Setup {
    pub options: Options,
    pub api_port: u16,
    pub audit_log: PathBuf,
    etcd_port: u16,
    etcd_peer_port: u16,
    folder: PathBuf,
}

impl Setup {
    pub fn prepare(folder: &Folder, options: Options) -> Setup {
        let write = |name: &str, content: &str| {
            fs::write(folder.join(name), content).expect("the cluster's folder takes files");
        };
        write("tokens.csv", &format!("{ADMIN},{ADMIN},{ADMIN},\"system:masters\"\n"));
        write("audit-policy.yaml", AUDIT_POLICY);
        write("service-accounts.pem", &private_key());
        Setup {
            options,
            api_port: free_port(),
            audit_log: folder.join("audit.log"),
            etcd_port: free_port(),
            etcd_peer_port: free_port(),
            folder: folder.path().to_owned(),
        }
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The certificate of the API server, which it makes and signs itself.
    pub fn certificate(&self) -> PathBuf {
        self.file("tls/apiserver.crt")
    }

    pub fn log_of(&self, server: &str) -> PathBuf {
        self.file(&format!("{server}.log"))
    }

    fn start(&self, server: &str, command: Command) -> Process {
        Process::start(server, command, &self.log_of(server))
    }
}

/// The key that signs service accounts' tokens, as PEM.
fn private_key() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("an RSA key can be written");
    let text = BASE64.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn flag(name: &str, value: impl AsRef<Path>) -> String {
    format!("--{name}={}", value.as_ref().display())
}

pub(super) async fn start_etcd(setup: &Setup) -> Process {
    let clients = format!("http://127.0.0.1:{}", setup.etcd_port);
    let peers = format!("http://127.0.0.1:{}", setup.etcd_peer_port);
    let mut command = Command::new(needed("LEADFLOW_TEST_ETCD"));
    command
        .arg(flag("data-dir", setup.file("etcd")))
        .args([format!("--listen-client-urls={clients}"), format!("--advertise-client-urls={clients}")])
        .args([format!("--listen-peer-urls={peers}"), format!("--initial-advertise-peer-urls={peers}")])
        .arg(format!("--initial-cluster=default={peers}"));
    let etcd = setup.start("etcd", command);
    let health = format!("{clients}/health");
    let http = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    until_ready(&etcd, async || {
        let answer = http.get(&health).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    etcd
}

pub(super) async fn start_api_server(setup: &Setup) -> Process {
    let key = setup.file("service-accounts.pem");
    let mut command = Command::new(needed("LEADFLOW_TEST_KUBE_APISERVER"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", setup.etcd_port))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args(["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16"])
        .arg(format!("--secure-port={}", setup.api_port))
        .arg(flag("cert-dir", setup.file("tls")))
        .arg(flag("token-auth-file", setup.file("tokens.csv")))
        .args(["--authorization-mode=RBAC", "--allow-privileged=true", "--profiling=false"])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(flag("service-account-key-file", &key))
        .arg(flag("service-account-signing-key-file", &key));
    if setup.options.audit {
        command.arg(flag("audit-policy-file", setup.file("audit-policy.yaml"))).arg(flag("audit-log-path", &setup.audit_log));
    }
    command.args(&setup.options.api_server_flags);
    let api_server = setup.start("kube-apiserver", command);
    until_ready(&api_server, async || access::ready(setup).await).await;
    api_server
}

/// None where the program is missing: tests that need it say so by `require`.
pub(super) async fn start_controller_manager(setup: &Setup) -> Option<Process> {
    let mut command = Command::new(program("LEADFLOW_TEST_KUBE_CONTROLLER_MANAGER")?);
    let kubeconfig = access::write_kubeconfig(setup, ADMIN, "default");
    command
        .arg(flag("kubeconfig", kubeconfig))
        .args(["--leader-elect=false", "--secure-port=0", "--profiling=false"])
        .arg(format!("--controllers={CONTROLLERS}"))
        .args(["--kube-api-qps=300", "--kube-api-burst=600"])
        .arg(flag("service-account-private-key-file", setup.file("service-accounts.pem")))
        .arg(flag("root-ca-file", setup.certificate()));
    Some(setup.start("kube-controller-manager", command))
}

/// Asks until the answer is yes; panics when the server ends or takes too long.
async fn until_ready(server: &Process, ask: impl AsyncFn() -> Result<(), String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        server.assert_running();
        // A server that takes a connection and says nothing must not hold us up.
        let answer = tokio::time::timeout(Duration::from_secs(5), ask()).await;
        let Err(problem) = answer.unwrap_or_else(|_| Err("no answer".to_owned())) else {
            return;
        };
        let late = Instant::now() >= deadline;
        assert!(!late, "not ready: {problem}\n{}", server.tail());
        tokio::time::sleep(POLL).await;
    }
}

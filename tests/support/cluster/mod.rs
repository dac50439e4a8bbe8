//! A real Kubernetes API: etcd, kube-apiserver and kube-controller-manager on
//! loopback. There is no node, so pods stay pending; everything that the API server
//! itself does is real: schemas, CEL, RBAC, server-side apply, watches, tokens,
//! garbage collection, the end of namespaces.

mod access;
mod servers;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use tokio::sync::{Mutex, OnceCell};

use super::folder::Folder;
use super::processes::Process;
pub use servers::Options;
use servers::{Setup, start_api_server, start_controller_manager, start_etcd};

/// How long a server may take to become ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Cluster {
    setup: Setup,
    /// None while it is stopped.
    api_server: Mutex<Option<Process>>,
    /// Follows the API server through its restarts. None where it is not installed.
    controller_manager: Option<Process>,
    etcd: Process,
    namespaces: AtomicU32,
    // The last field, so that it goes after the processes which use it.
    folder: Folder,
}

impl Cluster {
    /// The cluster that all tests of this binary share, started by the first that
    /// asks, with the custom resources of `crds/`. Keep to a namespace of your own.
    pub async fn shared() -> &'static Cluster {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(|| Cluster::start(Options::default())).await
    }

    /// A cluster for one test, which may stop it at will.
    pub async fn start(options: Options) -> Cluster {
        let folder = Folder::new("cluster");
        let setup = Setup::prepare(&folder, options);
        let etcd = start_etcd(&setup).await;
        let api_server = start_api_server(&setup).await;
        let mut cluster = Cluster {
            setup,
            api_server: Mutex::new(Some(api_server)),
            controller_manager: None,
            etcd,
            namespaces: AtomicU32::new(0),
            folder,
        };
        cluster.apply_crds().await;
        // Started last: it learns of new kinds only every half minute.
        cluster.controller_manager = start_controller_manager(&cluster.setup).await;
        cluster
    }

    /// Kills the API server: what it has answered is in etcd, connections break.
    pub async fn stop_api_server(&self) {
        self.api_server.lock().await.take();
    }

    /// Starts it again on the same port and data, and waits until it is ready.
    pub async fn start_api_server(&self) {
        let mut api_server = self.api_server.lock().await;
        if api_server.is_none() {
            *api_server = Some(start_api_server(&self.setup).await);
        }
    }

    /// Freezes the API server: connections stay, nothing is answered.
    pub async fn freeze_api_server(&self) {
        if let Some(api_server) = self.api_server.lock().await.as_ref() {
            api_server.freeze().await;
        }
    }

    pub async fn thaw_api_server(&self) {
        if let Some(api_server) = self.api_server.lock().await.as_ref() {
            api_server.thaw();
        }
    }

    /// A new namespace, named by a prefix and a number.
    pub async fn namespace(&self, prefix: &str) -> String {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{number}");
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.clone());
        Api::<Namespace>::all(self.client().await).create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
        name
    }

    /// What the API server has noted of every request, when asked for by
    /// [`Options::audit`]: one JSON object a line.
    pub fn audit_log(&self) -> String {
        std::fs::read_to_string(&self.setup.audit_log).unwrap_or_default()
    }

    /// The API server's own log, for messages.
    pub fn api_server_log(&self) -> String {
        std::fs::read_to_string(self.setup.log_of("kube-apiserver")).unwrap_or_default()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of the API server.
    pub fn url(&self) -> String {
        self.setup.url()
    }

    async fn apply_crds(&self) {
        let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        if !self.setup.options.crds || !crds.is_dir() {
            return;
        }
        let crds = crds.to_str().expect("the repository's path is text");
        let output = self.kubectl(&["apply", "--server-side", "--filename", crds]).await;
        assert!(output.status.success(), "crds/ cannot be applied: {output:?}");
        let output = self.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]).await;
        assert!(output.status.success(), "crds/ are not served: {output:?}");
    }
}

//! What the roles are told at their start.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::api::pods::PullPolicy;
use crate::roles::spooling::SpoolSettings;

/// Where a process listens.
#[derive(Clone, Copy, Debug, Args)]
pub struct Address {
    /// Address to listen on. Not given: all of them.
    #[arg(long, env = "LEADFLOW_ADDRESS")]
    pub address: Option<IpAddr>,
}

/// Which pod this is, and of which Exchange; the operator writes these variables into the pods that it creates.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// Name of the Exchange.
    #[arg(long, env = "LEADFLOW_EXCHANGE")]
    pub exchange: String,
    #[command(flatten)]
    pub pod: Pod,
}

/// Which pod this is.
#[derive(Clone, Debug, Args)]
pub struct Pod {
    /// Namespace of the Exchange. Not given: that of the kubeconfig.
    #[arg(long, env = "LEADFLOW_NAMESPACE")]
    pub namespace: Option<String>,
    /// Name of this pod, which tells it from others. Not given: made up.
    #[arg(long = "pod-name", env = "LEADFLOW_POD_NAME")]
    pub name: Option<String>,
    /// UID of this pod: what it writes to the API server goes with it.
    #[arg(long = "pod-uid", env = "LEADFLOW_POD_UID")]
    pub uid: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct OperatorSettings {
    #[command(flatten)]
    pub address: Address,
    /// Port of /livez, /readyz and /metrics.
    #[arg(long, env = "LEADFLOW_ADMIN_PORT", default_value_t = 9070)]
    pub admin_port: u16,
    /// Namespaces to look after, separated by commas. Not given: all of them.
    #[arg(long, env = "LEADFLOW_WATCH_NAMESPACES", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Name of this pod, for Events and as whoever leads.
    #[arg(long, env = "LEADFLOW_POD_NAME", default_value = "leadflow-operator")]
    pub pod_name: String,
    /// Namespace of this pod: of several operators there, the one that holds the Lease `leadflow-operator` writes. Not given: that of the kubeconfig.
    #[arg(long, env = "LEADFLOW_NAMESPACE")]
    pub namespace: Option<String>,
    /// Image of the pods that it creates.
    #[arg(long, env = "LEADFLOW_IMAGE", default_value = concat!("leadflow:", env!("CARGO_PKG_VERSION")))]
    pub image: String,
    /// When nodes fetch the image of the pods that it creates: Always, IfNotPresent or Never. Not given: as Kubernetes does by default.
    #[arg(long, env = "LEADFLOW_IMAGE_PULL_POLICY", value_name = "POLICY")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Secrets by which nodes fetch that image, separated by commas; they must be in the namespace of each Exchange.
    #[arg(long, env = "LEADFLOW_IMAGE_PULL_SECRETS", value_delimiter = ',', value_name = "NAMES")]
    pub image_pull_secrets: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub struct IngestSettings {
    #[command(flatten)]
    pub address: Address,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub spool: SpoolSettings,
    /// Port that sources post to.
    #[arg(long, env = "LEADFLOW_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Port of /livez, /readyz and /metrics.
    #[arg(long, env = "LEADFLOW_ADMIN_PORT", default_value_t = 9080)]
    pub admin_port: u16,
}

#[derive(Clone, Debug, Args)]
pub struct RouterSettings {
    #[command(flatten)]
    pub address: Address,
    #[command(flatten)]
    pub place: Place,
    /// Port of /livez, /readyz, /metrics and the pages of single leads.
    #[arg(long, env = "LEADFLOW_ADMIN_PORT", default_value_t = 9090)]
    pub admin_port: u16,
}

/// Where the one process of `standalone` and `quickstart` listens and keeps its data.
#[derive(Clone, Debug, Args)]
pub struct OneProcess {
    /// Address to listen on. Not given: 127.0.0.1; in a cluster, all of them.
    #[arg(long, env = "LEADFLOW_ADDRESS")]
    pub address: Option<IpAddr>,
    /// Port that sources post to.
    #[arg(long, env = "LEADFLOW_PORT", default_value_t = 8080)]
    pub port: u16,
    /// Port of /livez, /readyz, /metrics and the pages of single leads.
    #[arg(long, env = "LEADFLOW_ADMIN_PORT", default_value_t = 9090)]
    pub admin_port: u16,
    /// Folder for leads, and for encryption keys when the manifests hold none. It is created when it is not there.
    #[arg(long, env = "LEADFLOW_DATA", default_value = "leadflow-data")]
    pub data: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct StandaloneSettings {
    /// Folder of manifests (*.yaml, *.yml, *.json). An edit is live within a second.
    #[arg(required_unless_present = "exchange", conflicts_with = "exchange")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub process: OneProcess,
    /// Name of an Exchange in a cluster, in place of a folder: rules come from the API server, leads are in the data folder.
    #[arg(long, env = "LEADFLOW_EXCHANGE")]
    pub exchange: Option<String>,
    #[command(flatten)]
    pub pod: Pod,
}

/// Where the rules of `standalone` come from.
#[derive(Clone, Debug)]
pub enum Rules {
    Folder(PathBuf),
    Cluster(Place),
}

impl StandaloneSettings {
    /// One of both is given: the command line is refused otherwise.
    pub fn rules(&self) -> Rules {
        match &self.exchange {
            Some(exchange) => Rules::Cluster(Place { exchange: exchange.clone(), pod: self.pod.clone() }),
            None => Rules::Folder(self.dir.clone().unwrap_or_default()),
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct QuickstartSettings {
    /// Folder of manifests (*.yaml, *.yml, *.json). An edit is live within a second.
    #[arg(default_value = "config/samples/quickstart")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub process: OneProcess,
    /// Port of the sample CRM, always on 127.0.0.1. The sample manifests deliver to 8090.
    #[arg(long, env = "LEADFLOW_CRM_PORT", default_value_t = 8090)]
    pub crm_port: u16,
}

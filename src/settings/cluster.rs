//! Which cluster, and which router: flags that several tools share.

use std::path::PathBuf;

use clap::Args;

/// A namespace of a cluster, as kubectl's own flags name it.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterAccess {
    /// Namespace. Not given: that of the kubeconfig's context.
    #[arg(short, long, value_name = "NAMESPACE", help_heading = "Cluster")]
    pub namespace: Option<String>,
    /// Context of the kubeconfig. Not given: its current one.
    #[arg(long, value_name = "CONTEXT", help_heading = "Cluster")]
    pub context: Option<String>,
    /// The kubeconfig. Not given: what KUBECONFIG names, ~/.kube/config, or the pod's own service account.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
}

impl ClusterAccess {
    /// Whether anything of it was given.
    pub fn is_given(&self) -> bool {
        self.namespace.is_some() || self.context.is_some() || self.kubeconfig.is_some()
    }
}

/// A router: by its address, or through the API server of its cluster.
#[derive(Clone, Debug, Default, Args)]
pub struct RouterAccess {
    /// Admin address of a router. Not given: a router of the cluster as kubectl's plugin, or with a flag that names a cluster; else http://127.0.0.1:9090.
    #[arg(long, env = "LEADFLOW_ADMIN", value_name = "URL")]
    pub admin: Option<String>,
    /// Exchange whose routers are asked, through the API server. Not given: the namespace's only one.
    #[arg(long, value_name = "EXCHANGE", help_heading = "Cluster")]
    pub exchange: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// Whether the program was called as kubectl's plugin.
    #[arg(skip)]
    pub plugin: bool,
}

impl RouterAccess {
    /// The router at an address.
    pub fn at(admin: impl Into<String>) -> Self {
        Self { admin: Some(admin.into()), ..Self::default() }
    }

    /// Whether the router is reached through the API server. A flag that names a cluster counts for more than `LEADFLOW_ADMIN`.
    pub fn is_in_cluster(&self) -> bool {
        self.exchange.is_some() || self.cluster.is_given() || (self.plugin && self.admin.is_none())
    }
}

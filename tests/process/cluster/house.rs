//! An Exchange in a namespace of its own, with its pods, a database, and a far side.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::asking::Post;
use super::kubelet::Pod;
use super::objects::{api, until, until_condition};
use crate::support::cluster::Cluster;
use crate::support::postgres::Postgres;
use crate::support::processes::POLL;
use crate::support::receiver::Receiver;

/// How soon a change of rules must be live, as the product promises.
pub const LIVE: Duration = Duration::from_secs(1);

/// The source of the small house.
pub const FORM: Post<'_> = Post { source: "form", key: "form-key", wait: 0 };
/// The same, waiting for the outcome.
pub const FORM_WAITING: Post<'_> = Post { wait: 20, ..FORM };

pub struct House<'c> {
    pub cluster: &'c Cluster,
    pub client: Client,
    pub namespace: String,
    pub exchange: &'static str,
    pub receiver: Receiver,
    /// The database's URL.
    pub database: String,
    pub ingest: Vec<Pod>,
    pub routers: Vec<Pod>,
    pub http: reqwest::Client,
}

/// The operator of the cluster that tests share, as `config/` has it.
pub async fn shared_operator(cluster: &'static Cluster) -> &'static Pod {
    static SHARED: OnceCell<Pod> = OnceCell::const_new();
    SHARED.get_or_init(|| operator(cluster)).await
}

/// Installs `config/` and starts the operator's pod.
pub async fn operator(cluster: &Cluster) -> Pod {
    let config = repository().join("config");
    let output = cluster.kubectl(&["apply", "--server-side", "-k", config.to_str().expect("a path of text")]).await;
    assert!(output.status.success() && output.stderr.is_empty(), "config/ can't be applied, or not without a warning: {output:?}");
    let client = cluster.client().await;
    let pod = Pod::run(cluster, &client, "leadflow-system", "leadflow-operator", &[]).await;
    pod.ready().await;
    pod
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl House<'static> {
    /// The small house of `house.yaml` on the shared cluster and database, with one ingest pod and two routers, ready.
    pub async fn small() -> Self {
        Self::with(&[]).await
    }

    /// The same, with variables of the pods beyond those of their templates.
    pub async fn with(more: &[(&str, &str)]) -> Self {
        let cluster = Cluster::shared().await;
        shared_operator(cluster).await;
        let database = Postgres::shared().await.database("house").await;
        let mut house = House::on(cluster, "house", &database).await;
        house.start_pods(1, 2, more).await;
        house
    }

    /// A namespace without any pods yet.
    pub async fn empty(exchange: &'static str) -> Self {
        let cluster = Cluster::shared().await;
        shared_operator(cluster).await;
        House::bare(cluster, exchange).await
    }
}

impl<'c> House<'c> {
    pub async fn bare(cluster: &'c Cluster, exchange: &'static str) -> Self {
        let namespace = cluster.namespace(exchange).await;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a plain client");
        let client = cluster.client().await;
        let receiver = Receiver::start().await;
        House { cluster, client, namespace, exchange, receiver, database: String::new(), ingest: Vec::new(), routers: Vec::new(), http }
    }

    /// The small house, without pods.
    pub async fn on(cluster: &'c Cluster, exchange: &'static str, database: &str) -> Self {
        let mut house = House::bare(cluster, exchange).await;
        house.database = database.to_owned();
        let manifests = include_str!("house.yaml").replace("DATABASE", database).replace("RECEIVER", &house.receiver.url(""));
        house.kubectl_apply(&manifests).await;
        house
    }

    /// Starts pods of what the operator has built, waits until they are ready, and says so as the Deployments' controller does.
    pub async fn start_pods(&mut self, ingest: usize, routers: usize, more: &[(&str, &str)]) {
        for role in ["ingest", "router"] {
            let name = format!("{}-{role}", self.exchange);
            until(&api(&self.client, &self.namespace, "apps/v1/Deployment"), &name, "the operator builds it", |found| found.is_some())
                .await;
        }
        for _ in 0..ingest {
            self.ingest.push(self.pod("ingest", more).await);
        }
        for _ in 0..routers {
            self.routers.push(self.pod("router", more).await);
        }
        for pod in self.pods() {
            pod.ready().await;
        }
        self.say_ready("ingest", ingest).await;
        self.say_ready("router", routers).await;
    }

    async fn pod(&self, role: &str, more: &[(&str, &str)]) -> Pod {
        Pod::run(self.cluster, &self.client, &self.namespace, &format!("{}-{role}", self.exchange), more).await
    }

    async fn say_ready(&self, role: &str, ready: usize) {
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), &self.namespace);
        let name = format!("{}-{role}", self.exchange);
        let generation = deployments.get(&name).await.expect("the Deployment is there").metadata.generation;
        let status = json!({"status": {"observedGeneration": generation, "replicas": ready, "updatedReplicas": ready, "readyReplicas": ready, "availableReplicas": ready}});
        deployments
            .patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
            .await
            .expect("a Deployment's status can be written");
    }

    pub fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.ingest.iter().chain(&self.routers)
    }

    pub async fn kubectl_apply(&self, manifests: &str) {
        let output = self.cluster.kubectl_with_input(&["apply", "--namespace", &self.namespace, "--filename", "-"], manifests).await;
        assert!(output.status.success() && output.stderr.is_empty(), "not applied, or not without a warning: {output:?}");
    }

    /// Changes part of an object, as `kubectl patch --type merge` does. Returns when that was begun.
    pub async fn change(&self, kind: &str, name: &str, part: Value) -> Instant {
        let begun = Instant::now();
        api(&self.client, &self.namespace, kind)
            .patch(name, &PatchParams::default(), &Patch::Merge(part))
            .await
            .expect("the API server takes the change");
        begun
    }

    /// Waits until both routers go by the same rules and these are others than `before`; says when.
    pub async fn until_rules_differ(&self, before: &str) -> Instant {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let digests = futures::future::join_all(self.routers.iter().map(|router| self.digest(router))).await;
            if digests.iter().all(|digest| digest != before && digest == &digests[0]) {
                return Instant::now();
            }
            assert!(Instant::now() < deadline, "the routers go by {digests:?}; before by {before}");
            tokio::time::sleep(POLL / 4).await;
        }
    }

    /// Waits until the newest generation of an object runs in all pods.
    pub async fn until_programmed(&self, kind: &str, name: &str) {
        until_condition(&api(&self.client, &self.namespace, kind), name, "Programmed", "True/Programmed").await;
    }

    /// How many of the requests at a path carried each value of a field of the body.
    pub fn received(&self, path: &str, field: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for seen in self.receiver.seen_at(path) {
            *counts.entry(seen.json()[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        counts
    }
}

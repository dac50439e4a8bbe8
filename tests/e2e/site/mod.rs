//! What the stories stand on: a cluster with the chart installed, and installations of LeadFlow in namespaces of their own.
//!
//! | module | for |
//! |---|---|
//! | [`commands`] | helm, kubectl, and the cluster's own switches |
//! | [`house`] | one installation: database, CRM, Exchange and rules |
//! | [`objects`] | the manifests that it consists of |
//! | [`load`] | a stream of leads from inside the cluster |
//! | [`turns`] | which stories may run beside each other |
//! | [`audit`] | what the API server wrote down about writes |

pub mod audit;
pub mod commands;
pub mod house;
pub mod load;
pub mod objects;
mod turns;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::Mutex;

use turns::{Turn, Turns};

/// The longest that anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at what can't be awaited.
pub const POLL: Duration = Duration::from_millis(100);

/// Name of the chart's release, and the namespace that it is in.
pub const RELEASE: &str = "leadflow";
pub const SYSTEM: &str = "leadflow-system";

/// A cluster with the chart installed.
pub struct Site {
    pub client: Client,
    /// Image of the program, and the same under another name, to upgrade to.
    pub image: String,
    pub next_image: String,
    pub postgres_image: String,
    _turn: Turn,
}

/// Whether the chart is installed as it should be.
static INSTALLED: Mutex<bool> = Mutex::const_new(false);

impl Site {
    /// The site, for a story that leaves others alone.
    pub async fn shared() -> Site {
        Site::with(Turns::of_the_site().shared().await).await
    }

    /// The same for a story that mostly waits: it begins at once, however many are at work.
    pub async fn beside() -> Site {
        Site::with(Turns::of_the_site().beside().await).await
    }

    /// The site, for a story that stops or changes what all stand on. Nothing else runs meanwhile.
    pub async fn alone() -> Site {
        let site = Site::with(Turns::of_the_site().alone().await).await;
        // Whoever comes next finds the chart as it should be, however this ends.
        *INSTALLED.lock().await = false;
        site
    }

    async fn with(turn: Turn) -> Site {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster: `make e2e` brings one up");
        let image = variable("LEADFLOW_E2E_IMAGE", "leadflow:e2e");
        let site = Site {
            client,
            next_image: variable("LEADFLOW_E2E_NEXT_IMAGE", "leadflow:e2e-next"),
            postgres_image: variable("LEADFLOW_E2E_POSTGRES_IMAGE", "postgresql:e2e"),
            image,
            _turn: turn,
        };
        let mut installed = INSTALLED.lock().await;
        if !*installed {
            site.install(&["--force-conflicts"]).await;
            *installed = true;
        }
        site
    }

    /// Installs the chart, or brings the release to these values.
    pub async fn install(&self, more: &[&str]) {
        self.enforce_restricted(SYSTEM).await;
        let (repository, tag) = self.image.rsplit_once(':').expect("an image with a tag");
        let values = [format!("image.repository={repository}"), format!("image.tag={tag}"), "image.pullPolicy=Never".to_owned()];
        let mut arguments = vec!["upgrade", "--install", RELEASE, "charts/leadflow", "--namespace", SYSTEM, "--wait", "--timeout", "120s"];
        for value in &values {
            arguments.extend(["--set", value]);
        }
        arguments.extend(more);
        commands::helm(&arguments).await;
    }

    /// Makes a namespace in which only pods of the restricted profile may run, or labels the one that is there.
    pub async fn enforce_restricted(&self, name: &str) {
        let manifest = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": "latest",
            }},
        });
        commands::apply(&manifest.to_string()).await;
    }

    /// Access to objects of any kind.
    pub fn api(&self, namespace: &str, group: &str, version: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    /// Access to a kind by its plural.
    fn kind(&self, namespace: &str, plural: &str) -> Api<DynamicObject> {
        let (group, version, kind) = match plural {
            "exchanges" => ("leadflow.dev", "v1alpha1", "Exchange"),
            "leadsources" => ("leadflow.dev", "v1alpha1", "LeadSource"),
            "agents" => ("leadflow.dev", "v1alpha1", "Agent"),
            "buyers" => ("leadflow.dev", "v1alpha1", "Buyer"),
            "leadendpoints" => ("leadflow.dev", "v1alpha1", "Endpoint"),
            "routingpolicies" => ("leadflow.dev", "v1alpha1", "RoutingPolicy"),
            "pods" => ("", "v1", "Pod"),
            "deployments" => ("apps", "v1", "Deployment"),
            "leases" => ("coordination.k8s.io", "v1", "Lease"),
            "horizontalpodautoscalers" => ("autoscaling", "v2", "HorizontalPodAutoscaler"),
            "poddisruptionbudgets" => ("policy", "v1", "PodDisruptionBudget"),
            other => panic!("no story asks for {other} yet"),
        };
        self.api(namespace, group, version, kind, plural)
    }

    /// One object. The API server may be away for a moment.
    pub async fn get(&self, namespace: &str, plural: &str, name: &str) -> Value {
        match self.kind(namespace, plural).get(name).await {
            Ok(object) => serde_json::to_value(object).expect("an object is JSON"),
            Err(error) => serde_json::json!({"error": error.to_string()}),
        }
    }

    /// The objects that a selector names.
    pub async fn list(&self, namespace: &str, plural: &str, selector: &str) -> Vec<Value> {
        let list = self.kind(namespace, plural).list(&kube::api::ListParams::default().labels(selector)).await;
        list.map(|list| list.items)
            .unwrap_or_default()
            .into_iter()
            .map(|object| serde_json::to_value(object).expect("an object is JSON"))
            .collect()
    }

    /// Name → restarts of the operator's pods.
    pub async fn operators(&self) -> BTreeMap<String, i64> {
        let mut pods = self.list(SYSTEM, "pods", "app.kubernetes.io/component=operator").await;
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        assert!(!pods.is_empty(), "the operator runs");
        let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        pods.iter().map(|pod| (name(pod), pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or_default())).collect()
    }

    /// Sends a request to a Service through the API server; gives status and body.
    pub async fn ask(&self, method: &str, namespace: &str, service: &str, path: &str, key: Option<&str>, body: &str) -> (u16, String) {
        let url = format!("/api/v1/namespaces/{namespace}/services/http:{service}/proxy{path}");
        let mut request = http::Request::builder().method(method).uri(url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let request = request.body(kube::client::Body::from(body.as_bytes().to_vec())).unwrap();
        let answer = match self.client.send(request).await {
            Ok(answer) => answer,
            Err(error) => return (0, error.to_string()),
        };
        let status = answer.status().as_u16();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// A variable of the environment, or what it is when nobody says.
pub fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Looks until there is an answer, as long as patience lasts.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(PATIENCE, what, look).await
}

/// The same with another patience.
pub async fn until_within<T, F: Future<Output = Option<T>>>(patience: Duration, what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {} s", patience.as_secs());
        tokio::time::sleep(POLL).await;
    }
}

/// A condition of an object, as `(status, reason, message)`.
pub fn condition(object: &Value, type_: &str) -> Option<(String, String, String)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let one = conditions.iter().find(|condition| condition["type"] == type_)?;
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason"), text("message")))
}

/// Whether an object's status speaks of its newest generation and says this of a condition.
pub fn says(object: &Value, type_: &str, status: &str) -> bool {
    let generation = object.pointer("/metadata/generation");
    let current = generation.is_some() && object.pointer("/status/observedGeneration") == generation;
    current && condition(object, type_).is_some_and(|(found, ..)| found == status)
}

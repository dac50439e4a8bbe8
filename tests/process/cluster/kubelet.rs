//! What a kubelet does, without containers: a Deployment's template becomes a real Pod object and a local process, started by the very arguments and
//! environment that the template says, with a token of its service account bound to the pod. A pod's own address is one of 127.0.0.0/8.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Container, EmptyDirVolumeSource, Pod as PodObject, ServiceAccount, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::processes::{POLL, Process, leadflow};

/// The longest that a pod may take to start or to end on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A Pod object, and the process that its one container is.
pub struct Pod {
    pub name: String,
    pub address: IpAddr,
    container: Container,
    environment: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Process>,
    api: Api<PodObject>,
    http: reqwest::Client,
}

impl Pod {
    /// Makes a pod of a Deployment's template, as its controller does, and starts it. `more` are variables beyond those of the template.
    pub async fn run(cluster: &Cluster, client: &Client, namespace: &str, deployment: &str, more: &[(&str, &str)]) -> Pod {
        let deployment = Api::<Deployment>::namespaced(client.clone(), namespace).get(deployment).await.expect("the Deployment is there");
        Self::of(cluster, client, namespace, &object(&deployment), more).await
    }

    /// Makes the first pod of a StatefulSet's template, as its controller does, and starts it.
    pub async fn run_first_of(cluster: &Cluster, client: &Client, namespace: &str, set: &str) -> Pod {
        let set = Api::<StatefulSet>::namespaced(client.clone(), namespace).get(set).await.expect("the StatefulSet is there");
        Self::of(cluster, client, namespace, &first_of(&set), &[]).await
    }

    async fn of(cluster: &Cluster, client: &Client, namespace: &str, object: &PodObject, more: &[(&str, &str)]) -> Pod {
        let api = Api::<PodObject>::namespaced(client.clone(), namespace);
        let object = api.create(&PostParams::default(), object).await.expect("the API server takes the pod of the template");
        let spec = object.spec.clone().expect("a pod has a spec");
        let [container] = spec.containers.as_slice() else { panic!("one container, not {}", spec.containers.len()) };
        assert!(container.command.is_none(), "the image's entrypoint is the program");
        let account = spec.service_account_name.as_deref().expect("the pod has a service account");
        let token = token(client, namespace, account, &object).await;
        let kubeconfig = cluster.kubeconfig_for(&token, namespace);
        let address = own_address();
        let name = object.name_any();
        let mut environment = environment(container, &object);
        give_folders(container, &mut environment, &cluster.folder().join(format!("{namespace}-{name}-volumes")));
        environment.push(("KUBECONFIG".to_owned(), kubeconfig.display().to_string()));
        environment.push(("LEADFLOW_ADDRESS".to_owned(), address.to_string()));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let log = cluster.folder().join(format!("{namespace}-{name}.log"));
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().expect("a plain client");
        let mut pod = Pod { name, address, container: container.clone(), environment, log, process: None, api, http };
        pod.start();
        pod
    }

    /// Starts the container, for the first time or again after it ended. Its name and uid stay the pod's.
    pub fn start(&mut self) {
        let mut command = leadflow();
        command.args(self.container.args.iter().flatten()).env_clear().envs(self.environment.iter().cloned());
        self.process = Some(Process::start(&self.name, command, &self.log));
    }

    /// SIGTERM for the container, which ends in time or not at all. Returns whether it ended in good order.
    pub async fn terminate(&self) -> bool {
        self.process().terminate(PATIENCE).await.success()
    }

    /// `kill -9` of the container.
    pub fn kill(&self) {
        self.process().kill();
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the container was started")
    }

    /// Waits until the readiness probe of the template says yes, and notes it in the pod's status.
    pub async fn ready(&self) {
        let probe = self.container.readiness_probe.as_ref().and_then(|probe| probe.http_get.clone()).expect("a readiness probe by HTTP");
        let port = match &probe.port {
            k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(port) => *port,
            k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(name) => self.port(name),
        };
        let url = format!("http://{}:{port}{}", self.address, probe.path.unwrap_or_default());
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.process().assert_running();
            let last = match self.http.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => break,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < deadline, "{} is not ready: {last}\n{}", self.name, self.process().tail());
            tokio::time::sleep(POLL).await;
        }
        let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        self.api.patch_status(&self.name, &PatchParams::default(), &Patch::Merge(status)).await.expect("a pod's status can be written");
    }

    /// The number of a port by its name in the template.
    pub fn port(&self, name: &str) -> i32 {
        let ports = self.container.ports.iter().flatten();
        ports.clone().find(|port| port.name.as_deref() == Some(name)).expect("the template names the port").container_port
    }

    pub fn url(&self, port: &str, path: &str) -> String {
        format!("http://{}:{}{path}", self.address, self.port(port))
    }

    /// Ends the pod in good order, as when it is deleted: the container gets SIGTERM, and when it has ended the object goes.
    pub async fn delete(self) {
        let status = self.process().terminate(PATIENCE).await;
        assert!(status.success(), "{} ended with {status}\n{}", self.name, self.process().tail());
        self.api.delete(&self.name, &DeleteParams::default().grace_period(0)).await.expect("a pod can be deleted");
    }

    pub fn log(&self) -> String {
        self.process().log()
    }
}

fn object(deployment: &Deployment) -> PodObject {
    let template = deployment.spec.as_ref().expect("a Deployment has a spec").template.clone();
    let labels = template.metadata.and_then(|metadata| metadata.labels);
    let generate_name = Some(format!("{}-", deployment.name_any()));
    PodObject { metadata: ObjectMeta { generate_name, labels, ..ObjectMeta::default() }, spec: template.spec, ..PodObject::default() }
}

/// The pod with the number 0; a claim of the set is a volume of the pod.
fn first_of(set: &StatefulSet) -> PodObject {
    let spec = set.spec.as_ref().expect("a StatefulSet has a spec");
    let labels = spec.template.metadata.clone().and_then(|metadata| metadata.labels);
    let mut pod = spec.template.spec.clone().expect("a template has a spec");
    let claims = spec.volume_claim_templates.iter().flatten().map(|claim| Volume {
        name: claim.name_any(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    });
    pod.volumes.get_or_insert_default().extend(claims);
    let name = Some(format!("{}-0", set.name_any()));
    PodObject { metadata: ObjectMeta { name, labels, ..ObjectMeta::default() }, spec: Some(pod), ..PodObject::default() }
}

/// A token as the kubelet asks for: of the pod's service account, and good only while the pod is there.
async fn token(client: &Client, namespace: &str, account: &str, pod: &PodObject) -> String {
    let bound =
        BoundObjectReference { api_version: Some("v1".into()), kind: Some("Pod".into()), name: Some(pod.name_any()), uid: pod.uid() };
    let spec = TokenRequestSpec { expiration_seconds: Some(3607), bound_object_ref: Some(bound), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    let given = accounts.create_token_request(account, &PostParams::default(), &request).await.expect("a token is given out");
    given.status.expect("the answer carries the token").token
}

/// Volumes are folders of the pod's own: variables that name a path in one name that of the folder.
fn give_folders(container: &Container, environment: &mut [(String, String)], volumes: &Path) {
    for mount in container.volume_mounts.iter().flatten() {
        let folder = volumes.join(&mount.name);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        for (_, value) in environment.iter_mut() {
            if let Some(rest) = value.strip_prefix(&mount.mount_path) {
                *value = format!("{}{rest}", folder.display());
            }
        }
    }
}

/// The container's environment, with fields of the pod in place of references to them.
fn environment(container: &Container, pod: &PodObject) -> Vec<(String, String)> {
    let pod: Value = serde_json::to_value(pod).expect("a pod is JSON");
    let resolved = container.env.iter().flatten().map(|variable| {
        let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
        let value = match field {
            Some(field) => pod
                .pointer(&format!("/{}", field.field_path.replace('.', "/")))
                .and_then(Value::as_str)
                .expect("the pod has the field")
                .to_owned(),
            None => variable.value.clone().unwrap_or_default(),
        };
        (variable.name.clone(), value)
    });
    resolved.collect()
}

/// An address that no other pod has: the middle is this test binary's.
fn own_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [.., high, low] = std::process::id().to_be_bytes();
    let last = u8::try_from(number % 200).unwrap_or_default() + 2;
    IpAddr::V4(Ipv4Addr::new(127, high | 1, low, last))
}

//! Asks the cluster for all that a report holds. What can't be had is named as missing; it is no error.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::Value;

use super::bundle::Bundle;
use super::clean::{clean, personal};
use super::redact::Redactor;
use super::secrets::{Outline, named, outlined};
use super::{ReportError, ReportSettings};
use crate::flow::ports::Clock;
use crate::settings::StatusSettings;
use crate::tools::kubectl::cluster::Cluster;
use crate::tools::kubectl::object::{items, name, number, text};
use crate::tools::kubectl::page::Paint;
use crate::tools::kubectl::places::{admin_of, ours, theirs};
use crate::tools::kubectl::status;

/// Our kinds, and the plurals of their paths.
const OURS: [(&str, &str); 6] = [
    ("Exchange", "exchanges"),
    ("LeadSource", "leadsources"),
    ("RoutingPolicy", "routingpolicies"),
    ("Endpoint", "leadendpoints"),
    ("Agent", "agents"),
    ("Buyer", "buyers"),
];
/// Kubernetes' own kinds, as far as they are part of an installation.
const THEIRS: [(&str, &str, &str); 6] = [
    ("Deployment", "apis/apps/v1", "deployments"),
    ("StatefulSet", "apis/apps/v1", "statefulsets"),
    ("Pod", "api/v1", "pods"),
    ("Service", "api/v1", "services"),
    ("PodDisruptionBudget", "apis/policy/v1", "poddisruptionbudgets"),
    ("Lease", "apis/coordination.k8s.io/v1", "leases"),
];
const PARTS: &str = "&labelSelector=app.kubernetes.io/part-of%3Dleadflow";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// The most of one log, in bytes.
const LOG: usize = 8 << 20;
/// Pages of pods that are asked for at a time: pods that do not answer hold up no others.
const AT_ONCE: usize = 16;

/// Gathers the report.
pub async fn gather(cluster: &Cluster, settings: &ReportSettings, clock: &dyn Clock) -> Result<Bundle, ReportError> {
    let mut work = Work { cluster, settings, redactor: Redactor::new()?, bundle: Bundle::default() };
    let rules = work.rules().await;
    work.redactor.know(rules.iter().flat_map(|(_, objects)| objects.iter().flat_map(personal)));
    work.versions(clock).await;
    work.status(clock).await;
    for (plural, objects) in &rules {
        work.objects(&format!("rules/{plural}.yaml"), objects.clone());
    }
    work.secrets(&rules).await;
    let mut namespaces = vec![cluster.namespace.clone()];
    namespaces.extend((settings.operator_namespace != cluster.namespace).then(|| settings.operator_namespace.clone()));
    for namespace in namespaces {
        work.workloads(&namespace).await;
        work.events(&namespace).await;
    }
    Ok(work.bundle)
}

struct Work<'a> {
    cluster: &'a Cluster,
    settings: &'a ReportSettings,
    redactor: Redactor,
    bundle: Bundle,
}

impl Work<'_> {
    fn missing(&mut self, what: &str, why: &dyn std::fmt::Display) {
        let why = self.redactor.text(&why.to_string().replace('\n', " "));
        self.bundle.missing.push(format!("{what}: {why}"));
    }

    /// Objects of our kinds, by plural, with their kind, which lists leave out.
    async fn rules(&mut self) -> Vec<(&'static str, Vec<Value>)> {
        let mut rules = Vec::new();
        for (kind, plural) in OURS {
            match self.list(&ours(Some(&self.cluster.namespace), plural), "", kind).await {
                Ok(objects) => rules.push((plural, objects)),
                Err(why) => self.missing(&format!("rules/{plural}.yaml"), &why),
            }
        }
        rules
    }

    async fn list(&self, path: &str, query: &str, kind: &str) -> Result<Vec<Value>, String> {
        let mut objects = self.cluster.list(path, query).await.map_err(|error| error.to_string())?;
        for object in objects.iter_mut().filter_map(Value::as_object_mut) {
            object.entry("kind").or_insert_with(|| kind.into());
        }
        Ok(objects)
    }

    /// Versions of everybody, and when this was.
    async fn versions(&mut self, clock: &dyn Clock) {
        let mut told = format!("leadflow {}, at {}\n", env!("CARGO_PKG_VERSION"), clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"));
        match self.cluster.get("/version").await {
            Ok(version) => told.push_str(&format!("Kubernetes {}, {}\n", text(&version, "/gitVersion"), text(&version, "/platform"))),
            Err(why) => self.missing("the version of Kubernetes", &why),
        }
        for (_, plural) in OURS {
            let crd = format!("{plural}.leadflow.dev");
            match self.cluster.get(&format!("{DEFINITIONS}/{crd}")).await {
                Ok(definition) => {
                    let versions: Vec<_> = items(&definition, "/spec/versions").map(|version| text(version, "/name")).collect();
                    told.push_str(&format!("{crd}: {}, generation {}\n", versions.join(", "), number(&definition, "/metadata/generation")));
                }
                Err(why) => self.missing(&format!("the definition of {crd}"), &why),
            }
        }
        self.bundle.add("versions.txt", told);
    }

    /// The screen of `leadflow status`.
    async fn status(&mut self, clock: &dyn Clock) {
        let settings = StatusSettings {
            exchange: None,
            all_namespaces: false,
            watch: None,
            operator_namespace: self.settings.operator_namespace.clone(),
            cluster: self.settings.cluster.clone(),
            output: self.settings.output,
        };
        match status::views(self.cluster, &settings, clock).await {
            Ok(views) => {
                let screens: Vec<_> = views.iter().map(|view| status::text(view, clock.now(), Paint::Plain)).collect();
                self.bundle.add("status.txt", self.redactor.text(&screens.join("\n")));
            }
            Err(why) => self.missing("status.txt", &why),
        }
    }

    fn objects(&mut self, path: &str, objects: Vec<Value>) {
        let mut told = String::new();
        for object in objects {
            match serde_saphyr::to_string(&clean(object, &self.redactor)) {
                Ok(yaml) => told.push_str(&format!("---\n{}\n", yaml.trim_end())),
                Err(why) => self.missing(path, &why),
            }
        }
        if !told.is_empty() {
            self.bundle.add(path, told);
        }
    }

    /// Of the Secrets that rules name: names and sizes of entries.
    async fn secrets(&mut self, rules: &[(&'static str, Vec<Value>)]) {
        let named = named(rules.iter().flat_map(|(_, objects)| objects));
        let mut told = String::new();
        for (secret, by) in &named {
            let outline = self.cluster.read::<Outline>(&theirs("api/v1", &self.cluster.namespace, &format!("secrets/{secret}"))).await;
            told.push_str(&outlined(secret, by, &outline.map_err(|why| self.redactor.text(&why.to_string()))));
        }
        self.bundle.add("secrets.txt", told);
    }

    /// What runs in a namespace: objects, and what each pod tells.
    async fn workloads(&mut self, namespace: &str) {
        let mut pods = Vec::new();
        for (kind, group, plural) in THEIRS {
            let path = format!("workloads/{namespace}/{plural}.yaml");
            // The Lease of the operator's leader has no label.
            let query = if kind == "Lease" { "" } else { PARTS };
            match self.list(&theirs(group, namespace, plural), query, kind).await {
                Ok(objects) => {
                    if kind == "Pod" {
                        pods.clone_from(&objects);
                    }
                    self.objects(&path, objects);
                }
                Err(why) => self.missing(&path, &why),
            }
        }
        let pages: Vec<_> = pods.iter().flat_map(|pod| pages(namespace, pod, self.settings.log_lines)).collect();
        let cluster = self.cluster;
        let mut answers = futures::stream::iter(&pages).map(async |page| (cluster.text(&page.path).await, page)).buffered(AT_ONCE);
        while let Some((answer, page)) = answers.next().await {
            match answer {
                Ok(text) if page.is_metrics => self.bundle.add(&page.file, self.redactor.metrics(&text)),
                Ok(text) => self.bundle.add(&page.file, self.redactor.text(&text)),
                Err(why) => self.missing(&page.what, &why),
            }
        }
    }

    /// Events in the order in which they were.
    async fn events(&mut self, namespace: &str) {
        match self.list(&theirs("apis/events.k8s.io/v1", namespace, "events"), "", "Event").await {
            Ok(mut events) => {
                events.sort_by(|a, b| time(a).cmp(time(b)));
                let lines: Vec<_> = events.iter().map(line).collect();
                self.bundle.add(format!("events/{namespace}.txt"), self.redactor.text(&lines.concat()));
            }
            Err(why) => self.missing(&format!("events of namespace {namespace}"), &why),
        }
    }
}

/// What one pod is asked for.
struct Page {
    what: String,
    path: String,
    file: String,
    is_metrics: bool,
}

/// A pod's metrics, and the logs of its containers; of those that were restarted also what they said before.
fn pages(namespace: &str, pod: &Value, log_lines: u32) -> Vec<Page> {
    let pod_name = name(pod);
    let restarted: BTreeSet<&str> = items(pod, "/status/containerStatuses")
        .filter(|status| number(status, "/restartCount") > 0)
        .map(|status| text(status, "/name"))
        .collect();
    let metrics = admin_of(pod, "metrics").map(|path| Page {
        what: format!("metrics of pod {pod_name}"),
        path,
        file: format!("metrics/{namespace}/{pod_name}.txt"),
        is_metrics: true,
    });
    let log = |container: &str, which: &str| {
        let previous = if which.is_empty() { "" } else { "&previous=true" };
        let query = format!("container={container}&tailLines={log_lines}&limitBytes={LOG}{previous}");
        Page {
            what: format!("log of {container} in pod {pod_name}{which}"),
            path: format!("{}?{query}", theirs("api/v1", namespace, &format!("pods/{pod_name}/log"))),
            file: format!("logs/{namespace}/{pod_name}/{container}{which}.log"),
            is_metrics: false,
        }
    };
    let logs = items(pod, "/spec/containers").map(|container| text(container, "/name")).flat_map(|container| {
        let before = restarted.contains(container).then(|| log(container, "-previous"));
        std::iter::once(log(container, "")).chain(before)
    });
    metrics.into_iter().chain(logs).collect()
}

/// When an Event was last, in any of its shapes.
fn time(event: &Value) -> &str {
    let shapes = ["/series/lastObservedTime", "/deprecatedLastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    shapes.iter().map(|shape| text(event, shape)).find(|time| !time.is_empty()).unwrap_or_default()
}

fn line(event: &Value) -> String {
    let times = number(event, "/series/count").max(number(event, "/deprecatedCount")).max(1);
    format!(
        "{} {} {} {}/{} x{times} {}\n",
        time(event),
        text(event, "/type"),
        text(event, "/reason"),
        text(event, "/regarding/kind"),
        text(event, "/regarding/name"),
        text(event, "/note")
    )
}

//! The parts of the screen. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::view::Pod;
use crate::tools::kubectl::circuit::{Seen, seen};
use crate::tools::kubectl::object::{Standing, State, items, name, number, standing, text};
use crate::tools::kubectl::places::component;
use crate::tools::kubectl::samples::Samples;

/// One workload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    pub name: String,
    pub ready: i64,
    pub desired: i64,
    /// The configuration that its pods run, as status or the pods themselves say.
    pub revision: Option<String>,
    /// Pods that are not ready, and why.
    pub faults: Vec<PodFault>,
}

/// A pod that is not ready.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFault {
    pub pod: String,
    pub restarts: i64,
    pub why: String,
}

/// The workloads, as status has them, with what their pods say.
pub fn components(exchange: &Value, pods: &[Pod]) -> Vec<Component> {
    let of = |told: &Value| {
        let name = text(told, "/name").to_owned();
        let mine = || pods.iter().filter(|pod| component(&pod.object) == name);
        let digests: BTreeSet<_> =
            mine().filter_map(|pod| pod.metrics.as_ref().ok()?.one("leadflow_rules_info", "digest").map(short)).collect();
        let revision = match text(told, "/revision") {
            "" if digests.is_empty() => None,
            "" => Some(digests.into_iter().collect::<Vec<_>>().join(", ")),
            revision => Some(short(revision)),
        };
        let faults = mine().filter_map(|pod| fault(&pod.object)).collect();
        Component { ready: number(told, "/ready"), desired: number(told, "/desired"), revision, faults, name }
    };
    items(exchange, "/status/components").map(of).collect()
}

/// The beginning of a digest is enough to tell it from others.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// Why a pod is not ready, in the words of its status.
fn fault(pod: &Value) -> Option<PodFault> {
    let ready = items(pod, "/status/conditions").any(|each| text(each, "/type") == "Ready" && text(each, "/status") == "True");
    if ready {
        return None;
    }
    let containers = || items(pod, "/status/containerStatuses");
    let waiting = containers().find_map(|each| each.pointer("/state/waiting").or_else(|| each.pointer("/state/terminated")));
    let unscheduled =
        items(pod, "/status/conditions").find(|each| text(each, "/type") == "PodScheduled" && text(each, "/status") == "False");
    let why = match (waiting.or(unscheduled), text(pod, "/metadata/deletionTimestamp")) {
        (_, leaving) if !leaving.is_empty() => "is ending".to_owned(),
        (Some(state), _) => [text(state, "/reason"), text(state, "/message")].join(" ").trim().to_owned(),
        (None, _) => format!("{}, not ready", text(pod, "/status/phase")),
    };
    let restarts = containers().map(|each| number(each, "/restartCount")).sum();
    Some(PodFault { pod: name(pod).to_owned(), restarts, why })
}

/// Leads that are not at their end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Leads waiting for a router or with one.
    pub depth: f64,
    /// Seconds that the oldest of them has waited.
    pub oldest_seconds: f64,
    pub unmatched: f64,
    pub in_flight: f64,
    /// Leads on the disks of ingest pods, which the store has not taken yet; absent where ingest has no spool.
    pub spooled: Option<f64>,
    pub spool_oldest_seconds: Option<f64>,
}

/// Every router tells the same of the store: the highest is the latest bad news. What each has of its own adds up.
pub fn queue(pods: &[Pod]) -> Option<Queue> {
    let told: Vec<&Samples> = pods.iter().filter_map(|pod| pod.metrics.as_ref().ok()).collect();
    let values = |name: &'static str| told.iter().filter_map(move |samples| samples.value(name));
    let highest = |name| values(name).reduce(f64::max);
    let sum = |name| values(name).reduce(|all, one| all + one);
    Some(Queue {
        depth: highest("leadflow_queue_depth")?,
        oldest_seconds: highest("leadflow_queue_age_seconds").unwrap_or_default(),
        unmatched: highest("leadflow_unmatched_leads").unwrap_or_default(),
        in_flight: sum("leadflow_leads_in_flight").unwrap_or_default(),
        spooled: sum("leadflow_spool_leads"),
        spool_oldest_seconds: highest("leadflow_spool_oldest_seconds"),
    })
}

/// What is not as it should be with the rules that pods run.
pub fn rules(pods: &[Pod]) -> Vec<String> {
    let told = || pods.iter().filter_map(|pod| Some((name(&pod.object), pod.metrics.as_ref().ok()?)));
    let mut notes: Vec<_> = told()
        .filter(|(_, samples)| samples.value("leadflow_rules_fresh") == Some(0.0))
        .map(|(pod, _)| format!("pod {pod} can't watch the API server; it goes by the rules that it had"))
        .collect();
    let mut by_digest: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (pod, samples) in told() {
        if let Some(digest) = samples.one("leadflow_rules_info", "digest") {
            by_digest.entry(digest).or_default().push(pod);
        }
    }
    if by_digest.len() > 1 {
        let each: Vec<_> = by_digest.iter().map(|(digest, pods)| format!("{} in {}", short(digest), pods.join(", "))).collect();
        notes.push(format!("pods run different rules: {}", each.join("; ")));
    }
    notes
}

/// A source and where it posts to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    pub name: String,
    pub url: String,
    pub standing: Standing,
}

/// The address that status tells, or else the one within the cluster.
pub fn source(source: &Value, namespace: &str, exchange: &str) -> Source {
    let name = name(source);
    let url = match text(source, "/status/url") {
        "" => format!("http://{exchange}-ingest.{namespace}.svc/v1/sources/{name}/leads"),
        url => url.to_owned(),
    };
    Source { name: name.to_owned(), url, standing: standing(source) }
}

/// An object of which no more is told than how it fares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    pub name: String,
    pub standing: Standing,
}

pub fn named(object: &Value) -> Named {
    Named { name: name(object).to_owned(), standing: standing(object) }
}

/// Many objects, of which only those are named with which something is wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Crowd {
    pub total: usize,
    pub ready: usize,
    pub others: Vec<Named>,
}

pub fn crowd(objects: &[Value]) -> Crowd {
    let mut others: Vec<_> = objects.iter().map(named).filter(|each| each.standing.state != State::Ready).collect();
    others.sort_by_key(|each| (each.standing.state != State::Failing, each.name.clone()));
    Crowd { total: objects.len(), ready: objects.len() - others.len(), others }
}

/// An endpoint and its circuit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Circuit {
    #[serde(flatten)]
    pub seen: Seen,
    pub standing: Standing,
}

pub fn circuit(endpoint: &Value, pods: &[Pod]) -> Circuit {
    let routers = pods.iter().filter(|pod| component(&pod.object) != "ingest");
    let routers = routers.map(|pod| (name(&pod.object).to_owned(), pod.metrics.as_ref().ok().cloned())).collect();
    Circuit { seen: seen(endpoint, &routers), standing: standing(endpoint) }
}

/// Who leads among the operator's pods.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operator {
    pub leader: Option<String>,
    /// Seconds since it said so.
    pub renewed_seconds: Option<i64>,
    /// Why nobody leads, or why it can't be told.
    pub why_not: Option<String>,
}

pub fn operator(lease: &Result<Value, String>, now: Timestamp) -> Operator {
    let lease = match lease {
        Ok(lease) => lease,
        Err(why) => return Operator { leader: None, renewed_seconds: None, why_not: Some(why.clone()) },
    };
    let renewed = text(lease, "/spec/renewTime").parse::<Timestamp>().ok().map(|then| now.duration_since(then));
    let held = SignedDuration::from_secs(number(lease, "/spec/leaseDurationSeconds"));
    // A pod, and a number of its process.
    let holder = text(lease, "/spec/holderIdentity").split('_').next().filter(|holder| !holder.is_empty());
    let lapsed = renewed.is_none_or(|renewed| renewed > held);
    let why_not = match holder {
        None => Some("nobody holds the Lease".to_owned()),
        Some(holder) if lapsed => Some(format!("{holder} led last, and has not renewed the Lease")),
        Some(_) => None,
    };
    let leader = holder.filter(|_| !lapsed).map(str::to_owned);
    Operator { leader, renewed_seconds: renewed.map(|renewed| renewed.as_secs()), why_not }
}

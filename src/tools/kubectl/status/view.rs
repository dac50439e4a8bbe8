//! What there is to say of an Exchange, made of what the cluster told. Pure.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::parts::{self, Circuit, Component, Crowd, Named, Operator, Queue, Source};
use crate::tools::kubectl::object::{Standing, items, name, standing, text};
use crate::tools::kubectl::samples::Samples;

/// A pod, and its metrics or why there are none.
#[derive(Debug)]
pub struct Pod {
    pub object: Value,
    pub metrics: Result<Samples, String>,
}

/// What the cluster told.
#[derive(Debug)]
pub struct Gathered {
    pub exchange: Value,
    pub sources: Vec<Value>,
    pub policies: Vec<Value>,
    pub endpoints: Vec<Value>,
    pub agents: Vec<Value>,
    pub buyers: Vec<Value>,
    pub pods: Vec<Pod>,
    /// The operator's Lease, or why it can't be shown.
    pub lease: Result<Value, String>,
    /// What could not be read, and why.
    pub notes: Vec<String>,
}

/// One screen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub namespace: String,
    pub exchange: String,
    /// When the Exchange was made.
    pub created: String,
    pub standing: Standing,
    pub conditions: Vec<Condition>,
    pub components: Vec<Component>,
    /// Absent when no pod could be asked.
    pub queue: Option<Queue>,
    pub sources: Vec<Source>,
    pub policies: Vec<Named>,
    pub endpoints: Vec<Circuit>,
    pub agents: Crowd,
    pub buyers: Crowd,
    pub operator: Operator,
    /// What could not be read, or is not as it should be.
    pub notes: Vec<String>,
}

/// A condition of the Exchange.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}

/// Makes the view.
pub fn view(gathered: &Gathered, now: Timestamp) -> View {
    let Gathered { exchange, pods, .. } = gathered;
    let (namespace, exchange_name) = (text(exchange, "/metadata/namespace"), name(exchange));
    let mut notes = gathered.notes.clone();
    notes.extend(pods.iter().filter_map(|pod| {
        let error = pod.metrics.as_ref().err()?;
        Some(format!("pod {} can't be asked for metrics: {error}", name(&pod.object)))
    }));
    notes.extend(parts::rules(pods));
    View {
        namespace: namespace.to_owned(),
        exchange: exchange_name.to_owned(),
        created: text(exchange, "/metadata/creationTimestamp").to_owned(),
        standing: standing(exchange),
        conditions: items(exchange, "/status/conditions").map(condition).collect(),
        components: parts::components(exchange, pods),
        queue: parts::queue(pods),
        sources: gathered.sources.iter().map(|source| parts::source(source, namespace, exchange_name)).collect(),
        policies: gathered.policies.iter().map(parts::named).collect(),
        endpoints: gathered.endpoints.iter().map(|endpoint| parts::circuit(endpoint, pods)).collect(),
        agents: parts::crowd(&gathered.agents),
        buyers: parts::crowd(&gathered.buyers),
        operator: parts::operator(&gathered.lease, now),
        notes,
    }
}

fn condition(condition: &Value) -> Condition {
    let field = |name| text(condition, name).to_owned();
    Condition { kind: field("/type"), status: field("/status"), reason: field("/reason"), message: field("/message") }
}

//! `leadflow circuit`: circuits as every router sees them, and their manual override.
//!
//! An override is set by server-side apply of that one field, as a manager of our own, so that the rest of the object stays whose it is. `auto` gives the
//! field back.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::cluster::{Cluster, ClusterError};
use super::object::{condition, items, name, number, text};
use super::page::{Columns, Paint, Tone, age, span};
use super::places::{admin_of, component, ours, theirs};
use super::samples::Samples;
use crate::api::endpoint::CircuitMode;
use crate::api::{GROUP, VERSION};
use crate::flow::ports::Clock;
use crate::settings::{CircuitAction, CircuitChange, CircuitSettings, CircuitShow, Output};

/// Who sets `spec.circuit` here, in `managedFields`.
const MANAGER: &str = "kubectl-leadflow";
const PLURAL: &str = "leadendpoints";
/// How often status is looked at while waiting.
const LOOK: Duration = Duration::from_millis(500);
/// Letters of a line.
const WIDTH: usize = 100;

/// Why a circuit was not shown or not changed.
#[derive(Debug, thiserror::Error)]
pub enum CircuitError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("spec.circuit of Endpoint {endpoint} is {mode}, but after {seconds} s not every router goes by it: {told}")]
    NotYet { endpoint: String, mode: String, seconds: u32, told: String },
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// One endpoint's circuit, as everybody sees it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    pub endpoint: String,
    /// `spec.circuit`.
    pub mode: String,
    /// `status.circuit`, as it is there.
    pub status: Option<Value>,
    /// The condition `Available`, as it is there.
    pub available: Option<Value>,
    /// What each router's metrics say; `?` when a router could not be asked.
    pub routers: BTreeMap<String, String>,
}

/// Shows or changes, as told.
pub async fn run(settings: &CircuitSettings, clock: &dyn Clock, paint: Paint, out: &mut impl Write) -> Result<(), CircuitError> {
    match &settings.action {
        CircuitAction::Show(show) => {
            let cluster = Cluster::connect(&show.cluster).await?;
            self::show(&cluster, show, clock, paint, out).await
        }
        CircuitAction::Pause(change) => self::change(change, CircuitMode::Paused, out).await,
        CircuitAction::Force(change) => self::change(change, CircuitMode::Forced, out).await,
        CircuitAction::Auto(change) => self::change(change, CircuitMode::Auto, out).await,
    }
}

async fn show(cluster: &Cluster, show: &CircuitShow, clock: &dyn Clock, paint: Paint, out: &mut impl Write) -> Result<(), CircuitError> {
    let list = ours(Some(&cluster.namespace), PLURAL);
    let endpoints = match &show.endpoint {
        Some(name) => vec![cluster.get(&format!("{list}/{name}")).await?],
        None => cluster.list(&list, "").await?,
    };
    let query = "&labelSelector=app.kubernetes.io/name%3Dleadflow";
    let pods = cluster.list(&theirs("api/v1", &cluster.namespace, "pods"), query).await?;
    let (routers, unasked) = told_by_routers(cluster, &pods).await;
    let seen: Vec<_> = endpoints.iter().map(|endpoint| seen(endpoint, &routers)).collect();
    match show.output {
        Output::Json => writeln!(out, "{:#}", json!({"endpoints": seen, "notes": unasked}))?,
        Output::Text => out.write_all(written(&seen, &unasked, clock.now(), paint).as_bytes())?,
    }
    Ok(())
}

/// The metrics of every pod that delivers, by pod, and why others have none.
pub(super) async fn told_by_routers(cluster: &Cluster, pods: &[Value]) -> (BTreeMap<String, Option<Samples>>, Vec<String>) {
    let routers = pods.iter().filter(|pod| !matches!(component(pod), "ingest" | "operator"));
    let asked = futures::future::join_all(routers.map(async |pod| {
        let samples = match admin_of(pod, "metrics") {
            Some(path) => cluster.text(&path).await.map(|text| Samples::read(&text)).map_err(|error| error.to_string()),
            None => Err("it has no port named admin".to_owned()),
        };
        (name(pod).to_owned(), samples)
    }));
    let (mut told, mut notes) = (BTreeMap::new(), Vec::new());
    for (pod, samples) in asked.await {
        if let Err(error) = &samples {
            notes.push(format!("pod {pod} can't be asked: {error}"));
        }
        told.insert(pod, samples.ok());
    }
    (told, notes)
}

/// One endpoint as everybody sees it.
pub(super) fn seen(endpoint: &Value, routers: &BTreeMap<String, Option<Samples>>) -> Seen {
    let endpoint_name = name(endpoint);
    let state = |samples: &Option<Samples>| match samples {
        None => "?".to_owned(),
        Some(samples) => {
            let mut shown = samples.shown("leadflow_circuit_state", "endpoint", "state");
            shown.find(|(endpoint, _)| *endpoint == endpoint_name).map_or("unknown", |(_, state)| state).to_owned()
        }
    };
    Seen {
        endpoint: endpoint_name.to_owned(),
        mode: mode(endpoint).to_owned(),
        status: endpoint.pointer("/status/circuit").cloned(),
        available: condition(endpoint, "Available").cloned(),
        routers: routers.iter().map(|(pod, samples)| (pod.clone(), state(samples))).collect(),
    }
}

/// `spec.circuit`, with the schema's default.
fn mode(endpoint: &Value) -> &str {
    match text(endpoint, "/spec/circuit") {
        "" => "Auto",
        mode => mode,
    }
}

/// Why a circuit is as status says, for how long, and when the endpoint is tried again.
pub(super) fn story(status: &Value, now: Timestamp) -> String {
    let since = age(text(status, "/since"), now);
    let left = text(status, "/retryAt").parse::<Timestamp>().ok().map(|at| at.duration_since(now)).filter(|left| left.is_positive());
    let again = left.map(|left| format!(", tried again in {}", span(left))).unwrap_or_default();
    format!("{} for {since}{again}", text(status, "/reason"))
}

/// The tone of a state in anybody's spelling.
pub(super) fn tone(state: &str) -> Tone {
    match state.to_ascii_lowercase().as_str() {
        "serving" => Tone::Good,
        "tripped" | "paused" => Tone::Bad,
        "probing" | "forced" => Tone::Waiting,
        _ => Tone::Faint,
    }
}

fn written(seen: &[Seen], notes: &[String], now: Timestamp, paint: Paint) -> String {
    let mut out = String::new();
    if seen.is_empty() {
        out.push_str("no Endpoint\n");
    }
    for each in seen {
        out.push_str(&format!(
            "{}  spec.circuit {}\n",
            paint.word(Tone::Heading, &each.endpoint),
            paint.word(tone(&each.mode), &each.mode)
        ));
        let mut columns = Columns::default();
        if let Some(status) = &each.status {
            let state = text(status, "/state");
            let told = format!("{}, told by {}", story(status, now), text(status, "/reportedBy"));
            columns.row([(Tone::Faint, "status"), (tone(state), state), (Tone::Plain, &told)]);
        }
        if let Some(available) = &each.available {
            let says = format!("{}: {}", text(available, "/reason"), text(available, "/message"));
            columns.row([(Tone::Faint, "Available"), (Tone::Plain, text(available, "/status")), (Tone::Plain, &says)]);
        }
        for (router, state) in &each.routers {
            columns.row([(Tone::Faint, router), (tone(state), state)]);
        }
        columns.write(paint, WIDTH, &mut out);
    }
    for note in notes {
        out.push_str(&format!("{} {note}\n", paint.word(Tone::Waiting, "!")));
    }
    out
}

async fn change(change: &CircuitChange, mode: CircuitMode, out: &mut impl Write) -> Result<(), CircuitError> {
    let cluster = Cluster::connect(&change.cluster).await?;
    change_in(&cluster, change, mode, out).await
}

/// Sets `spec.circuit`, says who else has, and waits until every router goes by it.
pub async fn change_in(cluster: &Cluster, change: &CircuitChange, mode: CircuitMode, out: &mut impl Write) -> Result<(), CircuitError> {
    let path = format!("{}/{}", ours(Some(&cluster.namespace), PLURAL), change.endpoint);
    // An apply would create what is not there, and fail with less to say.
    let before = cluster.get(&path).await?;
    let wanted = format!("{mode:?}");
    let set = json!({"spec": {"circuit": wanted}});
    let mut after = match mode {
        // Without the field, the schema's default takes its place, unless somebody else holds another value.
        CircuitMode::Auto => cluster.apply(&path, MANAGER, &part(&change.endpoint, json!({}))).await?,
        _ => cluster.apply(&path, MANAGER, &part(&change.endpoint, set.clone())).await?,
    };
    if self::mode(&after) != wanted {
        after = cluster.apply(&path, MANAGER, &part(&change.endpoint, set)).await?;
    }
    if change.output == Output::Text {
        writeln!(out, "Endpoint {}: spec.circuit is {wanted} (was {})", change.endpoint, self::mode(&before))?;
        for other in others(&before) {
            writeln!(out, "  {other} sets spec.circuit, too: what applies its manifests may undo this; change it there, too")?;
        }
    }
    let told = until(cluster, &path, number(&after, "/metadata/generation"), &wanted, change.wait).await?;
    match (told, change.output) {
        (Waited::Not, Output::Text) => {}
        (Waited::Done, Output::Text) => writeln!(out, "every router goes by it")?,
        (Waited::TooLong(told), _) => {
            let endpoint = change.endpoint.clone();
            return Err(CircuitError::NotYet { endpoint, mode: wanted, seconds: change.wait, told });
        }
        (_, Output::Json) => writeln!(out, "{:#}", seen(&cluster.get(&path).await?, &BTreeMap::new()).json())?,
    }
    Ok(())
}

impl Seen {
    fn json(&self) -> Value {
        json!({"endpoint": self.endpoint, "mode": self.mode, "status": self.status, "available": self.available})
    }
}

/// The part of an Endpoint that is applied.
fn part(endpoint: &str, spec: Value) -> Value {
    let mut part = json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": "Endpoint", "metadata": {"name": endpoint}});
    if let (Value::Object(part), Value::Object(spec)) = (&mut part, spec) {
        part.extend(spec);
    }
    part
}

/// Others who have set `spec.circuit`.
fn others(endpoint: &Value) -> Vec<&str> {
    let entries = items(endpoint, "/metadata/managedFields").filter(|entry| entry.pointer("/fieldsV1/f:spec/f:circuit").is_some());
    entries.map(|entry| text(entry, "/manager")).filter(|manager| *manager != MANAGER).collect()
}

enum Waited {
    Not,
    Done,
    TooLong(String),
}

/// Waits until status says that this generation runs everywhere, and `Available` that routers go by the override.
async fn until(cluster: &Cluster, path: &str, generation: i64, mode: &str, seconds: u32) -> Result<Waited, ClusterError> {
    if seconds == 0 {
        return Ok(Waited::Not);
    }
    let looking = async {
        loop {
            let now = cluster.get(path).await?;
            if missing(&now, generation, mode).is_none() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(seconds.into()), looking).await {
        Ok(done) => done.map(|()| Waited::Done),
        Err(_) => Ok(Waited::TooLong(missing(&cluster.get(path).await?, generation, mode).unwrap_or_else(|| "only just now".to_owned()))),
    }
}

/// What status does not say yet. Only routers write `Available`: it says what they do, not only what they know.
fn missing(endpoint: &Value, generation: i64, mode: &str) -> Option<String> {
    let Some(programmed) = condition(endpoint, "Programmed") else { return Some("no condition Programmed".to_owned()) };
    if number(programmed, "/observedGeneration") < generation {
        return Some("the operator has not looked at the change".to_owned());
    }
    if text(programmed, "/status") != "True" {
        return Some(format!("Programmed is {}, {}", text(programmed, "/status"), text(programmed, "/message")));
    }
    let reason = condition(endpoint, "Available").map_or("", |available| text(available, "/reason"));
    let overridden = matches!(reason, "CircuitPaused" | "CircuitForced");
    match mode {
        // A circuit that never changed has no condition.
        "Auto" if overridden => Some(format!("Available still says {reason}")),
        "Auto" => None,
        mode if reason == format!("Circuit{mode}") => None,
        _ => Some(format!("Available says {}", if reason.is_empty() { "nothing" } else { reason })),
    }
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;

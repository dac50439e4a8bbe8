//! Tells everybody: `Endpoint.status.circuit`, the condition `Available`, and Events on trips and recoveries.
//!
//! All routers write the same fields. What one of them has to say is written only if no other has told something newer, and only over the status that it has
//! read: of two that write at once, one reads again. Whoever's word turns an endpoint from serving to not, or back, publishes the Event; so there is one for
//! each turn, however many routers see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource};
use serde_json::json;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::{Instant, timeout};

use super::Transition;
use crate::api::condition::conditions;
use crate::api::endpoint::{Circuit, CircuitMode, CircuitState};
use crate::api::{Endpoint, GROUP, VERSION};
use crate::ops::metrics::Metrics;

/// Most transitions that wait to be published.
pub const QUEUE: usize = 256;
/// Field manager of what routers write. All share it: the last to see a transition is right.
pub const MANAGER: &str = "leadflow-router";
/// Longest time of one call to the API server.
const CALL: Duration = Duration::from_secs(5);
/// How often a write is made again at once because another came between.
const AT_ONCE: usize = 4;
/// Pause after a first failed write; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where transitions are published.
pub struct Publisher {
    endpoints: Api<Endpoint>,
    recorder: Recorder,
    /// This router's name, as `reportedBy` has it.
    router: String,
    metrics: Arc<Metrics>,
}

/// A transition that waits for its write.
struct Waiting {
    transition: Transition,
    due: Instant,
    pause: Duration,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error("no answer from the API server in {} s", CALL.as_secs())]
    Timeout,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl PublishError {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 409)
    }
}

impl Publisher {
    pub fn new(client: Client, namespace: &str, router: &str, metrics: Arc<Metrics>) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(router.to_owned()) };
        Self {
            endpoints: Api::namespaced(client.clone(), namespace),
            recorder: Recorder::new(client, reporter),
            router: router.to_owned(),
            metrics,
        }
    }

    /// Publishes until the queue's sender is gone and what it sent was tried once more. Of each endpoint only the newest transition is written.
    pub async fn run(self, mut queue: Receiver<Transition>) {
        let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
        let mut open = true;
        while open || !waiting.is_empty() {
            let next = waiting.iter().min_by_key(|(_, w)| w.due).map(|(name, w)| (name.clone(), w.due));
            match next {
                None => match queue.recv().await {
                    Some(transition) => put(&mut waiting, transition),
                    None => open = false,
                },
                Some((_, due)) if open && due > Instant::now() => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    transition = queue.recv() => match transition {
                        Some(transition) => put(&mut waiting, transition),
                        None => open = false,
                    },
                },
                Some((name, _)) => {
                    open = open && drain(&mut queue, &mut waiting);
                    let Some(next) = waiting.remove(&name) else { continue };
                    if let Some(again) = self.publish(next).await.filter(|_| open) {
                        waiting.insert(name, again);
                    }
                }
            }
        }
    }

    /// Writes one transition; gives it back for later when that failed.
    async fn publish(&self, next: Waiting) -> Option<Waiting> {
        match timeout(2 * CALL, self.write(&next.transition)).await.unwrap_or(Err(PublishError::Timeout)) {
            Ok(()) => None,
            Err(error) => {
                self.metrics.circuit_unpublished.with_label_values(&["error"]).inc();
                tracing::warn!(endpoint = next.transition.endpoint, %error, "the circuit's change is not in status yet");
                let pause = (next.pause * 2).min(LONGEST_PAUSE);
                Some(Waiting { due: Instant::now() + next.pause, pause, ..next })
            }
        }
    }

    /// Writes, and reads again when another's write came between.
    async fn write(&self, transition: &Transition) -> Result<(), PublishError> {
        for _ in 1..AT_ONCE {
            match self.write_over(transition).await {
                Err(error) if error.is_conflict() => {}
                done => return done,
            }
        }
        self.write_over(transition).await
    }

    /// Writes over the status as it is read, unless another router's word in it is newer.
    async fn write_over(&self, transition: &Transition) -> Result<(), PublishError> {
        let name = &transition.endpoint;
        let Some(object) = call(self.endpoints.get_opt(name)).await? else { return Ok(()) };
        if transition.uid.is_some() && object.metadata.uid != transition.uid {
            return Ok(()); // the endpoint was made anew: this speaks of the old one
        }
        let told = object.status.as_ref().and_then(|status| status.circuit.as_ref());
        if told.is_some_and(|told| self.is_newer(told, transition)) {
            return Ok(());
        }
        let current = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let status = self.status(transition, current);
        // With uid and version it can only be the very status that was read.
        let metadata = json!({"name": name, "uid": object.metadata.uid, "resourceVersion": object.metadata.resource_version});
        let patch = json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": "Endpoint", "metadata": metadata, "status": status});
        call(self.endpoints.patch_status(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&patch))).await?;
        let served = told.is_none_or(|told| told.state == CircuitState::Serving);
        if let Some(event) = event(transition, served)
            && let Err(error) = call(self.recorder.publish(&event, &object.object_ref(&()))).await
        {
            tracing::warn!(endpoint = name, %error, "no Event of the circuit's change");
        }
        Ok(())
    }

    /// Whether another router told of something after this. Of the same second, bad news counts: whoever told it will tell of its end.
    fn is_newer(&self, told: &Circuit, transition: &Transition) -> bool {
        let view = transition.view;
        let bad = |state: CircuitState| state != CircuitState::Serving;
        told.reported_by != self.router && (told.since.0, bad(told.state)) > (whole(view.since), bad(view.state))
    }

    /// The whole of what routers own of a status.
    fn status(&self, transition: &Transition, current: &[Condition]) -> serde_json::Value {
        let view = transition.view;
        let circuit = Circuit {
            state: view.state,
            reason: view.reason,
            since: Time(whole(view.since)),
            retry_at: view.retry_at.map(|at| Time(next_whole(at))),
            reported_by: self.router.clone(),
        };
        let conditions = conditions(current, &[transition.condition()], transition.generation, view.since);
        json!({"circuit": circuit, "conditions": conditions})
    }
}

async fn call<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, PublishError> {
    Ok(timeout(CALL, call).await.map_err(|_| PublishError::Timeout)??)
}

/// Kubernetes writes times in whole seconds.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The same for the end of a trip, which others must not see before it is there.
fn next_whole(time: Timestamp) -> Timestamp {
    whole(time.saturating_add(SignedDuration::from_nanos(999_999_999)).unwrap_or(time))
}

fn put(waiting: &mut BTreeMap<String, Waiting>, transition: Transition) {
    let fresh = Waiting { transition, due: Instant::now(), pause: FIRST_PAUSE };
    waiting.insert(fresh.transition.endpoint.clone(), fresh);
}

/// Takes what waits in the queue; false when its sender is gone.
fn drain(queue: &mut Receiver<Transition>, waiting: &mut BTreeMap<String, Waiting>) -> bool {
    loop {
        match queue.try_recv() {
            Ok(transition) => put(waiting, transition),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

/// The Event of a trip or a recovery: of the turn, so it counts whether the endpoint `served` until now, as all were told.
fn event(transition: &Transition, served: bool) -> Option<Event> {
    let (type_, reason, note) = match (transition.mode, transition.view.state) {
        (CircuitMode::Auto, CircuitState::Tripped) if served => (EventType::Warning, "CircuitTripped", transition.tripped()),
        (_, CircuitState::Serving) if transition.recovered && !served => {
            (EventType::Normal, "CircuitRecovered", "Leads are sent again.".to_owned())
        }
        _ => return None,
    };
    Some(Event { type_, reason: reason.to_owned(), note: Some(note), action: "Deliver".to_owned(), secondary: None })
}

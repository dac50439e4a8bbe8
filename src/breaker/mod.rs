//! Circuit breakers: endpoints that fail are left alone for a while.
//!
//! [`window`] counts calls, [`machine`] is one endpoint's circuit, both pure. [`Breakers`] holds those of a router and tells decisions what is out
//! of reach. A router decides by what it saw itself; [`publish`] tells the others afterwards, and what they tell is a hint that expires.

mod entry;
pub mod machine;
pub mod publish;
#[cfg(test)]
mod tests;
pub mod transition;
pub mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::mpsc;

pub use machine::{BreakerRules, Verdict};
pub use transition::Transition;

use crate::api::endpoint::{Circuit, CircuitState};
use crate::flow::ports::Dice;
use crate::lead::decision::Unavailable;
use crate::ops::metrics::Metrics;
use crate::table::endpoint::EndpointRules;
use entry::{Entry, State};
use machine::{Admit, Ticket};

/// The circuits of a router.
pub struct Breakers {
    entries: ArcSwap<BTreeMap<String, Arc<Entry>>>,
    /// Names of the endpoints that something is up with, so that a decision looks at no others.
    unwell: Mutex<BTreeSet<String>>,
    transitions: Option<mpsc::Sender<Transition>>,
    dice: Arc<dyn Dice>,
    metrics: Arc<Metrics>,
}

/// The answer to "may I send?".
#[derive(Debug)]
pub enum Admission {
    Go(Permit),
    /// A request would be a probe. Of all routers one probes at a time: who has leave to asks again by [`Breakers::probe`], who has none says
    /// [`Breakers::leave_probe`].
    ProbeDue,
    /// The far side asked to be left alone until then; its circuit is well.
    Wait {
        until: Timestamp,
    },
    /// The circuit is open; when it may be back is unknown for an endpoint that is paused by hand.
    Closed {
        until: Option<Timestamp>,
    },
}

/// Leave to send one request. Dropped without [`Breakers::observe`], it gives its place back and tells nothing.
pub struct Permit {
    held: Option<(Arc<Entry>, Ticket)>,
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Permit")
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((entry, ticket)) = self.held.take() {
            entry.lock().machine.release(ticket);
        }
    }
}

impl Breakers {
    /// `transitions` is where changes of circuits go to be published; without it they are only logged.
    pub fn new(dice: Arc<dyn Dice>, metrics: Arc<Metrics>, transitions: Option<mpsc::Sender<Transition>>) -> Self {
        Self { entries: ArcSwap::default(), unwell: Mutex::default(), transitions, dice, metrics }
    }

    /// Goes by these endpoints from now on. The circuits of those that did not change go on as they are.
    pub fn configure<'a>(&self, endpoints: impl IntoIterator<Item = &'a Arc<EndpointRules>>, now: Timestamp) {
        let before = self.entries.load_full();
        let mut after = BTreeMap::new();
        for rules in endpoints {
            let entry = before.get(&rules.name).cloned().unwrap_or_else(|| Arc::new(Entry::new(rules.clone(), now)));
            self.within(&entry, now, |state| state.configure(rules, now));
            after.insert(rules.name.clone(), entry);
        }
        for (name, entry) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
            entry.lock().gone = true;
            self.unwell().remove(name);
            ALL_STATES.iter().for_each(|state| drop(self.metrics.circuit.remove_label_values(&[name.as_str(), word(*state)])));
        }
        self.entries.store(Arc::new(after));
    }

    /// Asks for leave to send one request to an endpoint. An endpoint that no rules know of may be sent to.
    pub fn admit(&self, endpoint: &str, now: Timestamp) -> Admission {
        let Some(entry) = self.entries.load().get(endpoint).cloned() else { return Admission::Go(Permit { held: None }) };
        match self.within(&entry, now, |state| state.admit(now)) {
            Ok(Admit::Go(ticket)) => Admission::Go(Permit { held: Some((entry, ticket)) }),
            Ok(Admit::ProbeDue) => Admission::ProbeDue,
            Ok(Admit::Wait(until)) => Admission::Wait { until },
            Ok(Admit::Closed(until)) => Admission::Closed { until: Some(until) },
            Err(entry::Paused) => Admission::Closed { until: None },
        }
    }

    /// Begins a probe, for who has leave to; otherwise says when to ask again, if that is known.
    pub fn probe(&self, endpoint: &str, now: Timestamp) -> Result<Permit, Option<Timestamp>> {
        let Some(entry) = self.entries.load().get(endpoint).cloned() else { return Ok(Permit { held: None }) };
        let ticket = self.within(&entry, now, |state| state.probe(now))?;
        Ok(Permit { held: Some((entry, ticket)) })
    }

    /// Leaves the probing of an endpoint to the router that does it now; to be asked again then.
    pub fn leave_probe(&self, endpoint: &str, until: Timestamp, now: Timestamp) {
        if let Some(entry) = self.entries.load().get(endpoint).cloned() {
            self.within(&entry, now, |state| state.leave_probe(until));
        }
    }

    /// What a request told about its endpoint.
    pub fn observe(&self, mut permit: Permit, verdict: Verdict, latency: Duration, now: Timestamp) {
        if let Some((entry, ticket)) = permit.held.take() {
            self.within(&entry, now, |state| state.observe(ticket, verdict, latency, now, self.dice.roll()));
        }
    }

    /// The endpoints that can't be delivered to at the moment; what decisions see. One whose probe is due and free is not among them: a real lead
    /// probes it.
    pub fn unavailable(&self, now: Timestamp) -> BTreeMap<String, Unavailable> {
        let names = self.unwell().clone();
        names.into_iter().filter_map(|name| self.why_unavailable(&name, now).map(|why| (name, why))).collect()
    }

    /// Why an endpoint can't be delivered to at the moment; `None`: it can.
    pub fn why_unavailable(&self, endpoint: &str, now: Timestamp) -> Option<Unavailable> {
        let entry = self.entries.load().get(endpoint).cloned()?;
        self.within(&entry, now, |state| state.unavailable(now))
    }

    /// Takes in what `Endpoint.status.circuit` says. A foreign trip makes the endpoint unavailable to decisions until its `retryAt`, unless this
    /// router is told to send regardless; a foreign `Serving` ends that.
    pub fn hint(&self, endpoint: &str, circuit: &Circuit, reported_by_self: bool, now: Timestamp) {
        if let Some(entry) = self.entries.load().get(endpoint).cloned() {
            self.within(&entry, now, |state| state.hint(circuit, reported_by_self, now));
        }
    }

    /// Works on one endpoint's state, then publishes what became different.
    fn within<T>(&self, entry: &Entry, now: Timestamp, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = entry.lock();
        let result = work(&mut state);
        if state.gone {
            return result;
        }
        let well = state.well(now);
        if well == state.listed {
            let mut unwell = self.unwell();
            match well {
                true => unwell.remove(&state.rules.name),
                false => unwell.insert(state.rules.name.clone()),
            };
            drop(unwell);
            state.listed = !well;
        }
        let shown = state.machine.view().state;
        if state.shown.replace(shown) != Some(shown) {
            for each in ALL_STATES {
                self.metrics.circuit.with_label_values(&[state.rules.name.as_str(), word(each)]).set((each == shown).into());
            }
        }
        if let Some(transition) = state.transition() {
            self.announce(transition);
        }
        result
    }

    /// Tells of a change: log, metrics, and the queue to status. Never waits.
    fn announce(&self, transition: Transition) {
        transition.log();
        let view = transition.view;
        if view.state == CircuitState::Tripped {
            self.metrics.trips.with_label_values(&[transition.endpoint.as_str(), &format!("{:?}", view.reason)]).inc();
        }
        if let Some(queue) = &self.transitions
            && queue.try_send(transition).is_err()
        {
            self.metrics.circuit_unpublished.with_label_values(&["queue_full"]).inc();
        }
    }

    fn unwell(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.unwell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const ALL_STATES: [CircuitState; 3] = [CircuitState::Serving, CircuitState::Tripped, CircuitState::Probing];

/// The word of a state, as metrics have it.
fn word(state: CircuitState) -> &'static str {
    match state {
        CircuitState::Serving => "serving",
        CircuitState::Tripped => "tripped",
        CircuitState::Probing => "probing",
    }
}

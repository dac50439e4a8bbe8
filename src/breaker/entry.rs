//! What a router knows of one endpoint: its own circuit, the manual override, and what other routers say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::machine::{Admit, Machine, Ticket, Verdict, View};
use super::transition::Transition;
use crate::api::endpoint::{Circuit, CircuitMode, CircuitState};
use crate::lead::decision::Unavailable;
use crate::table::endpoint::EndpointRules;

/// How long a foreign probe keeps this router from sending, and how long a foreign trip does that tells no time.
const FOREIGN_PROBE: SignedDuration = SignedDuration::from_secs(30);

/// One endpoint.
pub(super) struct Entry(Mutex<State>);

/// What is known of it.
pub(super) struct State {
    pub rules: Arc<EndpointRules>,
    pub machine: Machine,
    /// Another router reported, last, that it does not serve the endpoint; until when that counts.
    foreign: Option<Timestamp>,
    /// Another router has leave to probe; when to ask again.
    elsewhere: Option<Timestamp>,
    /// What was announced last.
    announced: (CircuitMode, View),
    /// Whether this process announced anything.
    reported: bool,
    /// The state that metrics show.
    pub shown: Option<CircuitState>,
    /// Whether it is on the list of those that something is up with.
    pub listed: bool,
    /// The endpoint is gone; a request under way may still come back.
    pub gone: bool,
}

/// The endpoint is paused by hand.
pub(super) struct Paused;

impl Entry {
    pub fn new(rules: Arc<EndpointRules>, now: Timestamp) -> Self {
        let machine = Machine::new(rules.breaker.clone(), now);
        // A new endpoint that follows its breaker is nothing to tell of; one with an override is.
        let announced = (CircuitMode::Auto, machine.view());
        Self(Mutex::new(State {
            rules,
            machine,
            foreign: None,
            elsewhere: None,
            announced,
            reported: false,
            shown: None,
            listed: false,
            gone: false,
        }))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes over the rules. Where they say something new, failures of the past are forgotten.
    pub fn configure(&mut self, rules: &Arc<EndpointRules>, now: Timestamp) {
        let recreated = rules.uid != self.rules.uid;
        let same =
            *self.rules == EndpointRules { uid: self.rules.uid.clone(), generation: self.rules.generation, ..rules.as_ref().clone() };
        if recreated || rules.mode != self.rules.mode {
            self.machine = Machine::new(rules.breaker.clone(), now);
            (self.foreign, self.elsewhere) = (None, None);
        } else if !same {
            self.machine.change(rules.breaker.clone(), now);
            (self.foreign, self.elsewhere) = (None, None);
        }
        self.rules = rules.clone();
    }

    pub fn admit(&mut self, now: Timestamp) -> Result<Admit, Paused> {
        match self.rules.mode {
            CircuitMode::Paused => Err(Paused),
            CircuitMode::Forced => Ok(self.machine.admit(now)),
            CircuitMode::Auto => {
                // Another router's trip is over: not all leads at once, but one to see.
                if self.foreign.take_if(|until| *until <= now).is_some() {
                    self.machine.doubt(now);
                }
                Ok(match (self.machine.admit(now), self.probed_elsewhere(now)) {
                    (Admit::ProbeDue, Some(until)) => Admit::Closed(until),
                    (admit, _) => admit,
                })
            }
        }
    }

    /// Begins a probe, or what is admitted by now; otherwise says when to ask again, if that is known.
    pub fn probe(&mut self, now: Timestamp) -> Result<Ticket, Option<Timestamp>> {
        self.elsewhere = None;
        match self.rules.mode {
            CircuitMode::Paused => Err(None),
            CircuitMode::Forced | CircuitMode::Auto => self.machine.probe(now).map_err(Some),
        }
    }

    /// Another router has leave to probe; this one asks again then.
    pub fn leave_probe(&mut self, until: Timestamp) {
        self.elsewhere = Some(until);
    }

    fn probed_elsewhere(&self, now: Timestamp) -> Option<Timestamp> {
        self.elsewhere.filter(|until| now < *until && self.machine.admit(now) == Admit::ProbeDue)
    }

    pub fn observe(&mut self, ticket: Ticket, verdict: Verdict, latency: Duration, now: Timestamp, roll: u64) {
        let verdict = match (self.rules.mode, verdict) {
            // Failures don't count, but a wish to be left alone does.
            (CircuitMode::Forced, Verdict::Failed { not_before: Some(not_before) }) => Verdict::Throttled { not_before },
            (CircuitMode::Forced, Verdict::Failed { not_before: None } | Verdict::Healthy) => Verdict::Nothing,
            (_, verdict) => verdict,
        };
        self.machine.observe(ticket, verdict, latency, now, roll);
    }

    pub fn unavailable(&self, now: Timestamp) -> Option<Unavailable> {
        let own = match self.rules.mode {
            CircuitMode::Paused => return Some(Unavailable { until: None, hint: false }),
            CircuitMode::Forced => return self.machine.paused(now).map(|until| Unavailable { until: Some(until), hint: false }),
            CircuitMode::Auto => self.machine.blocked(now).or(self.probed_elsewhere(now)),
        };
        // Two that probe at once must not wait for each other.
        let probing = self.machine.view().state == CircuitState::Probing;
        let foreign = self.foreign.filter(|until| !probing && now < *until).map(|until| Unavailable { until: Some(until), hint: true });
        own.map(|until| Unavailable { until: Some(until), hint: false }).or(foreign)
    }

    pub fn hint(&mut self, circuit: &Circuit, reported_by_self: bool, now: Timestamp) {
        // An echo of what this process said. Before it said anything, its name's words are those of a process that is no more.
        if reported_by_self && self.reported {
            return;
        }
        self.foreign = match circuit.state {
            CircuitState::Serving => None,
            CircuitState::Tripped => Some(circuit.retry_at.as_ref().map_or_else(|| later(now, FOREIGN_PROBE), |at| at.0)),
            CircuitState::Probing => Some(later(circuit.since.0, FOREIGN_PROBE)),
        };
    }

    /// Whether there is nothing that decisions should know.
    pub fn well(&self, now: Timestamp) -> bool {
        self.rules.mode != CircuitMode::Paused
            && self.machine.view().state == CircuitState::Serving
            && self.machine.paused(now).is_none()
            && self.foreign.is_none_or(|until| until <= now)
    }

    /// What others should know since the last time.
    pub fn transition(&mut self) -> Option<Transition> {
        let view = self.machine.view();
        let mode = self.rules.mode;
        let (mode_before, before) = std::mem::replace(&mut self.announced, (mode, view));
        let still_serving = before.state == CircuitState::Serving && view.state == CircuitState::Serving;
        if mode == mode_before && (still_serving || (before.state, before.since) == (view.state, view.since)) {
            return None;
        }
        self.reported = true;
        Some(Transition {
            endpoint: self.rules.name.clone(),
            uid: self.rules.uid.clone(),
            generation: self.rules.generation,
            mode,
            view,
            recovered: mode == mode_before && view.state == CircuitState::Serving,
        })
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

//! The circuit of one endpoint: `Serving → Tripped → Probing → Serving`. Pure: time and chance are passed in.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::window::Window;
use crate::api::endpoint::{CircuitReason, CircuitState};

/// Longest time that an endpoint is left alone, before chance adds its part.
const LONGEST_OPEN: SignedDuration = SignedDuration::from_secs(300);
/// Probes in a row that must succeed before all leads go again.
const PROBES: u32 = 2;
/// When to look again while somebody else's probe is under way.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// When a circuit trips, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    pub consecutive_failures: u32,
    pub failure_percent: u32,
    /// Calls in the window below which percentages are not looked at.
    pub minimum_calls: u32,
    /// From here on a call is slow; `None`: no call is.
    pub slow: Option<Duration>,
    pub slow_percent: u32,
    /// How long the endpoint is left alone after the first trip.
    pub open: SignedDuration,
}

/// One endpoint's circuit.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: BreakerRules,
    state: State,
    reason: CircuitReason,
    since: Timestamp,
    window: Window,
    failures_in_a_row: u32,
    /// Trips since the last recovery.
    trips: u32,
    /// The far side asked to be left alone until then.
    not_before: Option<Timestamp>,
    /// Counts transitions, so that a verdict on an older call is known as such.
    epoch: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serving,
    Tripped { until: Timestamp },
    Probing { succeeded: u32, under_way: bool },
}

/// Leave to send one request. To be given back by [`Machine::observe`] or [`Machine::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    epoch: u64,
}

/// The answer to "may I send?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    Go(Ticket),
    /// The endpoint is to be probed, by [`Machine::probe`]; ordinary requests wait.
    ProbeDue,
    /// The far side asked to be left alone until then.
    Wait(Timestamp),
    /// The circuit is tripped, or a probe is under way; until about then.
    Closed(Timestamp),
}

/// What a request tells about the endpoint's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered as a working system does, be it with a refusal.
    Healthy,
    /// It failed, or did not answer. With the time before which it asked not to be called.
    Failed { not_before: Option<Timestamp> },
    /// It works, and asks for a pause.
    Throttled { not_before: Timestamp },
    /// Nothing was learnt.
    Nothing,
}

/// A circuit as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub state: CircuitState,
    pub reason: CircuitReason,
    pub since: Timestamp,
    /// With `Tripped`.
    pub retry_at: Option<Timestamp>,
}

impl Machine {
    pub fn new(rules: BreakerRules, now: Timestamp) -> Self {
        Self {
            rules,
            state: State::Serving,
            reason: CircuitReason::Recovered,
            since: now,
            window: Window::default(),
            failures_in_a_row: 0,
            trips: 0,
            not_before: None,
            epoch: 0,
        }
    }

    pub fn view(&self) -> View {
        let (state, retry_at) = match self.state {
            State::Serving => (CircuitState::Serving, None),
            State::Tripped { until } => (CircuitState::Tripped, Some(until)),
            State::Probing { .. } => (CircuitState::Probing, None),
        };
        View { state, reason: self.reason, since: self.since, retry_at }
    }

    /// Until about when nothing is sent; `None`: the next request may go.
    pub fn blocked(&self, now: Timestamp) -> Option<Timestamp> {
        let circuit = match self.state {
            State::Tripped { until } if now < until => Some(until),
            State::Probing { under_way: true, .. } => Some(later(now, LOOK_AGAIN)),
            _ => None,
        };
        circuit.max(self.paused(now))
    }

    /// Until when the far side asked to be left alone.
    pub fn paused(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|until| now < *until)
    }

    /// Asks for leave to send one request.
    pub fn admit(&self, now: Timestamp) -> Admit {
        match (self.state, self.paused(now)) {
            (State::Tripped { until }, _) if now < until => Admit::Closed(until),
            (State::Probing { under_way: true, .. }, _) => Admit::Closed(later(now, LOOK_AGAIN)),
            (_, Some(until)) => Admit::Wait(until),
            (State::Serving, None) => Admit::Go(Ticket { epoch: self.epoch }),
            (State::Tripped { .. } | State::Probing { .. }, None) => Admit::ProbeDue,
        }
    }

    /// Begins a probe, if one is due; otherwise says when to ask again.
    pub fn probe(&mut self, now: Timestamp) -> Result<Ticket, Timestamp> {
        match (self.admit(now), self.state) {
            (Admit::Go(ticket), _) => return Ok(ticket),
            (Admit::Wait(until) | Admit::Closed(until), _) => return Err(until),
            (Admit::ProbeDue, State::Probing { succeeded, .. }) => self.state = State::Probing { succeeded, under_way: true },
            (Admit::ProbeDue, _) => self.enter(State::Probing { succeeded: 0, under_way: true }, CircuitReason::ProbeDue, now),
        }
        Ok(Ticket { epoch: self.epoch })
    }

    /// Takes a ticket back whose request was never sent, or whose end nobody knows.
    pub fn release(&mut self, ticket: Ticket) {
        if let State::Probing { succeeded, .. } = self.state
            && ticket.epoch == self.epoch
        {
            self.state = State::Probing { succeeded, under_way: false };
        }
    }

    /// Takes a ticket back with what its request told. `roll` is any number; it spreads the time of being left alone.
    pub fn observe(&mut self, ticket: Ticket, verdict: Verdict, latency: Duration, now: Timestamp, roll: u64) {
        match verdict {
            Verdict::Throttled { not_before } | Verdict::Failed { not_before: Some(not_before) } => self.pause(not_before),
            _ => {}
        }
        if ticket.epoch != self.epoch {
            return;
        }
        let slow = self.rules.slow.is_some_and(|limit| latency >= limit);
        let failed = match verdict {
            Verdict::Healthy => false,
            Verdict::Failed { .. } => true,
            Verdict::Throttled { .. } | Verdict::Nothing => return self.release(ticket),
        };
        match self.state {
            State::Serving => self.count(failed, slow, now, roll),
            State::Probing { .. } if failed || slow => self.trip(CircuitReason::ProbeFailed, now, roll),
            State::Probing { succeeded, .. } if succeeded + 1 < PROBES => {
                self.state = State::Probing { succeeded: succeeded + 1, under_way: false };
            }
            State::Probing { .. } => self.recover(now),
            State::Tripped { .. } => {}
        }
    }

    /// Somebody else found the endpoint failing and has not said since that it is well: what comes next is a probe.
    pub fn doubt(&mut self, now: Timestamp) {
        if self.state == State::Serving {
            self.enter(State::Probing { succeeded: 0, under_way: false }, CircuitReason::ProbeDue, now);
        }
    }

    /// Nothing is sent before then.
    pub fn pause(&mut self, until: Timestamp) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// Goes by changed rules. What was counted no longer counts; a tripped endpoint is probed at once, for the change may be its repair.
    pub fn change(&mut self, rules: BreakerRules, now: Timestamp) {
        self.rules = rules;
        self.window = Window::default();
        self.failures_in_a_row = 0;
        self.not_before = None;
        self.epoch += 1;
        self.state = match self.state {
            State::Serving => State::Serving,
            State::Tripped { until } => State::Tripped { until: until.min(now) },
            State::Probing { succeeded, .. } => State::Probing { succeeded, under_way: false },
        };
    }

    fn count(&mut self, failed: bool, slow: bool, now: Timestamp, roll: u64) {
        self.failures_in_a_row = if failed { self.failures_in_a_row.saturating_add(1) } else { 0 };
        self.window.record(failed, slow, now);
        let seen = self.window.totals(now);
        let share = |count: u32, percent: u32| {
            seen.calls >= self.rules.minimum_calls && u64::from(count) * 100 >= u64::from(percent) * u64::from(seen.calls)
        };
        let reason = if self.failures_in_a_row >= self.rules.consecutive_failures {
            CircuitReason::ConsecutiveFailures
        } else if share(seen.failed, self.rules.failure_percent) {
            CircuitReason::FailureRate
        } else if self.rules.slow.is_some() && share(seen.slow, self.rules.slow_percent) {
            CircuitReason::SlowCalls
        } else {
            return;
        };
        self.trip(reason, now, roll);
    }

    fn trip(&mut self, reason: CircuitReason, now: Timestamp, roll: u64) {
        let doubled = self.rules.open.as_millis().saturating_mul(1 << self.trips.min(16)).min(LONGEST_OPEN.as_millis());
        let millis = i64::try_from(doubled).unwrap_or(i64::MAX);
        let chance = millis / 5 * i64::try_from(roll % 1001).unwrap_or_default() / 1000;
        self.trips = self.trips.saturating_add(1);
        let until = later(now, SignedDuration::from_millis(millis + chance));
        self.enter(State::Tripped { until }, reason, now);
    }

    fn recover(&mut self, now: Timestamp) {
        self.trips = 0;
        self.failures_in_a_row = 0;
        self.window = Window::default();
        self.enter(State::Serving, CircuitReason::Recovered, now);
    }

    fn enter(&mut self, state: State, reason: CircuitReason, now: Timestamp) {
        self.state = state;
        self.reason = reason;
        self.since = now;
        self.epoch += 1;
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

//! Brings one delivery to its end: tries, pauses, tries again, and says how it ended.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use crate::api::routing_policy::AfterTimeout;
use crate::breaker::{Admission, Breakers, Permit, Verdict};
use crate::connect::places::Places;
use crate::connect::{Sender, Sent};
use crate::flow::ports::{Clock, Dice};
use crate::lead::attempt::FailureCause;
use crate::lead::{Attempt, AttemptResult, Delivery, Request};
use crate::ops::metrics::Metrics;
use crate::table::Secrets;
use crate::table::endpoint::EndpointRules;

pub mod probe;
#[cfg(test)]
mod tests;

use probe::Probes;

/// Most of the pause after a first try; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long an endpoint is left alone that asks for a pause and says not how long.
const THROTTLED: SignedDuration = SignedDuration::from_secs(1);
/// Longest time until an unsettled delivery is taken up again.
const LONGEST_UNSETTLED: i64 = 60;

/// Delivers. One for a router.
pub struct Deliverer {
    pub sender: Arc<dyn Sender>,
    pub breakers: Arc<Breakers>,
    pub probes: Arc<dyn Probes>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub metrics: Arc<Metrics>,
    pub places: Places,
}

/// One delivery to bring to its end.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    pub endpoint: &'a Arc<EndpointRules>,
    pub secrets: &'a Secrets,
    pub delivery: &'a Delivery,
    /// Every try sends this very request.
    pub request: &'a Request,
    pub so_far: SoFar,
    pub after_timeout: AfterTimeout,
    /// No request is started after it. To settle what may have been taken already, give a new one.
    pub deadline: Timestamp,
}

/// What was tried before, perhaps by a process that is no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Tries on record.
    pub attempts: i32,
    /// Whether one of them may have been taken, or its end is not on record.
    pub ambiguous: bool,
}

/// How a delivery ended. `attempt` is the last try, to be recorded together with the settlement; none when all tries are on record already.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// The recipient has the lead.
    Taken { record_id: Option<String>, attempt: Attempt },
    /// The recipient does not want it.
    Refused { attempt: Attempt },
    /// The recipient does not have it, or may have it and the policy moves on all the same.
    Failed { attempt: Option<Attempt> },
    /// The recipient may have it: nobody else may be asked. To be taken up again.
    Unsettled { attempt: Option<Attempt>, again_at: Timestamp },
}

/// Puts a try on record, durably, before the next one.
#[async_trait]
pub trait RecordTry: Send + Sync {
    async fn record(&self, attempt: &Attempt) -> Result<(), NotRecorded>;
}

/// The try could not be put on record, so there must be no further one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the try was not recorded")]
pub struct NotRecorded;

impl Deliverer {
    pub fn new(
        sender: Arc<dyn Sender>,
        breakers: Arc<Breakers>,
        probes: Arc<dyn Probes>,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { sender, breakers, probes, clock, dice, metrics, places: Places::default() }
    }

    /// Goes by these endpoints from now on.
    pub fn configure(&self, endpoints: &HashMap<String, Arc<EndpointRules>>) {
        self.breakers.configure(endpoints.values(), self.clock.now());
        self.places.keep(|name| endpoints.contains_key(name));
    }

    /// Tries until the far side has answered, or tries or time are used up.
    ///
    /// Once a try may have been taken and the policy settles such, the delivery ends only by an answer; otherwise it is `Unsettled`. Dropped
    /// half-way, the delivery is to be given in again, as ambiguous.
    pub async fn deliver(&self, order: Order<'_>, record: &dyn RecordTry) -> Ended {
        let rules = order.endpoint;
        let mut course = Course { order, number: order.so_far.attempts, ambiguous: order.so_far.ambiguous, unrecorded: None };
        let mut until = order.deadline;
        let mut tries = 0;
        loop {
            let Entered { place, permit, probes } = match self.enter(&order, until).await {
                Ok(entered) => entered,
                Err(Blocked { until }) => return course.over(until, self.clock.now()),
            };
            let start = self.clock.now();
            if tries == 0 {
                until = until.min(later(start, rules.retry.within));
            }
            let sent = self.sender.send(rules, order.secrets, order.request, &order.delivery.key()).await;
            drop(place);
            let now = self.clock.now();
            let verdict = verdict(&sent, now);
            self.breakers.observe(permit, verdict, sent.took, now);
            if probes {
                self.end_probe(&order, verdict, now).await;
            }
            self.count(rules, &sent);
            tries += 1;
            let attempt = match course.take(sent.clone(), start) {
                Ok(ended) => return ended,
                Err(attempt) => attempt,
            };
            let pause = self.pause(tries).max(sent.retry_after.unwrap_or_default());
            let next = later(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX));
            let hopeless = sent.result == AttemptResult::Failed { cause: FailureCause::Secret };
            if hopeless || tries >= rules.retry.attempts || next > until || record.record(&attempt).await.is_err() {
                course.unrecorded = Some(attempt);
                return course.over(sent.retry_after.map(|_| next), now);
            }
            sleep(pause).await;
        }
    }

    /// Waits for a place among the requests under way and asks the breaker; for a probe it asks the other routers, too.
    async fn enter(&self, order: &Order<'_>, until: Timestamp) -> Result<Entered, Blocked> {
        let rules = order.endpoint;
        let places = self.places.of(rules);
        let mut place = None;
        loop {
            let now = self.clock.now();
            if now > until {
                return Err(Blocked { until: None });
            }
            let permit = match self.breakers.admit(&rules.name, now) {
                Admission::Closed { until } => return Err(Blocked { until }),
                Admission::Wait { until: back } if back > until => return Err(Blocked { until: Some(back) }),
                Admission::Wait { until: back } => {
                    place = None;
                    sleep(between(now, back)).await;
                    continue;
                }
                Admission::Go(permit) => Some(permit),
                Admission::ProbeDue => None,
            };
            match (place.take().or_else(|| places.clone().try_acquire_owned().ok()), permit) {
                (Some(place), Some(permit)) => return Ok(Entered { place, permit, probes: false }),
                (Some(place), None) => return self.probe(order, now).await.map(|permit| Entered { place, permit, probes: true }),
                (None, permit) => {
                    drop(permit);
                    let free = timeout(between(now, until), places.clone().acquire_owned()).await;
                    place = Some(free.ok().and_then(Result::ok).ok_or(Blocked { until: None })?);
                }
            }
        }
    }

    /// Asks for leave to probe, and begins.
    async fn probe(&self, order: &Order<'_>, now: Timestamp) -> Result<Permit, Blocked> {
        let (endpoint, probe) = (&order.endpoint.name, order.delivery.key());
        let longest = SignedDuration::try_from(order.endpoint.timeout).unwrap_or(SignedDuration::MAX);
        if !self.probes.allow(endpoint, &probe, later(later(now, longest), probe::HEARD), now).await {
            let until = later(self.clock.now(), probe::HEARD);
            self.breakers.leave_probe(endpoint, until, now);
            return Err(Blocked { until: Some(until) });
        }
        let now = self.clock.now();
        match self.breakers.probe(endpoint, now) {
            Ok(permit) => Ok(permit),
            Err(until) => {
                self.probes.allow(endpoint, &probe, now, now).await;
                Err(Blocked { until })
            }
        }
    }

    /// Gives leave to probe back. After a failure not at once, so that the other routers hear of it first.
    async fn end_probe(&self, order: &Order<'_>, verdict: Verdict, now: Timestamp) {
        let failed = matches!(verdict, Verdict::Failed { .. });
        let until = if failed { later(now, probe::HEARD) } else { now };
        self.probes.allow(&order.endpoint.name, &order.delivery.key(), until, now).await;
    }

    /// Exponential, with full jitter.
    fn pause(&self, tries: i32) -> Duration {
        let doublings = u32::try_from(tries - 1).unwrap_or_default().min(16);
        let most = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.dice.roll() % millis.saturating_add(1))
    }

    fn count(&self, rules: &EndpointRules, sent: &Sent) {
        let result = match sent.result {
            AttemptResult::Accepted { .. } => "accepted",
            AttemptResult::Duplicate { .. } => "duplicate",
            AttemptResult::Refused { .. } => "refused",
            AttemptResult::Throttled => "throttled",
            AttemptResult::Failed { .. } => "failed",
            AttemptResult::Ambiguous { .. } => "ambiguous",
        };
        self.metrics.attempts.with_label_values(&[rules.name.as_str(), result]).inc();
        self.metrics.attempt_seconds.with_label_values(&[rules.name.as_str()]).observe(sent.took.as_secs_f64());
    }
}

/// What it takes to send a request.
struct Entered {
    place: OwnedSemaphorePermit,
    permit: Permit,
    /// It is a probe.
    probes: bool,
}

/// No request can be sent in time; when it may be possible, if that is known.
struct Blocked {
    until: Option<Timestamp>,
}

/// What became of a delivery so far.
struct Course<'a> {
    order: Order<'a>,
    number: i32,
    ambiguous: bool,
    unrecorded: Option<Attempt>,
}

impl Course<'_> {
    /// Takes in a try: an answer ends the delivery, anything else leaves an attempt.
    fn take(&mut self, sent: Sent, at: Timestamp) -> Result<Ended, Attempt> {
        self.number = self.number.saturating_add(1);
        let attempt = Attempt {
            delivery: self.order.delivery.number,
            number: self.number,
            at,
            millis: sent.millis(),
            status: sent.status,
            request_digest: blake3::hash(self.order.request.body.as_bytes()).to_hex().to_string(),
            retry_after: sent.retry_after.map(|pause| i64::try_from(pause.as_secs()).unwrap_or(i64::MAX)),
            result: sent.result,
        };
        match &attempt.result {
            AttemptResult::Accepted { record_id } | AttemptResult::Duplicate { record_id } => {
                Ok(Ended::Taken { record_id: record_id.clone(), attempt })
            }
            AttemptResult::Refused { .. } => Ok(Ended::Refused { attempt }),
            AttemptResult::Ambiguous { .. } => {
                self.ambiguous = true;
                Err(attempt)
            }
            AttemptResult::Throttled | AttemptResult::Failed { .. } => Err(attempt),
        }
    }

    /// Ends without an answer. `until` is when the endpoint may be back, if that is known.
    fn over(self, until: Option<Timestamp>, now: Timestamp) -> Ended {
        let attempt = self.unrecorded;
        if !self.ambiguous || self.order.after_timeout == AfterTimeout::NextCandidate {
            return Ended::Failed { attempt };
        }
        let doublings = self.number.saturating_sub(1).clamp(0, 16);
        let again_at = later(now, SignedDuration::from_secs((1 << doublings).min(LONGEST_UNSETTLED)));
        Ended::Unsettled { attempt, again_at: until.filter(|until| *until > now).unwrap_or(again_at) }
    }
}

/// What a try tells of the endpoint's health: only an endpoint that fails is left alone, not one that says no.
fn verdict(sent: &Sent, now: Timestamp) -> Verdict {
    let asked = sent.retry_after.and_then(|pause| SignedDuration::try_from(pause).ok());
    match &sent.result {
        AttemptResult::Accepted { .. } | AttemptResult::Duplicate { .. } | AttemptResult::Refused { .. } => Verdict::Healthy,
        AttemptResult::Throttled => Verdict::Throttled { not_before: later(now, asked.unwrap_or(THROTTLED)) },
        AttemptResult::Failed { cause } | AttemptResult::Ambiguous { cause } => match cause {
            FailureCause::Address | FailureCause::Secret => Verdict::Nothing,
            FailureCause::Status if sent.status.is_some_and(|status| status < 500) => Verdict::Nothing,
            _ => Verdict::Failed { not_before: asked.map(|asked| later(now, asked)) },
        },
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn between(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

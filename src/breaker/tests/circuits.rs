use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::sync::mpsc;

use super::at;
use crate::api::endpoint::{Circuit, CircuitReason, CircuitState};
use crate::breaker::{Admission, Breakers, Permit, Transition, Verdict};
use crate::flow::ports::LoadedDice;
use crate::lead::decision::Unavailable;
use crate::ops::metrics::Metrics;
use crate::table::endpoint::EndpointRules;
use crate::table::endpoint::fixture::valid;

const FAILED: Verdict = Verdict::Failed { not_before: None };

fn rules(more: &str) -> Arc<EndpointRules> {
    Arc::new(valid(&format!("http: {{url: 'https://crm.example.com/'}}\nbreaker: {{consecutiveFailures: 2}}\n{more}")))
}

struct Router {
    breakers: Breakers,
    metrics: Arc<Metrics>,
    told: mpsc::Receiver<Transition>,
}

impl Router {
    fn new(more: &str) -> Self {
        Self::with_queue(more, 16)
    }

    fn with_queue(more: &str, size: usize) -> Self {
        let (tell, told) = mpsc::channel(size);
        let metrics = Arc::new(Metrics::new().unwrap());
        let breakers = Breakers::new(Arc::new(LoadedDice(0)), metrics.clone(), Some(tell));
        breakers.configure([&rules(more)], at(0));
        Self { breakers, metrics, told }
    }

    fn go(&self, now: Timestamp) -> Permit {
        match self.breakers.admit("crm", now) {
            Admission::Go(permit) => permit,
            Admission::ProbeDue => self.breakers.probe("crm", now).unwrap(),
            other => panic!("not admitted: {other:?}"),
        }
    }

    fn call(&self, verdict: Verdict, now: Timestamp) {
        self.breakers.observe(self.go(now), verdict, Duration::from_millis(5), now);
    }

    fn trip(&self, now: Timestamp) {
        (0..2).for_each(|_| self.call(FAILED, now));
    }

    fn unavailable(&self, now: Timestamp) -> Option<Unavailable> {
        self.breakers.unavailable(now).remove("crm")
    }

    /// States that were told since the last time.
    fn states(&mut self) -> Vec<CircuitState> {
        std::iter::from_fn(|| self.told.try_recv().ok()).map(|transition| transition.view.state).collect()
    }
}

fn until(until: Timestamp, hint: bool) -> Option<Unavailable> {
    Some(Unavailable { until: Some(until), hint })
}

fn foreign(state: CircuitState, since: Timestamp, retry_at: Option<Timestamp>) -> Circuit {
    let reason = CircuitReason::ConsecutiveFailures;
    Circuit { state, reason, since: Time(since), retry_at: retry_at.map(Time), reported_by: "router-b".to_owned() }
}

#[test]
fn each_transition_is_told_once_and_measured() {
    let mut router = Router::new("");
    router.call(Verdict::Healthy, at(0));
    assert_eq!(router.states(), [], "nothing changed");
    router.trip(at(1));
    router.call(FAILED, at(31));
    router.call(Verdict::Healthy, at(91));
    router.call(Verdict::Healthy, at(91));
    use CircuitState::{Probing, Serving, Tripped};
    assert_eq!(router.states(), [Tripped, Probing, Tripped, Probing, Serving]);
    let trips = |reason: &str| router.metrics.trips.with_label_values(&["crm", reason]).get();
    assert_eq!((trips("ConsecutiveFailures"), trips("ProbeFailed")), (1, 1));
    let shown = |state: &str| router.metrics.circuit.with_label_values(&["crm", state]).get();
    assert_eq!((shown("serving"), shown("tripped"), shown("probing")), (1, 0, 0));
}

#[test]
fn decisions_see_a_trip_until_a_probe_is_due_and_only_the_prober_may_send() {
    let router = Router::new("");
    assert_eq!(router.unavailable(at(0)), None);
    router.trip(at(0));
    assert_eq!(router.unavailable(at(29)), until(at(30), false));
    assert_eq!(router.unavailable(at(30)), None, "a real lead is wanted as a probe");
    let probe = router.go(at(30));
    assert_eq!(router.unavailable(at(30)), until(at(31), false), "others see it out of reach");
    assert!(matches!(router.breakers.admit("crm", at(30)), Admission::Closed { .. }));
    drop(probe);
    assert_eq!(router.unavailable(at(30)), None, "the probe vanished: the place is free");
    (0..2).for_each(|_| router.call(Verdict::Healthy, at(30)));
    assert_eq!(router.unavailable(at(30)), None);
}

#[test]
fn a_pause_is_no_trip_and_ends_by_itself() {
    let mut router = Router::new("");
    router.call(Verdict::Throttled { not_before: at(7) }, at(0));
    assert_eq!(router.unavailable(at(6)), until(at(7), false));
    assert!(matches!(router.breakers.admit("crm", at(6)), Admission::Wait { until } if until == at(7)));
    assert_eq!(router.unavailable(at(7)), None);
    assert_eq!(router.states(), []);
}

#[test]
fn paused_sends_nothing_and_forced_sends_whatever_fails() {
    let mut paused = Router::new("circuit: Paused");
    assert!(matches!(paused.breakers.admit("crm", at(0)), Admission::Closed { until: None }));
    assert_eq!(paused.unavailable(at(0)), Some(Unavailable { until: None, hint: false }));
    assert_eq!(paused.states(), [CircuitState::Serving], "the override is told");

    let mut forced = Router::new("circuit: Forced");
    (0..100).for_each(|_| forced.call(FAILED, at(0)));
    forced.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(50))), false, at(0));
    assert_eq!(forced.unavailable(at(0)), None, "neither own failures nor hints count");
    assert_eq!(forced.states(), [CircuitState::Serving]);
    forced.call(Verdict::Throttled { not_before: at(7) }, at(0));
    assert_eq!(forced.unavailable(at(0)), until(at(7), false), "a wish to be left alone does");
}

#[test]
fn an_unchanged_endpoint_keeps_its_circuit_and_a_changed_one_is_probed_at_once() {
    let mut router = Router::new("");
    router.trip(at(0));
    let mut newer = rules("").as_ref().clone();
    newer.generation = Some(7);
    router.breakers.configure([&Arc::new(newer)], at(1));
    assert_eq!(router.unavailable(at(1)), until(at(30), false));
    assert_eq!(router.states(), [CircuitState::Tripped]);

    router.breakers.configure([&rules("timeoutSeconds: 5")], at(2));
    assert_eq!(router.unavailable(at(2)), None);
    assert_eq!(router.states(), [], "that is no second trip");
    router.go(at(2));
    assert_eq!(router.states(), [CircuitState::Probing]);

    router.breakers.configure([&rules("circuit: Paused")], at(3));
    router.breakers.configure([&rules("")], at(4));
    let told: Vec<_> = std::iter::from_fn(|| router.told.try_recv().ok()).collect();
    assert_eq!(told.iter().map(|t| t.condition().status).collect::<Vec<_>>(), [false, true], "pausing and its end are told");
    assert!(told.iter().all(|t| !t.recovered));
}

#[test]
fn an_endpoint_that_is_gone_is_forgotten_with_its_metrics() {
    let router = Router::new("");
    router.trip(at(0));
    let late = Router::go(&router, at(30));
    router.breakers.configure(std::iter::empty(), at(31));
    router.breakers.observe(late, FAILED, Duration::ZERO, at(32));
    assert!(router.breakers.unavailable(at(32)).is_empty());
    assert!(!router.metrics.text().contains("leadflow_circuit_state{"));
    assert!(matches!(router.breakers.admit("crm", at(32)), Admission::Go(_)), "what no rules know of is not held back");
}

#[test]
fn a_foreign_trip_is_a_hint_that_expires_or_is_taken_back() {
    let mut router = Router::new("");
    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(40))), false, at(1));
    assert_eq!(router.unavailable(at(39)), until(at(40), true));
    assert!(matches!(router.breakers.admit("crm", at(1)), Admission::Go(_)), "decisions may have nobody else");
    assert_eq!(router.unavailable(at(40)), None);

    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(90))), false, at(41));
    router.breakers.hint("crm", &foreign(CircuitState::Probing, at(42), None), false, at(42));
    assert_eq!(router.unavailable(at(43)), until(at(72), true), "one router probes");
    router.breakers.hint("crm", &foreign(CircuitState::Serving, at(44), None), false, at(44));
    assert_eq!(router.unavailable(at(45)), None);
    assert_eq!(router.states(), [], "a hint is nobody's own trip");
}

#[test]
fn after_a_foreign_trip_one_lead_goes_to_see() {
    let mut router = Router::new("");
    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(40))), false, at(1));
    let probe = router.go(at(40));
    assert!(matches!(router.breakers.admit("crm", at(40)), Admission::Closed { .. }), "the others wait for the one");
    router.breakers.observe(probe, FAILED, Duration::from_millis(5), at(41));
    assert_eq!(router.states(), [CircuitState::Probing, CircuitState::Tripped]);
}

#[test]
fn a_probe_that_another_router_has_leave_for_is_left_to_it_until_it_is_time_to_ask_again() {
    let mut router = Router::new("");
    router.trip(at(0));
    router.states();
    assert!(matches!(router.breakers.admit("crm", at(30)), Admission::ProbeDue));
    router.breakers.leave_probe("crm", at(31), at(30));
    assert_eq!(router.unavailable(at(30)), until(at(31), false), "decisions go elsewhere");
    assert!(matches!(router.breakers.admit("crm", at(30)), Admission::Closed { until } if until == Some(at(31))));
    assert_eq!(router.states(), [], "this router does not probe");
    assert_eq!(router.unavailable(at(31)), None);
    assert!(matches!(router.breakers.admit("crm", at(31)), Admission::ProbeDue));

    router.breakers.leave_probe("crm", at(32), at(31));
    let probe = router.breakers.probe("crm", at(31)).expect("this router has leave now");
    assert_eq!(router.breakers.probe("crm", at(31)).err(), Some(Some(at(32))), "one of its leads goes, the others look again");
    drop(probe);
}

#[test]
fn two_routers_that_probe_at_once_do_not_wait_for_each_other() {
    let mut router = Router::new("");
    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(40))), false, at(1));
    router.call(Verdict::Healthy, at(41));
    router.breakers.hint("crm", &foreign(CircuitState::Probing, at(41), None), false, at(42));
    assert_eq!(router.unavailable(at(42)), None);
    router.call(Verdict::Healthy, at(43));
    assert_eq!(router.states(), [CircuitState::Probing, CircuitState::Serving]);
}

#[test]
fn what_a_router_said_itself_is_no_hint() {
    let router = Router::new("");
    router.trip(at(0));
    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(900))), true, at(1));
    assert_eq!(router.unavailable(at(31)), None);
}

#[test]
fn bad_news_of_a_router_that_is_no_more_is_corrected_by_probes_after_it_expired() {
    let mut router = Router::new("");
    // Under the own name, but from before this process: as foreign as another's.
    router.breakers.hint("crm", &foreign(CircuitState::Tripped, at(0), Some(at(40))), true, at(1));
    router.call(Verdict::Healthy, at(20));
    assert_eq!(router.states(), [], "it has not expired");
    router.call(Verdict::Healthy, at(41));
    router.call(Verdict::Healthy, at(42));
    assert_eq!(router.states(), [CircuitState::Probing, CircuitState::Serving]);
}

#[test]
fn a_full_queue_never_holds_a_lead_back() {
    let router = Router::with_queue("", 1);
    router.trip(at(0));
    router.call(FAILED, at(30));
    assert_eq!(router.metrics.circuit_unpublished.with_label_values(&["queue_full"]).get(), 2);
}

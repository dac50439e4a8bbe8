use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{at, plus};
use crate::api::endpoint::{CircuitReason, CircuitState};
use crate::breaker::machine::{Admit, BreakerRules, Machine, Ticket, Verdict};

const FAILED: Verdict = Verdict::Failed { not_before: None };
const QUICK: Duration = Duration::from_millis(5);

fn rules() -> BreakerRules {
    BreakerRules {
        consecutive_failures: 5,
        failure_percent: 50,
        minimum_calls: 20,
        slow: Some(Duration::from_secs(3)),
        slow_percent: 50,
        open: SignedDuration::from_secs(30),
    }
}

/// Asks for leave to send one request, be it a probe.
fn ask(machine: &mut Machine, now: Timestamp) -> Admit {
    match machine.admit(now) {
        Admit::ProbeDue => Admit::Go(machine.probe(now).expect("a probe is due")),
        other => other,
    }
}

fn go(machine: &mut Machine, now: Timestamp) -> Ticket {
    match ask(machine, now) {
        Admit::Go(ticket) => ticket,
        other => panic!("not admitted: {other:?}"),
    }
}

fn call(machine: &mut Machine, verdict: Verdict, now: Timestamp) {
    let ticket = go(machine, now);
    machine.observe(ticket, verdict, QUICK, now, 0);
}

fn tripped(now: Timestamp) -> Machine {
    let mut machine = Machine::new(rules(), now);
    (0..5).for_each(|_| call(&mut machine, FAILED, now));
    assert_eq!(machine.view().state, CircuitState::Tripped);
    machine
}

#[test]
fn the_fifth_failure_in_a_row_trips_and_a_success_between_starts_the_count_again() {
    let mut machine = Machine::new(rules(), at(0));
    (0..4).for_each(|_| call(&mut machine, FAILED, at(0)));
    call(&mut machine, Verdict::Healthy, at(0));
    (0..4).for_each(|_| call(&mut machine, FAILED, at(0)));
    assert_eq!(machine.view().state, CircuitState::Serving);
    call(&mut machine, FAILED, at(1));
    let view = machine.view();
    assert_eq!((view.state, view.reason, view.since), (CircuitState::Tripped, CircuitReason::ConsecutiveFailures, at(1)));
    assert_eq!(view.retry_at, Some(at(31)));
}

#[test]
fn a_share_of_failures_trips_once_there_are_enough_calls() {
    let mut machine = Machine::new(rules(), at(0));
    for n in 0..19 {
        call(&mut machine, if n % 2 == 0 { FAILED } else { Verdict::Healthy }, at(0));
    }
    assert_eq!(machine.view().state, CircuitState::Serving, "19 calls are too few to judge by");
    call(&mut machine, Verdict::Healthy, at(0));
    assert_eq!((machine.view().state, machine.view().reason), (CircuitState::Tripped, CircuitReason::FailureRate));
}

#[test]
fn failures_that_left_the_window_do_not_count() {
    let mut machine = Machine::new(rules(), at(0));
    for n in 0..19 {
        call(&mut machine, if n % 2 == 0 { FAILED } else { Verdict::Healthy }, at(0));
    }
    (0..20).for_each(|_| call(&mut machine, Verdict::Healthy, at(40)));
    assert_eq!(machine.view().state, CircuitState::Serving);
}

#[test]
fn slow_successes_trip_by_their_share() {
    let mut machine = Machine::new(rules(), at(0));
    for n in 0..20 {
        let ticket = go(&mut machine, at(0));
        machine.observe(ticket, Verdict::Healthy, if n % 2 == 0 { QUICK } else { Duration::from_secs(3) }, at(0), 0);
    }
    assert_eq!((machine.view().state, machine.view().reason), (CircuitState::Tripped, CircuitReason::SlowCalls));
}

#[test]
fn a_pause_asked_for_holds_calls_back_without_a_trip() {
    let mut machine = Machine::new(rules(), at(0));
    let under_way: Vec<Ticket> = (0..100).map(|_| go(&mut machine, at(0))).collect();
    under_way.into_iter().for_each(|ticket| machine.observe(ticket, Verdict::Throttled { not_before: at(7) }, QUICK, at(0), 0));
    assert_eq!(machine.admit(plus(at(7), -1)), Admit::Wait(at(7)));
    assert_eq!(machine.view().state, CircuitState::Serving);
    go(&mut machine, at(7));
}

#[test]
fn a_failure_may_ask_for_a_pause_as_well() {
    let mut machine = Machine::new(rules(), at(0));
    call(&mut machine, Verdict::Failed { not_before: Some(at(9)) }, at(0));
    assert_eq!(machine.admit(at(1)), Admit::Wait(at(9)));
}

#[test]
fn after_the_trips_time_one_lead_at_a_time_probes_and_two_successes_recover() {
    let mut machine = tripped(at(0));
    assert_eq!(machine.admit(plus(at(30), -1)), Admit::Closed(at(30)));
    assert_eq!(machine.probe(plus(at(30), -1)), Err(at(30)), "none before its time");
    assert_eq!(machine.admit(at(30)), Admit::ProbeDue);
    assert_eq!(machine.view().state, CircuitState::Tripped, "nobody probes yet");
    let first = go(&mut machine, at(30));
    assert_eq!(machine.view().state, CircuitState::Probing);
    assert!(matches!(machine.admit(at(30)), Admit::Closed(_)), "one probe at a time");
    machine.observe(first, Verdict::Healthy, QUICK, at(31), 0);
    assert_eq!(machine.view().state, CircuitState::Probing, "one success is not enough");
    call(&mut machine, Verdict::Healthy, at(32));
    assert_eq!((machine.view().state, machine.view().reason), (CircuitState::Serving, CircuitReason::Recovered));
    (0..4).for_each(|_| call(&mut machine, FAILED, at(33)));
    assert_eq!(machine.view().state, CircuitState::Serving, "counting starts from nothing");
}

#[test]
fn a_failed_or_slow_probe_trips_again_for_twice_the_time_up_to_the_longest() {
    let mut machine = tripped(at(0));
    let mut now = at(30);
    for (n, seconds) in [60, 120, 240, 300, 300].into_iter().enumerate() {
        let probe = go(&mut machine, now);
        let (verdict, latency) = if n % 2 == 0 { (FAILED, QUICK) } else { (Verdict::Healthy, Duration::from_secs(4)) };
        machine.observe(probe, verdict, latency, now, 0);
        let view = machine.view();
        assert_eq!((view.reason, view.retry_at), (CircuitReason::ProbeFailed, Some(plus(now, seconds * 1000))));
        now = view.retry_at.unwrap();
    }
}

#[test]
fn chance_adds_up_to_a_fifth() {
    for (roll, millis) in [(0, 30_000), (500, 33_000), (1000, 36_000), (1001, 30_000)] {
        let mut machine = Machine::new(rules(), at(0));
        (0..5).for_each(|_| {
            let ticket = go(&mut machine, at(0));
            machine.observe(ticket, FAILED, QUICK, at(0), roll);
        });
        assert_eq!(machine.view().retry_at, Some(plus(at(0), millis)), "{roll}");
    }
}

#[test]
fn a_probe_that_vanished_frees_its_place() {
    let mut machine = tripped(at(0));
    let probe = go(&mut machine, at(30));
    machine.release(probe);
    go(&mut machine, at(30));
}

#[test]
fn calls_from_before_the_trip_neither_recover_nor_trip_again() {
    let mut machine = Machine::new(rules(), at(0));
    let old: Vec<Ticket> = (0..3).map(|_| go(&mut machine, at(0))).collect();
    (0..5).for_each(|_| call(&mut machine, FAILED, at(0)));
    let before = machine.view();
    machine.observe(old[0], FAILED, QUICK, at(5), 0);
    assert_eq!(machine.view(), before);
    let probe = go(&mut machine, at(30));
    machine.observe(old[1], Verdict::Healthy, QUICK, at(30), 0);
    machine.observe(old[2], FAILED, QUICK, at(30), 0);
    assert!(matches!(machine.admit(at(30)), Admit::Closed(_)), "the probe is still under way");
    machine.observe(probe, Verdict::Healthy, QUICK, at(30), 0);
    assert_eq!(machine.view().state, CircuitState::Probing);
}

#[test]
fn changed_rules_let_a_tripped_endpoint_be_probed_at_once() {
    let mut machine = tripped(at(0));
    machine.change(rules(), at(3));
    go(&mut machine, at(3));
    assert_eq!(machine.view().state, CircuitState::Probing);
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Admit,
    Observe(usize, Verdict, u64, u64),
    Release(usize),
    Change,
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![
        4 => Just(FAILED),
        3 => Just(Verdict::Healthy),
        1 => Just(Verdict::Nothing),
        1 => (0i64..60).prop_map(|seconds| Verdict::Throttled { not_before: at(seconds) }),
    ];
    prop_oneof![
        2 => (0i64..40_000).prop_map(Step::Pass),
        6 => Just(Step::Admit),
        6 => (0usize..8, verdict, 0u64..6_000, any::<u64>()).prop_map(|(n, v, l, r)| Step::Observe(n, v, l, r)),
        1 => (0usize..8).prop_map(Step::Release),
        1 => Just(Step::Change),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn whatever_happens_a_circuit_keeps_its_promises(steps in prop::collection::vec(step(), 1..200)) {
        let rules = BreakerRules { consecutive_failures: 2, minimum_calls: 4, open: SignedDuration::from_secs(10), ..rules() };
        let mut machine = Machine::new(rules.clone(), at(0));
        let mut now = at(0);
        let mut out: Vec<(Ticket, bool)> = Vec::new();
        let mut changed = false;
        for step in steps {
            let before = machine.view();
            match step {
                Step::Pass(millis) => now = plus(now, millis),
                Step::Change => {
                    machine.change(rules.clone(), now);
                    out.iter_mut().for_each(|(_, probe)| *probe = false);
                    changed = true;
                }
                Step::Release(n) if !out.is_empty() => machine.release(out.swap_remove(n % out.len()).0),
                Step::Observe(n, verdict, latency, roll) if !out.is_empty() => {
                    let (ticket, probe) = out.swap_remove(n % out.len());
                    machine.observe(ticket, verdict, Duration::from_millis(latency), now, roll);
                    let after = machine.view();
                    if before.state != CircuitState::Serving {
                        prop_assert!(probe || (after.state, after.since) == (before.state, before.since), "only a probe moves an open circuit");
                    }
                }
                Step::Admit => match ask(&mut machine, now) {
                    Admit::Go(ticket) => {
                        prop_assert!(before.retry_at.is_none_or(|until| until <= now), "admitted before the trip's end");
                        let probe = before.state != CircuitState::Serving;
                        prop_assert!(!(probe && out.iter().any(|(_, probe)| *probe)), "two probes in flight");
                        prop_assert_eq!(probe, machine.view().state == CircuitState::Probing);
                        out.push((ticket, probe));
                    }
                    Admit::Closed(until) => {
                        prop_assert!(until > now);
                        let probing = before.state == CircuitState::Probing && out.iter().any(|(_, probe)| *probe);
                        prop_assert!(before.retry_at.is_some_and(|until| now < until) || probing, "closed for no reason");
                    }
                    Admit::Wait(until) => prop_assert!(until > now),
                    Admit::ProbeDue => prop_assert!(false, "not after it was begun"),
                },
                _ => {}
            }
            let after = machine.view();
            if after.state == CircuitState::Tripped && after.since == now && before != after && !changed {
                let open = after.retry_at.unwrap().duration_since(now);
                prop_assert!(open >= SignedDuration::from_secs(10) && open <= SignedDuration::from_secs(360));
            }
            changed = false;
        }
        // However it stands, time and two probes that succeed bring it back.
        out.into_iter().for_each(|(ticket, _)| machine.release(ticket));
        now = plus(now, 3_600_000);
        for _ in 0..2 {
            match ask(&mut machine, now) {
                Admit::Go(ticket) => machine.observe(ticket, Verdict::Healthy, QUICK, now, 0),
                other => prop_assert!(false, "no probe: {:?}", other),
            }
        }
        prop_assert_eq!(machine.view().state, CircuitState::Serving);
    }
}

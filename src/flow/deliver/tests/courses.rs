use proptest::prelude::*;
use tokio::time::timeout;

use super::*;

fn number(ended: &Ended) -> Option<i32> {
    match ended {
        Ended::Taken { attempt, .. } | Ended::Refused { attempt } => Some(attempt.number),
        Ended::Failed { attempt } | Ended::Unsettled { attempt, .. } => attempt.as_ref().map(|attempt| attempt.number),
    }
}

const AMBIGUOUS: SoFar = SoFar { attempts: 1, ambiguous: true };

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_delivery_at_once() {
    let house = House::new([accepted()]);
    let Ended::Taken { record_id, attempt } = house.first().await else { panic!() };
    assert_eq!((record_id.as_deref(), attempt.number, attempt.delivery, attempt.at), (Some("rec-1"), 1, 1, zero()));
    assert_eq!(attempt.request_digest, blake3::hash(b"{}").to_hex().to_string());
    assert!(matches!(House::new([refused()]).first().await, Ended::Refused { .. }));
    assert_eq!(house.recorded(), [0; 0], "the last try is recorded with the settlement");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_the_very_same_request_and_recorded_before_the_next_try() {
    let house = House::new([failed(), failed(), accepted()]);
    assert_eq!(number(&house.first().await), Some(3));
    assert_eq!(house.recorded(), [1, 2]);
    let sent = house.script.sent.lock().unwrap();
    assert!(sent.iter().all(|(_, request, key)| *request == sent[0].1 && *key == sent[0].2));
    let pauses: Vec<_> = sent.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_millis() - 100).collect();
    assert!(pauses[0] <= 250 && pauses[1] <= 500, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn tries_end_when_they_are_used_up() {
    let house = House::new([failed()]);
    let ended = house.first().await;
    assert!(matches!(ended, Ended::Failed { attempt: Some(_) }));
    assert_eq!((number(&ended), house.recorded(), house.tries()), (Some(3), vec![1, 2], 3));
}

#[tokio::test(start_paused = true)]
async fn no_try_starts_after_the_deadline() {
    let house = House::new([failed()]);
    let ended = house.deliver(SoFar::default(), AfterTimeout::Settle, at(100)).await;
    assert_eq!((number(&ended), house.tries()), (Some(1), 1));
    let ended = house.deliver(SoFar::default(), AfterTimeout::Settle, at(50)).await;
    assert_eq!((ended, house.tries()), (Ended::Failed { attempt: None }, 1));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_within_the_time_and_given_up_beyond() {
    let house = House::new([throttled(Some(7)), accepted()]);
    assert_eq!(number(&house.first().await), Some(2));
    let sent: Vec<_> = house.script.sent.lock().unwrap().iter().map(|(at, ..)| *at).collect();
    assert_eq!((sent[1] - sent[0]).as_millis(), 7_100);

    let house = House::new([throttled(Some(31)), accepted()]);
    assert_eq!(house.first().await, Ended::Failed { attempt: Some(attempt(&house, AttemptResult::Throttled, 429, Some(31))) });
    assert_eq!(house.tries(), 1, "31 seconds are beyond retry.withinSeconds");
}

fn attempt(house: &House, result: AttemptResult, status: u16, retry_after: Option<i64>) -> Attempt {
    let request_digest = blake3::hash(house.request.body.as_bytes()).to_hex().to_string();
    Attempt { delivery: 1, number: 1, at: zero(), millis: 100, result, status: Some(status), request_digest, retry_after }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_endpoint_is_left_alone_by_other_leads_too_but_never_trips() {
    let house = House::new([throttled(Some(7)), accepted()]);
    house.deliver(SoFar::default(), AfterTimeout::Settle, at(1_000)).await;
    assert_eq!(house.deliverer.breakers.unavailable(at(200)).len(), 1);
    assert!(matches!(house.first().await, Ended::Taken { .. }));
    let sent: Vec<_> = house.script.sent.lock().unwrap().iter().map(|(at, ..)| *at).collect();
    assert_eq!((sent[1] - sent[0]).as_millis(), 7_100, "the second lead waited");

    let house = House::new([throttled(None)]);
    for _ in 0..20 {
        house.deliver(SoFar::default(), AfterTimeout::Settle, at(10_000_000)).await;
    }
    assert_eq!(house.deliverer.breakers.unavailable(at(9_000_000)).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_taken_ends_by_an_answer_or_stays_unsettled() {
    let house = House::new([ambiguous(), failed(), accepted()]);
    assert!(matches!(house.first().await, Ended::Taken { .. }));
    let house = House::new([ambiguous(), refused()]);
    assert!(matches!(house.first().await, Ended::Refused { .. }));

    let house = House::new([ambiguous(), failed()]);
    let Ended::Unsettled { attempt: Some(attempt), again_at } = house.first().await else { panic!() };
    assert_eq!((attempt.number, house.recorded()), (3, vec![1, 2]), "a later failure does not take the doubt away");
    assert_eq!(again_at.duration_since(house.deliverer.clock.now()).as_millis(), 4_000);
}

#[tokio::test(start_paused = true)]
async fn the_next_candidate_is_asked_where_the_policy_says_so() {
    let house = House::new([ambiguous()]);
    let ended = house.deliver(SoFar::default(), AfterTimeout::NextCandidate, at(60_000)).await;
    assert!(matches!(ended, Ended::Failed { attempt: Some(_) }));
}

#[tokio::test(start_paused = true)]
async fn the_pause_before_an_unsettled_delivery_is_taken_up_again_doubles_to_a_minute() {
    for (attempts, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (30, 60), (i32::MAX, 60)] {
        let house = House::new([failed()]);
        let ended = house.deliver(SoFar { attempts, ambiguous: true }, AfterTimeout::Settle, at(-1)).await;
        assert_eq!(ended, Ended::Unsettled { attempt: None, again_at: at(seconds * 1000) }, "{attempts}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_fails_fresh_deliveries_and_leaves_doubtful_ones_unsettled() {
    let house = House::built("breaker: {consecutiveFailures: 3}", [failed()], None);
    house.first().await;
    let before = house.tries();
    assert_eq!(house.first().await, Ended::Failed { attempt: None });
    let back = house.deliverer.breakers.unavailable(house.deliverer.clock.now())["crm"].until.unwrap();
    let ended = house.deliver(AMBIGUOUS, AfterTimeout::Settle, at(60_000)).await;
    assert_eq!(ended, Ended::Unsettled { attempt: None, again_at: back });
    assert_eq!(house.tries(), before, "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn only_what_shows_a_broken_endpoint_trips_it() {
    use AttemptResult::{Ambiguous, Failed};
    let (no, yes) = (false, true);
    for (answer, trips) in [
        (refused(), no),
        (sent(Failed { cause: FailureCause::Status }, Some(408)), no),
        (sent(Failed { cause: FailureCause::Address }, None), no),
        (sent(Failed { cause: FailureCause::Secret }, None), no),
        (failed(), yes),
        (sent(Failed { cause: FailureCause::Connect }, None), yes),
        (ambiguous(), yes),
        (sent(Ambiguous { cause: FailureCause::Broken }, None), yes),
        (sent(Ambiguous { cause: FailureCause::AnswerTooLarge }, Some(200)), yes),
    ] {
        let house = House::built("breaker: {consecutiveFailures: 3}\nretry: {attempts: 1}", [answer.clone()], None);
        for _ in 0..5 {
            house.first().await;
        }
        let open = !house.deliverer.breakers.unavailable(house.deliverer.clock.now()).is_empty();
        assert_eq!(open, trips, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_not_tried_again() {
    let house = House::new([sent(AttemptResult::Failed { cause: FailureCause::Secret }, None)]);
    assert!(matches!(house.first().await, Ended::Failed { attempt: Some(_) }));
    assert_eq!(house.tries(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_record_there_is_no_further_try() {
    let house = House::new([failed()]);
    house.book.broken.store(true, Ordering::SeqCst);
    assert_eq!((number(&house.first().await), house.tries()), (Some(1), 1));
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_allowed_and_waiting_ends_with_the_deadline() {
    let house = House::built("maxInFlight: 2", [accepted()], Some(Semaphore::new(0)));
    let deliver = |deadline| house.deliver(SoFar::default(), AfterTimeout::Settle, at(deadline));
    let gate = house.script.gate.as_ref().unwrap();
    let (a, b, c, d, ()) = tokio::join!(deliver(60_000), deliver(60_000), deliver(60_000), deliver(5_000), async {
        sleep(Duration::from_secs(10)).await;
        gate.add_permits(3);
    });
    assert!([a, b, c].iter().all(|ended| matches!(ended, Ended::Taken { .. })));
    assert_eq!(d, Ended::Failed { attempt: None });
    assert_eq!((house.script.most_under_way.load(Ordering::SeqCst), house.tries()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_dropped_half_way_gives_its_places_back() {
    let house = House::built("maxInFlight: 1", [accepted()], Some(Semaphore::new(0)));
    let cut = timeout(Duration::from_secs(1), house.first()).await;
    assert!(cut.is_err());
    house.script.gate.as_ref().unwrap().add_permits(1);
    assert!(matches!(house.deliver(AMBIGUOUS, AfterTimeout::Settle, at(60_000)).await, Ended::Taken { .. }));
}

/// A house whose endpoint was tripped and is to be probed now, for a try answered by `answer`.
async fn probing(answer: Sent) -> House {
    let house = House::built(
        "timeoutSeconds: 10\nretry: {attempts: 1}\nbreaker: {consecutiveFailures: 1, openSeconds: 30}",
        [failed(), answer],
        None,
    );
    assert!(matches!(house.first().await, Ended::Failed { .. }));
    assert_eq!(house.leave.given.lock().unwrap().len(), 0, "an ordinary try asks nobody");
    sleep(Duration::from_secs(50)).await;
    house
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_another_router_has_leave_for_is_not_sent() {
    let house = probing(accepted()).await;
    house.leave.elsewhere.store(true, Ordering::SeqCst);
    let deliver = || house.deliver(SoFar::default(), AfterTimeout::Settle, at(120_000));
    assert_eq!(deliver().await, Ended::Failed { attempt: None });
    assert_eq!(house.tries(), 1);
    house.leave.elsewhere.store(false, Ordering::SeqCst);
    assert_eq!(deliver().await, Ended::Failed { attempt: None }, "it asks again in a second");
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(deliver().await, Ended::Taken { .. }));
}

#[tokio::test(start_paused = true)]
async fn leave_to_probe_outlives_the_try_and_is_given_back_at_its_end_after_a_failure_a_little_later() {
    for (answer, rest) in [(accepted(), 0), (failed(), 1_000)] {
        let house = probing(answer).await;
        let begun = house.deliverer.clock.now();
        house.deliver(SoFar::default(), AfterTimeout::Settle, at(120_000)).await;
        let after = |millis: i64| later(begun, SignedDuration::from_millis(millis));
        assert_eq!(*house.leave.given.lock().unwrap(), [after(11_000), after(100 + rest)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_waits_for_a_place_leaves_the_probes_place_free() {
    let house = House::built("maxInFlight: 1\nbreaker: {consecutiveFailures: 1}", [accepted()], Some(Semaphore::new(0)));
    let gate = house.script.gate.as_ref().unwrap();
    let deliver = || house.deliver(SoFar::default(), AfterTimeout::Settle, at(120_000));
    let (slow, probe, ()) = tokio::join!(
        deliver(),
        async {
            sleep(Duration::from_secs(60)).await;
            deliver().await
        },
        async {
            sleep(Duration::from_secs(1)).await;
            let breakers = &house.deliverer.breakers;
            let Admission::Go(permit) = breakers.admit("crm", house.deliverer.clock.now()) else { panic!() };
            breakers.observe(permit, Verdict::Failed { not_before: None }, Duration::ZERO, house.deliverer.clock.now());
            sleep(Duration::from_secs(70)).await;
            gate.add_permits(2);
        }
    );
    assert!(matches!((&slow, &probe), (Ended::Taken { .. }, Ended::Taken { .. })), "{slow:?} {probe:?}");
}

fn any_answer() -> impl Strategy<Value = Sent> {
    prop_oneof![
        Just(accepted()),
        Just(refused()),
        Just(failed()),
        Just(ambiguous()),
        Just(throttled(None)),
        (0u64..40).prop_map(|s| throttled(Some(s)))
    ]
}

proptest! {
    #[test]
    fn a_lead_that_may_have_been_taken_is_never_given_up(answers in prop::collection::vec(any_answer(), 1..6), before in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let house = House::new(answers);
            let ended = house.deliver(SoFar { attempts: before.into(), ambiguous: before }, AfterTimeout::Settle, at(60_000)).await;
            let recorded = house.book.attempts.lock().unwrap().clone();
            let last = match &ended {
                Ended::Taken { attempt, .. } | Ended::Refused { attempt } => Some(attempt),
                Ended::Failed { attempt } | Ended::Unsettled { attempt, .. } => attempt.as_ref(),
            };
            let doubt = before || recorded.iter().chain(last).any(|attempt| matches!(attempt.result, AttemptResult::Ambiguous { .. }));
            prop_assert!(!(doubt && matches!(ended, Ended::Failed { .. })), "given up in doubt");
            prop_assert!(doubt || !matches!(ended, Ended::Unsettled { .. }), "unsettled without doubt");
            prop_assert_eq!(recorded.len() + usize::from(last.is_some()), house.tries(), "every try is told of once");
            prop_assert!(house.tries() <= 3);
            let numbers: Vec<i32> = recorded.iter().chain(last).map(|attempt| attempt.number).collect();
            prop_assert!(numbers.iter().enumerate().all(|(n, number)| *number == i32::from(before) + 1 + i32::try_from(n).unwrap()));
            Ok(())
        })?;
    }
}

use leadflow::lead::delivery::Money;
use leadflow::lead::outcome::Taken;
use leadflow::lead::{Outcome, State, UnmatchedReason};
use leadflow::store::{Claimed, DeliveryState, Depth, Reserved, Then};

use crate::given::*;

const WINDOWS: [(&str, i64); 2] = [("day:2026-11-22", 9), ("open", 9)];

fn left(rules: &str, retry_at: Option<i64>) -> Then {
    Then::Unmatched { reason: UnmatchedReason::CapsReached, rules: rules.into(), retry_at: retry_at.map(at) }
}

async fn state(store: &Shared, number: u64) -> State {
    store.outcomes(vec![id(number)]).await.unwrap()[0].as_ref().unwrap().state
}

async fn one_reserved(store: &Shared, number: u64) -> Claimed {
    let claimed = one_claimed(store, number).await;
    assert_eq!(reserved(store, reservation(&claimed, ann(), &WINDOWS)).await, Reserved::Held { turn: None });
    claimed
}

crate::sentences! {
    async fn an_accepted_delivery_keeps_its_places_and_the_lead_is_done(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        assert!(settled(&store, settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await);
        let price = Some(Money { minor: 4_500, currency: "USD".into() });
        let taken_by = vec![Taken { recipient: ann(), record_id: Some("crm-1".into()), price }];
        assert_eq!(store.outcomes(vec![id(1)]).await.unwrap(), [Some(Outcome { state: State::Delivered, reason: None, taken_by })]);
        assert_eq!((used(&store, &ann(), "open").await, used(&store, &ann(), "day:2026-11-22").await), (1, 1));
        assert!(store.claim("router", 10, LEASE, at(5_000)).await.unwrap().is_empty());
    }

    async fn a_refused_or_failed_delivery_gives_its_places_back_and_the_lease_goes_on(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        assert!(settled(&store, settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Continue)).await);
        assert_eq!((used(&store, &ann(), "open").await, used(&store, &ann(), "day:2026-11-22").await), (0, 0));
        let mut second = reservation(&claimed, bob(), &WINDOWS);
        second.delivery.number = 2;
        assert_eq!(reserved(&store, second).await, Reserved::Held { turn: None });
        assert!(settled(&store, settlement(&claimed, Some((2, DeliveryState::Failed)), Then::Continue)).await);
        assert_eq!((used(&store, &bob(), "open").await, used(&store, &bob(), "day:2026-11-22").await), (0, 0));
        assert_eq!(state(&store, 1).await, State::Queued);
    }

    async fn closing_gives_back_open_places_and_leaves_the_calendar(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        assert!(!store.close(id(1), at(210)).await.unwrap(), "not delivered yet");
        settled(&store, settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await;
        assert!(store.close(id(1), at(220)).await.unwrap());
        assert_eq!((used(&store, &ann(), "open").await, used(&store, &ann(), "day:2026-11-22").await), (0, 1));
        assert_eq!(state(&store, 1).await, State::Closed);
        assert!(!store.close(id(1), at(230)).await.unwrap(), "closed already");
        assert!(!store.close(id(9), at(230)).await.unwrap(), "unknown");
        assert_eq!(used(&store, &ann(), "open").await, 0);
    }

    async fn an_older_epoch_settles_nothing(store: Shared) {
        let old = one_reserved(&store, 1).await;
        let new = claimed(&store, 80).await.remove(0);
        let mut end = settlement(&old, Some((1, DeliveryState::Refused)), Then::Delivered);
        end.decisions = vec![decision(old.id, 1)];
        assert!(!settled(&store, end).await);
        let file = store.lead(id(1)).await.unwrap().unwrap();
        assert_eq!((file.outcome.state, file.deliveries[0].state, file.decisions.len()), (State::Queued, DeliveryState::Open, 0));
        assert_eq!(used(&store, &ann(), "open").await, 1);
        assert!(settled(&store, settlement(&new, Some((1, DeliveryState::Accepted)), Then::Delivered)).await);
    }

    async fn a_delivery_ends_once(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        assert!(settled(&store, settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Continue)).await);
        assert!(!settled(&store, settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Continue)).await);
        assert!(!settled(&store, settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await);
        assert_eq!(used(&store, &ann(), "open").await, 0);
        assert_eq!(state(&store, 1).await, State::Queued);
    }

    async fn a_parked_lead_is_handed_out_again_at_its_time_in_the_same_run(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        assert!(settled(&store, settlement(&claimed, None, Then::Park { until: at(400) })).await);
        assert!(!settled(&store, settlement(&claimed, None, Then::Delivered)).await, "the lease was given back");
        assert!(self::claimed(&store, 399).await.is_empty());
        let again = self::claimed(&store, 400).await.remove(0);
        assert_eq!((again.epoch, again.run_since), (2, at(1)));
    }

    async fn an_unmatched_lead_rests_with_its_reason_and_decision(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        let mut end = settlement(&claimed, None, left("a", None));
        end.decisions = vec![decision(claimed.id, 3)];
        assert!(settled(&store, end).await);
        let file = store.lead(id(1)).await.unwrap().unwrap();
        assert_eq!((file.outcome.state, file.outcome.reason), (State::Unmatched, Some(UnmatchedReason::CapsReached)));
        assert_eq!(file.decisions, [decision(claimed.id, 3)]);
        assert!(self::claimed(&store, 100_000).await.is_empty());
    }

    async fn an_unmatched_lead_is_handed_out_again_at_its_time_as_a_new_run(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        settled(&store, settlement(&claimed, None, left("a", Some(400)))).await;
        assert!(self::claimed(&store, 399).await.is_empty());
        let again = self::claimed(&store, 410).await.remove(0);
        assert_eq!((again.epoch, again.run_since), (2, at(400)));
        let outcome = store.outcomes(vec![id(1)]).await.unwrap().remove(0).unwrap();
        assert_eq!((outcome.state, outcome.reason), (State::Queued, None));
    }

    async fn a_rerun_makes_due_only_those_left_under_other_rules(store: Shared) {
        kept(&store, [1, 2, 3]).await;
        let claimed = claimed(&store, 50).await;
        settled(&store, settlement(&claimed[0], None, left("old", None))).await;
        settled(&store, settlement(&claimed[1], None, left("new", None))).await;
        settled(&store, settlement(&claimed[2], None, left("old", Some(100_000)))).await;
        assert_eq!(store.rerun("new", at(300)).await.unwrap(), 2);
        assert_eq!(store.rerun("new", at(301)).await.unwrap(), 0);
        let again = self::claimed(&store, 310).await;
        let runs: Vec<_> = again.iter().map(|claimed| (claimed.id, claimed.epoch, claimed.run_since)).collect();
        assert_eq!(runs, [(id(1), 2, at(300)), (id(3), 2, at(300))]);
        assert_eq!((state(&store, 1).await, state(&store, 2).await), (State::Queued, State::Unmatched));
    }

    async fn deliveries_of_earlier_runs_stay_on_record(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        settled(&store, settlement(&claimed, Some((1, DeliveryState::Refused)), left("old", None))).await;
        store.rerun("new", at(300)).await.unwrap();
        let again = self::claimed(&store, 300).await.remove(0);
        assert_eq!(again.deliveries.len(), 1);
        assert_eq!((again.deliveries[0].state, &again.deliveries[0].delivery.recipient), (DeliveryState::Refused, &ann()));
        assert!(again.deliveries[0].at < again.run_since);
        assert_eq!(reserved(&store, reservation(&again, ann(), &WINDOWS)).await, Reserved::Held { turn: None });
    }

    async fn an_open_delivery_outlives_the_unmatched_queue_with_its_places(store: Shared) {
        let claimed = one_reserved(&store, 1).await;
        let unsettled = Then::Unmatched { reason: UnmatchedReason::Unsettled, rules: "a".into(), retry_at: Some(at(400)) };
        assert!(settled(&store, settlement(&claimed, None, unsettled)).await);
        assert_eq!(used(&store, &ann(), "open").await, 1);
        let again = self::claimed(&store, 400).await.remove(0);
        assert_eq!(again.deliveries[0].state, DeliveryState::Open);
        assert!(settled(&store, settlement(&again, Some((1, DeliveryState::Accepted)), Then::Delivered)).await);
        assert_eq!(used(&store, &ann(), "open").await, 1);
    }

    async fn depth_tells_who_waits_and_since_when(store: Shared) {
        assert_eq!(store.depth(at(50)).await.unwrap(), Depth::default());
        kept(&store, [1, 2, 3, 4]).await;
        assert_eq!(store.depth(at(2)).await.unwrap(), Depth { queued: 2, oldest: Some(at(1)), unmatched: 0 });
        let claimed = claimed(&store, 50).await;
        assert_eq!(store.depth(at(60)).await.unwrap(), Depth { queued: 4, oldest: Some(at(1)), unmatched: 0 });
        settled(&store, settlement(&claimed[0], None, Then::Delivered)).await;
        settled(&store, settlement(&claimed[1], None, left("a", Some(400)))).await;
        settled(&store, settlement(&claimed[2], None, Then::Park { until: at(500) })).await;
        assert_eq!(store.depth(at(60)).await.unwrap(), Depth { queued: 1, oldest: Some(at(4)), unmatched: 1 });
        assert_eq!(store.depth(at(450)).await.unwrap(), Depth { queued: 2, oldest: Some(at(4)), unmatched: 0 });
    }
}

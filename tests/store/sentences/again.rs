use leadflow::lead::{State, UnmatchedReason};
use leadflow::store::{Claimed, DeliveryState, Happened, Settlement, Then};

use crate::given::*;

fn left(claimed: &Claimed, reason: UnmatchedReason) -> Settlement {
    settlement(claimed, None, Then::Unmatched { reason, rules: "a".into(), retry_at: Some(at(100_000)) })
}

/// Keeps a lead for each reason and leaves it unmatched for that.
async fn resting(store: &Shared, reasons: &[UnmatchedReason]) {
    kept(store, 1..=reasons.len() as u64).await;
    let claimed = claimed(store, 250).await;
    let ends = claimed.iter().zip(reasons).map(|(claimed, reason)| left(claimed, *reason)).collect();
    assert!(store.settle(ends).await.unwrap().into_iter().all(|held| held));
}

async fn due(store: &Shared, second: i64) -> Vec<leadflow::lead::LeadId> {
    claimed(store, second).await.into_iter().map(|claimed| claimed.id).collect()
}

async fn state(store: &Shared, number: u64) -> Option<State> {
    store.outcomes(vec![id(number)]).await.unwrap().remove(0).map(|outcome| outcome.state)
}

use UnmatchedReason::*;

crate::sentences! {
    async fn leads_are_woken_by_reason_oldest_first_and_no_more_than_asked_for(store: Shared) {
        resting(&store, &[QuietHours, AllAway, QuietHours, SkillMissing, AllAway, QuietHours]).await;
        assert_eq!(store.wake(&[QuietHours, AllAway], 3, at(300)).await.unwrap(), 3);
        assert_eq!((state(&store, 3).await, state(&store, 5).await), (Some(State::Queued), Some(State::Unmatched)));
        assert_eq!(due(&store, 300).await, [id(1), id(2), id(3)]);
        assert_eq!(store.wake(&[QuietHours, AllAway], 100, at(310)).await.unwrap(), 2);
        assert_eq!(store.wake(&[QuietHours, AllAway], 100, at(310)).await.unwrap(), 0);
        assert_eq!(due(&store, 310).await, [id(5), id(6)]);
        assert_eq!(state(&store, 4).await, Some(State::Unmatched));
    }

    async fn for_no_reason_given_all_are_woken(store: Shared) {
        resting(&store, &UnmatchedReason::ALL).await;
        assert_eq!(store.wake(&[], 0, at(300)).await.unwrap(), 0);
        assert_eq!(store.wake(&[], 100, at(300)).await.unwrap(), UnmatchedReason::ALL.len() as u64);
        assert_eq!(due(&store, 300).await.len(), UnmatchedReason::ALL.len());
    }

    async fn a_lead_that_is_woken_begins_a_new_run_and_those_who_watch_hear_of_it(store: Shared) {
        resting(&store, &[QuietHours]).await;
        let mut watch = store.watch();
        store.wake(&[QuietHours], 1, at(300)).await.unwrap();
        while watch.recv().await.unwrap() != Happened::Work {}
        let again = claimed(&store, 300).await.remove(0);
        assert_eq!((again.epoch, again.run_since), (2, at(300)));
        let outcome = store.outcomes(vec![id(1)]).await.unwrap().remove(0).unwrap();
        assert_eq!((outcome.state, outcome.reason), (State::Queued, None));
    }

    async fn one_unmatched_lead_is_released_by_hand(store: Shared) {
        resting(&store, &[NobodyMatches, NobodyMatches]).await;
        let mut watch = store.watch();
        assert!(store.release(id(2), at(300)).await.unwrap());
        while watch.recv().await.unwrap() != Happened::Work {}
        assert_eq!((state(&store, 1).await, state(&store, 2).await), (Some(State::Unmatched), Some(State::Queued)));
        assert!(!store.release(id(2), at(301)).await.unwrap(), "released already");
        let again = claimed(&store, 302).await.remove(0);
        assert_eq!((again.id, again.epoch, again.run_since), (id(2), 2, at(300)));
        assert!(!store.release(id(2), at(303)).await.unwrap(), "somebody has it");
        settled(&store, settlement(&again, None, Then::Delivered)).await;
        assert!(!store.release(id(2), at(304)).await.unwrap(), "delivered");
        assert!(!store.release(id(9), at(304)).await.unwrap(), "unknown");
    }

    async fn closing_wakes_those_that_wait_for_a_place_and_no_others(store: Shared) {
        resting(&store, &[CapsReached, NobodyMatches, Queued]).await;
        kept(&store, [40]).await;
        let claimed = claimed(&store, 60).await.remove(0);
        reserved(&store, holding(&claimed, ann(), vec![hold(ann(), "open/weight", 2, 2)])).await;
        settled(&store, settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await;
        assert!(store.close(id(40), at(300)).await.unwrap());
        assert_eq!(due(&store, 300).await, [id(1), id(3)]);
    }

    async fn closing_a_lead_without_an_open_place_wakes_nobody(store: Shared) {
        resting(&store, &[CapsReached]).await;
        kept(&store, [40]).await;
        let claimed = claimed(&store, 60).await.remove(0);
        reserved(&store, reservation(&claimed, ann(), &[("day:2026-11-22", 5)])).await;
        settled(&store, settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await;
        assert!(store.close(id(40), at(300)).await.unwrap());
        assert!(due(&store, 300).await.is_empty());
    }

    async fn more_are_woken_than_fit_one_transaction(store: Shared) {
        const LEADS: u64 = 5_002;
        kept(&store, 1..=LEADS).await;
        let claimed = store.claim("router", LEADS as usize, LEASE, at(10_000)).await.unwrap();
        store.settle(claimed.iter().map(|claimed| left(claimed, CapsReached)).collect()).await.unwrap();
        assert_eq!(store.wake(&[CapsReached], 5_001, at(20_000)).await.unwrap(), 5_001);
        assert_eq!(state(&store, LEADS).await, Some(State::Unmatched));
        let again = store.claim("router", LEADS as usize, LEASE, at(20_000)).await.unwrap();
        store.settle(again[1..].iter().map(|claimed| left(claimed, CapsReached)).collect()).await.unwrap();
        reserved(&store, reservation(&again[0], ann(), &[("open", 1)])).await;
        settled(&store, settlement(&again[0], Some((1, DeliveryState::Accepted)), Then::Delivered)).await;
        assert!(store.close(again[0].id, at(30_000)).await.unwrap());
        assert_eq!(store.depth(at(30_000)).await.unwrap().queued, 5_001);
    }

    async fn many_wake_at_once_and_each_lead_is_woken_once(store: Shared) {
        resting(&store, &[AllAway; 200]).await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.wake(&[AllAway], 100, at(300)).await.unwrap() })
            })
            .collect();
        let mut woken = 0;
        for task in tasks {
            woken += task.await.unwrap();
        }
        woken += store.wake(&[AllAway], 200, at(300)).await.unwrap();
        assert_eq!(woken, 200);
        assert_eq!(due(&store, 300).await.len(), 200);
    }
}

use leadflow::lead::State;
use leadflow::store::{DeliveryState, RuleObject, Then, Used};

use crate::given::*;

crate::sentences! {
    async fn the_lead_that_arrived_last_is_known(store: Shared) {
        assert_eq!(store.latest().await.unwrap(), None);
        kept(&store, [2, 5, 3]).await;
        assert_eq!(store.latest().await.unwrap(), Some(id(5)));
    }

    async fn leads_are_counted_by_state(store: Shared) {
        assert!(store.count().await.unwrap().is_empty());
        kept(&store, 0..5).await;
        let claimed = claimed(&store, 50).await;
        settled(&store, settlement(&claimed[0], None, Then::Delivered)).await;
        settled(&store, settlement(&claimed[1], None, Then::Delivered)).await;
        store.close(claimed[1].id, at(60)).await.unwrap();
        let mut count = store.count().await.unwrap();
        count.sort_by_key(|(state, _)| state.as_str());
        assert_eq!(count, [(State::Closed, 1), (State::Delivered, 1), (State::Queued, 3)]);
    }

    async fn unknown_leads_have_no_outcome_and_no_file(store: Shared) {
        kept(&store, [1]).await;
        let outcomes = store.outcomes(vec![id(7), id(1), id(8)]).await.unwrap();
        assert_eq!(outcomes.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
        assert!(store.lead(id(7)).await.unwrap().is_none());
        assert!(store.outcomes(Vec::new()).await.unwrap().is_empty());
    }

    async fn empty_batches_do_nothing(store: Shared) {
        assert!(store.append(Vec::new()).await.unwrap().is_empty());
        assert!(store.reserve(Vec::new()).await.unwrap().is_empty());
        assert!(store.record(Vec::new()).await.unwrap().is_empty());
        assert!(store.settle(Vec::new()).await.unwrap().is_empty());
        assert!(store.renew("router", Vec::new(), LEASE, at(0)).await.unwrap().is_empty());
        assert!(store.claim("router", 0, LEASE, at(0)).await.unwrap().is_empty());
    }

    async fn places_in_use_leave_out_windows_that_are_over(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        reserved(&store, reservation(&claimed, ann(), &[("day:2026-08-01", 9), ("day:2026-11-22", 9), ("open", 9)])).await;
        let used = store.used(at(300)).await.unwrap();
        let of = |window: &str| Used { recipient: ann(), window: window.into(), count: 1 };
        assert_eq!(used, [of("day:2026-11-22"), of("open")]);
    }

    async fn decisions_come_back_equal_and_in_order(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        let mut asked = reservation(&claimed, ann(), &[]);
        asked.decisions = vec![decision(claimed.id, i64::MIN)];
        reserved(&store, asked).await;
        let mut end = settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Delivered);
        end.decisions = vec![decision(claimed.id, 0)];
        settled(&store, end).await;
        assert_eq!(store.lead(id(1)).await.unwrap().unwrap().decisions, [decision(claimed.id, i64::MIN), decision(claimed.id, 0)]);
    }

    async fn rules_are_remembered_by_digest_in_their_order(store: Shared) {
        let object = |number: u8| RuleObject { hash: [number; 32], json: format!("{{\"n\":{number}}}") };
        assert_eq!(store.rules("a").await.unwrap(), None);
        store.remember_rules("a", vec![object(3), object(1)]).await.unwrap();
        store.remember_rules("b", vec![object(1), object(2)]).await.unwrap();
        store.remember_rules("a", vec![object(9)]).await.unwrap();
        assert_eq!(store.rules("a").await.unwrap(), Some(vec![object(3), object(1)]));
        assert_eq!(store.rules("b").await.unwrap(), Some(vec![object(1), object(2)]));
        assert_eq!(store.rules("c").await.unwrap(), None);
    }

    async fn a_store_that_can_be_written_to_says_so(store: Shared) {
        store.ping().await.unwrap();
    }
}

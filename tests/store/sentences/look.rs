use leadflow::lead::{State, UnmatchedReason};
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

    async fn several_decisions_of_one_step_are_kept_in_their_order(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        let mut asked = reservation(&claimed, ann(), &[]);
        asked.decisions = vec![decision(claimed.id, 1), decision(claimed.id, 2)];
        reserved(&store, asked).await;
        let mut end = settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Delivered);
        end.decisions = vec![decision(claimed.id, 3), decision(claimed.id, 4)];
        settled(&store, end).await;
        assert_eq!(store.lead(id(1)).await.unwrap().unwrap().decisions, [1, 2, 3, 4].map(|floor| decision(claimed.id, floor)));
    }

    async fn an_exclusive_delivery_comes_back_as_such(store: Shared) {
        let first = one_claimed(&store, 1).await;
        let mut asked = reservation(&first, ann(), &[]);
        asked.delivery.exclusive = true;
        reserved(&store, asked.clone()).await;
        assert_eq!(claimed(&store, 80).await[0].deliveries[0].delivery, asked.delivery);
    }

    async fn leads_come_in_pages_newest_first(store: Shared) {
        assert!(store.arrived(None, 10).await.unwrap().is_empty());
        // Numbers 3 and 4 arrive in the same second; 1 comes after 2.
        let leads = [(1, 20), (2, 10), (3, 30), (4, 30), (5, 40)].map(|(number, second)| {
            let mut lead = lead(number);
            lead.arrived_at = at(second);
            lead
        });
        store.append(leads.to_vec()).await.unwrap();
        let (mut before, mut pages) = (None, Vec::new());
        loop {
            let page = store.arrived(before, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.arrived_at, last.id));
            pages.push(page.iter().map(|lead| lead.id).collect::<Vec<_>>());
        }
        assert_eq!(pages, [vec![id(5), id(4)], vec![id(3), id(1)], vec![id(2)]]);
        let first = store.arrived(None, 1).await.unwrap().remove(0);
        assert_eq!((first.source, first.arrived_at, first.sealed), ("site".into(), at(40), leads[4].sealed.clone()));
        assert!(store.arrived(None, 0).await.unwrap().is_empty());
    }

    async fn a_page_tells_where_its_leads_stand(store: Shared) {
        kept(&store, 1..=3).await;
        let claimed = claimed(&store, 50).await;
        reserved(&store, reservation(&claimed[1], ann(), &[])).await;
        settled(&store, settlement(&claimed[1], Some((1, DeliveryState::Accepted)), Then::Delivered)).await;
        let reason = UnmatchedReason::SkillMissing;
        settled(&store, settlement(&claimed[2], None, Then::Unmatched { reason, rules: "a".into(), retry_at: None })).await;
        let page = store.arrived(None, 10).await.unwrap();
        let wanted = store.outcomes(vec![id(3), id(2), id(1)]).await.unwrap();
        assert_eq!(page.iter().map(|lead| Some(lead.outcome.clone())).collect::<Vec<_>>(), wanted);
        assert_eq!((page[0].outcome.reason, page[1].outcome.taken_by.len(), page[2].outcome.state), (Some(reason), 1, State::Queued));
    }

    async fn a_page_has_a_thousand_leads_at_most(store: Shared) {
        kept(&store, 0..1_002).await;
        assert_eq!(store.arrived(None, 5_000).await.unwrap().len(), 1_000);
    }
}

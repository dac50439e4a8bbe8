use leadflow::store::{DeliveryState, Happened, Then};

use crate::given::*;

crate::sentences! {
    async fn leads_are_handed_out_oldest_due_first_and_no_more_than_asked_for(store: Shared) {
        kept(&store, [3, 1, 2, 4]).await;
        let first = store.claim("router", 3, LEASE, at(50)).await.unwrap();
        assert_eq!(first.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), [id(1), id(2), id(3)]);
        assert_eq!(first[0].sealed, lead(1).sealed);
        assert_eq!((first[0].epoch, first[0].run_since, first[0].arrived_at), (1, at(1), at(1)));
    }

    async fn a_lead_that_somebody_has_is_handed_out_to_nobody_else(store: Shared) {
        kept(&store, [1]).await;
        assert_eq!(claimed(&store, 50).await.len(), 1);
        assert!(store.claim("another", 10, LEASE, at(79)).await.unwrap().is_empty());
    }

    async fn a_lead_that_is_not_due_is_not_handed_out(store: Shared) {
        kept(&store, [60]).await;
        assert!(claimed(&store, 59).await.is_empty());
        assert_eq!(claimed(&store, 60).await.len(), 1);
    }

    async fn many_claim_at_once_and_each_lead_goes_to_one(store: Shared) {
        kept(&store, 0..200).await;
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let more = store.claim(&format!("router {task}"), 7, LEASE, at(500)).await.unwrap();
                        if more.is_empty() {
                            return mine;
                        }
                        mine.extend(more.into_iter().map(|claimed| claimed.id));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all.sort();
        assert_eq!(all, (0..200).map(id).collect::<Vec<_>>());
    }

    async fn an_expired_lease_is_handed_out_again_with_a_greater_epoch_and_all_deliveries(store: Shared) {
        let first = one_claimed(&store, 1).await;
        reserved(&store, reservation(&first, ann(), &[])).await;
        assert!(settled(&store, settlement(&first, Some((1, DeliveryState::Refused)), Then::Continue)).await);
        let mut second = reservation(&first, bob(), &[]);
        second.delivery.number = 2;
        reserved(&store, second.clone()).await;
        let again = claimed(&store, 80).await.remove(0);
        assert_eq!((again.epoch, again.run_since), (2, at(1)));
        let states: Vec<_> = again.deliveries.iter().map(|kept| (kept.delivery.number, kept.state)).collect();
        assert_eq!(states, [(1, DeliveryState::Refused), (2, DeliveryState::Open)]);
        assert_eq!(again.deliveries[1].delivery, second.delivery);
        assert_eq!(again.deliveries[1].request, second.request);
        assert_eq!(again.deliveries[1].at, second.at);
    }

    async fn a_renewed_lease_lasts_longer(store: Shared) {
        let first = one_claimed(&store, 1).await;
        assert!(store.renew("router", vec![(first.id, first.epoch)], LEASE, at(70)).await.unwrap().is_empty());
        assert!(claimed(&store, 99).await.is_empty());
        assert_eq!(claimed(&store, 100).await.len(), 1);
    }

    async fn renewing_tells_which_leases_are_lost(store: Shared) {
        kept(&store, [1, 2, 3]).await;
        let first = claimed(&store, 50).await;
        settled(&store, settlement(&first[0], None, Then::Park { until: at(90) })).await;
        let mut asked: Vec<_> = first.iter().map(|claimed| (claimed.id, claimed.epoch)).collect();
        asked[1].1 -= 1;
        asked.push((id(9), 1));
        assert_eq!(store.renew("router", asked.clone(), LEASE, at(60)).await.unwrap(), [id(1), id(2), id(9)]);
        assert_eq!(store.renew("another", asked, LEASE, at(60)).await.unwrap(), [id(1), id(2), id(3), id(9)]);
    }

    async fn those_who_watch_hear_of_new_work_and_of_what_is_settled(store: Shared) {
        let mut watch = store.watch();
        kept(&store, [1]).await;
        while watch.recv().await.unwrap() != Happened::Work {}
        let claimed = claimed(&store, 50).await.remove(0);
        let mut watch = store.watch();
        settled(&store, settlement(&claimed, None, Then::Delivered)).await;
        while watch.recv().await.unwrap() != Happened::Settled {}
    }
}

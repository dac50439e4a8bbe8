use std::sync::Arc;

use leadflow::ops::metrics::Metrics;
use leadflow::store::group::Group;
use leadflow::store::{Appended, DeliveryState, Reserved, StoreError, Then};

use crate::given::*;

crate::sentences! {
    async fn single_calls_share_commits_and_each_gets_its_own_answer(store: Shared) {
        let metrics = Arc::new(Metrics::new().unwrap());
        let (group, workers) = Group::new(store.clone(), metrics.clone(), 1);
        let calls = (0..500).map(|number| group.append(with_print(lead(number), (number % 250) as u8, None)));
        let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
        for (number, answer) in answers.iter().enumerate() {
            let of = id(number as u64 % 250);
            assert_eq!(*answer, if number < 250 { Appended::New } else { Appended::Duplicate { of } });
        }
        assert!(metrics.commit_batch.get_sample_count() < 50, "{}", metrics.commit_batch.get_sample_count());
        drop(group);
        for worker in workers {
            worker.await.unwrap();
        }
    }

    async fn a_lead_that_cannot_be_kept_fails_alone(store: Shared) {
        kept(&store, [3]).await;
        let (group, _workers) = Group::new(store.clone(), Arc::new(Metrics::new().unwrap()), 1);
        let answers = futures::future::join_all((0..10).map(|number| group.append(lead(number)))).await;
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(matches!(answer, Err(StoreError::Refused(_))), number == 3, "{number}");
        }
        assert_eq!(store.count().await.unwrap()[0].1, 10);
    }

    async fn a_lead_goes_its_whole_way_by_single_calls(store: Shared) {
        let (group, _workers) = Group::new(store.clone(), Arc::new(Metrics::new().unwrap()), 2);
        assert_eq!(group.append(lead(1)).await.unwrap(), Appended::New);
        let claimed = claimed(&store, 50).await.remove(0);
        assert_eq!(group.reserve(reservation(&claimed, ann(), &[("open", 1)])).await.unwrap(), Reserved::Held { turn: None });
        assert!(group.record(tried(&claimed, attempt(1, 1, no_answer()))).await.unwrap());
        assert!(group.settle(settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered)).await.unwrap());
    }

    async fn what_was_asked_for_is_done_though_the_caller_has_gone(store: Shared) {
        let (group, workers) = Group::new(store.clone(), Arc::new(Metrics::new().unwrap()), 1);
        let mut call = Box::pin(group.append(lead(1)));
        assert!(futures::poll!(&mut call).is_pending());
        drop(call);
        drop(group);
        for worker in workers {
            worker.await.unwrap();
        }
        assert!(store.lead(id(1)).await.unwrap().is_some());
    }

    async fn a_queue_that_is_full_says_which(store: Shared) {
        let (group, _workers) = Group::new(store, Arc::new(Metrics::new().unwrap()), 1);
        let mut calls: Vec<_> = (0..20_000).map(|number| Box::pin(group.append(lead(number)))).collect();
        let answers = futures::future::join_all(calls.iter_mut().map(|call| async move { futures::poll!(call) })).await;
        let full = answers.iter().filter_map(|answer| match answer {
            std::task::Poll::Ready(Err(StoreError::Unavailable(why))) => Some(why),
            _ => None,
        });
        assert!(full.clone().count() > 0 && full.clone().all(|why| why.contains("`append`")));
    }
}

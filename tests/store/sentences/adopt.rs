//! Leads that were acknowledged before the store had them.

use leadflow::lead::State;
use leadflow::store::{Adopted, Appended};

use crate::given::*;

crate::sentences! {
    async fn an_acknowledged_lead_is_kept_and_queued_like_any_other(store: Shared) {
        assert_eq!(store.adopt(vec![lead(2), lead(1)]).await.unwrap(), [Adopted::New, Adopted::New]);
        let claimed: Vec<_> = claimed(&store, 50).await.into_iter().map(|claimed| claimed.id).collect();
        assert_eq!(claimed, [id(1), id(2)], "the one that arrived first comes first");
    }

    async fn a_lead_that_is_adopted_again_stays_as_it_is(store: Shared) {
        let all = || vec![with_key(with_print(lead(1), 7, None), 1, 1), with_print(lead(2), 7, None), lead(3)];
        store.append(vec![lead(3)]).await.unwrap();
        assert_eq!(store.adopt(all()).await.unwrap(), [Adopted::New, Adopted::Duplicate { of: id(1) }, Adopted::Known]);
        claimed(&store, 50).await;
        assert_eq!(store.adopt(all()).await.unwrap(), [Adopted::Known; 3]);
        assert!(claimed(&store, 50).await.is_empty(), "nothing was queued again");
        assert_eq!(store.count().await.unwrap(), [(State::Duplicate, 1), (State::Queued, 2)]);
    }

    async fn a_lead_that_comes_twice_in_a_batch_is_kept_once(store: Shared) {
        assert_eq!(store.adopt(vec![with_key(lead(1), 1, 1), with_key(lead(1), 1, 1)]).await.unwrap(), [Adopted::New, Adopted::Known]);
    }

    async fn an_acknowledged_lead_whose_key_another_used_is_kept_as_its_duplicate(store: Shared) {
        store.append(vec![with_key(lead(1), 1, 1)]).await.unwrap();
        let batch = vec![with_key(lead(2), 1, 1), with_key(lead(3), 2, 2), with_key(lead(4), 2, 2)];
        let wanted = [Adopted::Duplicate { of: id(1) }, Adopted::New, Adopted::Duplicate { of: id(3) }];
        assert_eq!(store.adopt(batch).await.unwrap(), wanted);
        for (number, of) in [(2, 1), (4, 3)] {
            let file = store.lead(id(number)).await.unwrap().unwrap();
            assert_eq!((file.outcome.state, file.duplicate_of), (State::Duplicate, Some(id(of))));
        }
        assert_eq!(store.append(vec![with_key(lead(5), 1, 1)]).await.unwrap(), [Appended::Replayed { lead: id(1) }]);
    }

    async fn an_acknowledged_lead_with_a_used_key_and_another_body_is_kept_for_its_own_sake(store: Shared) {
        store.append(vec![with_key(with_print(lead(1), 7, None), 1, 1)]).await.unwrap();
        let batch = vec![with_key(lead(2), 1, 2), with_key(with_print(lead(3), 7, None), 1, 3)];
        assert_eq!(store.adopt(batch).await.unwrap(), [Adopted::New, Adopted::Duplicate { of: id(1) }]);
        assert_eq!(store.append(vec![with_key(lead(4), 1, 1)]).await.unwrap(), [Appended::Replayed { lead: id(1) }], "the key stays the first's");
        assert_eq!(store.append(vec![with_key(lead(5), 1, 2)]).await.unwrap(), [Appended::KeyReused]);
    }

    async fn a_key_that_came_with_an_acknowledged_lead_is_known_from_then_on(store: Shared) {
        store.adopt(vec![with_key(lead(1), 1, 1)]).await.unwrap();
        assert_eq!(store.append(vec![with_key(lead(2), 1, 1)]).await.unwrap(), [Appended::Replayed { lead: id(1) }]);
    }

    async fn a_lead_that_is_appended_and_adopted_at_once_is_there_once(store: Shared) {
        for number in 1..=20 {
            let new = || vec![with_key(with_print(lead(number), number as u8, None), number as u8, 1)];
            let (appended, adopted) = tokio::join!(store.append(new()), store.adopt(new()));
            // Whoever comes second may be refused, and finds out when it tries again.
            if adopted.is_err() {
                assert_eq!((appended.unwrap(), store.adopt(new()).await.unwrap()), (vec![Appended::New], vec![Adopted::Known]));
            }
            assert_eq!(store.lead(id(number)).await.unwrap().unwrap().outcome.state, State::Queued);
        }
        assert_eq!(store.count().await.unwrap(), [(State::Queued, 20)]);
    }
}

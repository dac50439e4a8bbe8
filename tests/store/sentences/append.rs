use leadflow::lead::State;
use leadflow::store::Appended;

use crate::given::*;

crate::sentences! {
    async fn a_lead_is_kept_as_it_came_to_the_microsecond(store: Shared) {
        let mut new = lead(1);
        new.arrived_at = "2026-11-22T10:11:12.123456Z".parse().unwrap();
        assert_eq!(store.append(vec![new.clone()]).await.unwrap(), [Appended::New]);
        let file = store.lead(new.id).await.unwrap().unwrap();
        assert_eq!((file.id, file.source, file.arrived_at, file.sealed), (new.id, new.source, new.arrived_at, new.sealed));
        assert_eq!(file.outcome.state, State::Queued);
    }

    async fn a_finer_part_of_a_time_is_cut_off(store: Shared) {
        for (number, time) in [(1, "2026-11-22T10:11:12.123456999Z"), (2, "1969-12-31T23:59:59.5Z")] {
            let mut new = lead(number);
            new.arrived_at = time.parse().unwrap();
            store.append(vec![new.clone()]).await.unwrap();
            let kept = store.lead(new.id).await.unwrap().unwrap().arrived_at;
            assert_eq!(kept.as_microsecond(), new.arrived_at.as_microsecond());
        }
    }

    async fn an_equal_fingerprint_makes_a_duplicate_that_is_kept_but_never_queued(store: Shared) {
        store.append(vec![with_print(lead(1), 7, None)]).await.unwrap();
        let again = with_print(lead(2), 7, None);
        assert_eq!(store.append(vec![again]).await.unwrap(), [Appended::Duplicate { of: id(1) }]);
        let file = store.lead(id(2)).await.unwrap().unwrap();
        assert_eq!((file.outcome.state, file.duplicate_of), (State::Duplicate, Some(id(1))));
        let claimed: Vec<_> = claimed(&store, 50).await.into_iter().map(|claimed| claimed.id).collect();
        assert_eq!(claimed, [id(1)]);
    }

    async fn of_two_equal_leads_in_a_batch_the_earlier_one_wins(store: Shared) {
        let batch = vec![with_print(lead(5), 7, None), with_print(lead(3), 7, None), lead(4)];
        let answers = store.append(batch).await.unwrap();
        assert_eq!(answers, [Appended::New, Appended::Duplicate { of: id(5) }, Appended::New]);
    }

    async fn one_equal_fingerprint_of_several_is_enough(store: Shared) {
        store.append(vec![with_print(with_print(lead(1), 1, None), 2, None)]).await.unwrap();
        let again = with_print(with_print(lead(2), 9, None), 2, None);
        assert_eq!(store.append(vec![again]).await.unwrap(), [Appended::Duplicate { of: id(1) }]);
    }

    async fn a_duplicate_leaves_no_fingerprints_of_its_own(store: Shared) {
        store.append(vec![with_print(lead(1), 1, None)]).await.unwrap();
        store.append(vec![with_print(with_print(lead(2), 1, None), 2, None)]).await.unwrap();
        assert_eq!(store.append(vec![with_print(lead(3), 2, None)]).await.unwrap(), [Appended::New]);
    }

    async fn a_duplicate_leaves_none_within_a_batch_either(store: Shared) {
        store.append(vec![with_print(lead(1), 1, None)]).await.unwrap();
        let batch = vec![with_print(with_print(lead(2), 1, None), 2, None), with_print(lead(3), 2, None), with_print(lead(4), 2, None)];
        let answers = store.append(batch).await.unwrap();
        assert_eq!(answers, [Appended::Duplicate { of: id(1) }, Appended::New, Appended::Duplicate { of: id(3) }]);
        assert_eq!(store.append(vec![with_print(lead(5), 2, None)]).await.unwrap(), [Appended::Duplicate { of: id(3) }]);
    }

    async fn a_fingerprint_that_is_too_old_is_taken_over_by_the_new_lead(store: Shared) {
        store.append(vec![with_print(lead(10), 7, None)]).await.unwrap();
        let within = with_print(lead(20), 7, Some(at(10)));
        assert_eq!(store.append(vec![within]).await.unwrap(), [Appended::Duplicate { of: id(10) }]);
        let beyond = with_print(lead(21), 7, Some(at(11)));
        assert_eq!(store.append(vec![beyond]).await.unwrap(), [Appended::New]);
        let after = with_print(lead(22), 7, Some(at(11)));
        assert_eq!(store.append(vec![after]).await.unwrap(), [Appended::Duplicate { of: id(21) }]);
    }

    async fn the_same_key_with_the_same_body_is_a_replay_and_keeps_nothing(store: Shared) {
        store.append(vec![with_key(lead(1), 1, 1)]).await.unwrap();
        assert_eq!(store.append(vec![with_key(lead(2), 1, 1)]).await.unwrap(), [Appended::Replayed { lead: id(1) }]);
        assert!(store.lead(id(2)).await.unwrap().is_none());
    }

    async fn the_same_key_with_another_body_is_refused_and_keeps_nothing(store: Shared) {
        store.append(vec![with_key(lead(1), 1, 1)]).await.unwrap();
        assert_eq!(store.append(vec![with_key(lead(2), 1, 2)]).await.unwrap(), [Appended::KeyReused]);
        assert!(store.lead(id(2)).await.unwrap().is_none());
    }

    async fn keys_are_compared_within_a_batch_too(store: Shared) {
        let batch = vec![with_key(lead(1), 1, 1), with_key(lead(2), 1, 1), with_key(lead(3), 1, 2)];
        let answers = store.append(batch).await.unwrap();
        assert_eq!(answers, [Appended::New, Appended::Replayed { lead: id(1) }, Appended::KeyReused]);
    }

    async fn a_replay_of_a_duplicate_answers_with_that_duplicate(store: Shared) {
        store.append(vec![with_print(lead(1), 7, None)]).await.unwrap();
        let duplicate = |number| with_key(with_print(lead(number), 7, None), 3, 3);
        assert_eq!(store.append(vec![duplicate(2)]).await.unwrap(), [Appended::Duplicate { of: id(1) }]);
        assert_eq!(store.append(vec![duplicate(3)]).await.unwrap(), [Appended::Replayed { lead: id(2) }]);
    }

    async fn a_replay_leaves_no_fingerprints(store: Shared) {
        store.append(vec![with_key(lead(1), 1, 1)]).await.unwrap();
        store.append(vec![with_print(with_key(lead(2), 1, 1), 9, None)]).await.unwrap();
        assert_eq!(store.append(vec![with_print(lead(3), 9, None)]).await.unwrap(), [Appended::New]);
    }

    async fn of_many_equal_leads_at_once_exactly_one_is_new(store: Shared) {
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let store = store.clone();
                let batch = (0..8_u64).map(|print| with_print(lead(1 + task * 8 + (print + task) % 8), ((print + task) % 8) as u8, None)).collect();
                tokio::spawn(async move { store.append(batch).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for task in tasks {
            new += task.await.unwrap().iter().filter(|answer| **answer == Appended::New).count();
        }
        assert_eq!(new, 8);
        assert_eq!(store.count().await.unwrap(), [(State::Duplicate, 120), (State::Queued, 8)]);
    }

    async fn a_batch_that_cannot_be_kept_leaves_nothing_of_itself(store: Shared) {
        kept(&store, [1]).await;
        let batch = vec![with_print(with_key(lead(2), 2, 2), 2, None), lead(1)];
        assert!(matches!(store.append(batch).await, Err(leadflow::store::StoreError::Refused(_))));
        assert!(store.lead(id(2)).await.unwrap().is_none());
        let again = with_print(with_key(lead(2), 2, 2), 2, None);
        assert_eq!(store.append(vec![again]).await.unwrap(), [Appended::New]);
    }
}

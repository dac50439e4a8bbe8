use leadflow::lead::AttemptResult;
use leadflow::lead::attempt::FailureCause;
use leadflow::store::{DeliveryState, Then};

use crate::given::*;

crate::sentences! {
    async fn tries_on_record_come_back_counted_and_say_whether_one_was_ambiguous(store: Shared) {
        let first = one_claimed(&store, 1).await;
        reserved(&store, reservation(&first, ann(), &[])).await;
        let failed = attempt(1, 1, AttemptResult::Failed { cause: FailureCause::Connect });
        assert_eq!(store.record(vec![tried(&first, failed.clone())]).await.unwrap(), [true]);
        let kept = store.lead(id(1)).await.unwrap().unwrap().deliveries.remove(0);
        assert_eq!((kept.attempts, kept.ambiguous), (1, false));
        let silent = attempt(1, 2, no_answer());
        assert_eq!(store.record(vec![tried(&first, silent.clone()), tried(&first, silent.clone())]).await.unwrap(), [true, true]);
        let again = claimed(&store, 80).await.remove(0);
        assert_eq!((again.deliveries[0].attempts, again.deliveries[0].ambiguous), (2, true));
        assert_eq!(store.lead(id(1)).await.unwrap().unwrap().attempts, [failed, silent]);
    }

    async fn an_older_epoch_puts_nothing_on_record(store: Shared) {
        let old = one_claimed(&store, 1).await;
        reserved(&store, reservation(&old, ann(), &[])).await;
        let new = claimed(&store, 80).await.remove(0);
        let asked = vec![tried(&old, attempt(1, 1, no_answer())), tried(&new, attempt(1, 2, no_answer()))];
        assert_eq!(store.record(asked).await.unwrap(), [false, true]);
        assert_eq!(store.lead(id(1)).await.unwrap().unwrap().attempts.len(), 1);
    }

    async fn the_last_try_is_kept_with_the_end_of_its_delivery(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        reserved(&store, reservation(&claimed, ann(), &[])).await;
        let taken = attempt(1, 1, AttemptResult::Accepted { record_id: Some("crm-1".into()) });
        let mut end = settlement(&claimed, Some((1, DeliveryState::Accepted)), Then::Delivered);
        end.delivery.as_mut().unwrap().attempt = Some(taken.clone());
        assert!(settled(&store, end).await);
        let file = store.lead(id(1)).await.unwrap().unwrap();
        assert_eq!(file.attempts, [taken]);
        assert_eq!(file.deliveries[0].record_id.as_deref(), Some("crm-1"));
    }
}

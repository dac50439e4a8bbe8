use leadflow::lead::RecipientKey;
use leadflow::store::{DeliveryState, Reserved, StoreError, Then};

use crate::given::*;

const HELD: Reserved = Reserved::Held { turn: None };
const SPEND: &str = "day:2026-11-22/spend";

crate::sentences! {
    async fn money_is_held_by_amount_and_up_to_the_limit(store: Shared) {
        kept(&store, 1..=4).await;
        let claimed = claimed(&store, 50).await;
        let asked: Vec<_> = claimed
            .iter()
            .zip([4_500, 5_600, 5_500, 1])
            .map(|(claimed, price)| holding(claimed, ann(), vec![hold(ann(), SPEND, price, 10_000)]))
            .collect();
        let full = |used| Reserved::Full { window: SPEND.into(), used };
        assert_eq!(store.reserve(asked).await.unwrap(), [HELD, full(4_500), HELD, full(10_000)]);
        assert_eq!(used(&store, &ann(), SPEND).await, 10_000);
        settled(&store, settlement(&claimed[0], Some((1, DeliveryState::Refused)), Then::Continue)).await;
        assert_eq!(used(&store, &ann(), SPEND).await, 5_500);
        assert_eq!(reserved(&store, holding(&claimed[1], ann(), vec![hold(ann(), SPEND, 4_501, 10_000)])).await, full(5_500));
        assert_eq!(reserved(&store, holding(&claimed[1], ann(), vec![hold(ann(), SPEND, 4_500, 10_000)])).await, HELD);
    }

    async fn what_costs_nothing_fits_where_all_is_spent(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        assert_eq!(reserved(&store, holding(&claimed, ann(), vec![hold(ann(), "total/spend", 0, 0)])).await, HELD);
        assert_eq!(used(&store, &ann(), "total/spend").await, 0);
    }

    async fn of_several_caps_a_full_one_takes_nothing_from_the_others(store: Shared) {
        kept(&store, [1, 2]).await;
        let claimed = claimed(&store, 50).await;
        let buyer = RecipientKey("buyer/bob".into());
        let holds = |price| {
            vec![
                hold(bob(), "hour:2026-11-22T00-07:00", 1, 5),
                hold(bob(), "week:2026-11-16/sent", 1, 5),
                hold(buyer.clone(), "month:2026-11/spend", price, 100),
                hold(bob(), "open/weight", 3, 9),
                hold(bob(), "total", 1, 5),
            ]
        };
        assert_eq!(reserved(&store, holding(&claimed[0], bob(), holds(60))).await, HELD);
        let before = store.used(at(300)).await.unwrap();
        let full = Reserved::Full { window: "month:2026-11/spend".into(), used: 60 };
        let asked = vec![holding(&claimed[1], bob(), holds(41)), holding(&claimed[1], bob(), holds(42))];
        assert_eq!(store.reserve(asked).await.unwrap(), [full.clone(), full]);
        assert_eq!(store.used(at(300)).await.unwrap(), before);
        assert_eq!(before.iter().map(|used| used.count).sum::<i64>(), 1 + 1 + 60 + 3 + 1);
        assert_eq!(reserved(&store, holding(&claimed[1], bob(), holds(40))).await, HELD);
    }

    async fn what_is_to_be_kept_stays_used_when_the_delivery_is_refused_or_fails(store: Shared) {
        kept(&store, [1, 2]).await;
        let claimed = claimed(&store, 50).await;
        for (claimed, state) in claimed.iter().zip([DeliveryState::Refused, DeliveryState::Failed]) {
            let holds = vec![kept_hold(ann(), "day:2026-11-22/sent", 1, 2), hold(ann(), "day:2026-11-22", 1, 1), hold(ann(), "open", 1, 1)];
            assert_eq!(reserved(&store, holding(claimed, ann(), holds)).await, HELD);
            assert!(settled(&store, settlement(claimed, Some((1, state)), Then::Continue)).await);
        }
        let left = store.used(at(300)).await.unwrap();
        assert_eq!(left.iter().map(|used| (used.window.as_str(), used.count)).collect::<Vec<_>>(), [("day:2026-11-22/sent", 2)]);
        let mut third = holding(&claimed[0], ann(), vec![kept_hold(ann(), "day:2026-11-22/sent", 1, 2)]);
        third.delivery.number = 2;
        assert_eq!(reserved(&store, third).await, Reserved::Full { window: "day:2026-11-22/sent".into(), used: 2 });
    }

    async fn closing_gives_back_weights_and_all_else_that_begins_with_open(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        reserved(&store, holding(&claimed, bob(), vec![kept_hold(bob(), "open/sent", 1, 9)])).await;
        settled(&store, settlement(&claimed, Some((1, DeliveryState::Refused)), Then::Continue)).await;
        let holds = vec![hold(ann(), "open", 1, 9), hold(ann(), "open/weight", 3, 9), hold(ann(), "day:2026-11-22", 1, 9)];
        let mut second = holding(&claimed, ann(), holds);
        second.delivery.number = 2;
        assert_eq!(reserved(&store, second).await, HELD);
        settled(&store, settlement(&claimed, Some((2, DeliveryState::Accepted)), Then::Delivered)).await;
        assert_eq!((used(&store, &ann(), "open/weight").await, used(&store, &bob(), "open/sent").await), (3, 1));
        assert!(store.close(id(1), at(300)).await.unwrap());
        let left = store.used(at(300)).await.unwrap();
        assert_eq!(left.iter().map(|used| (used.window.as_str(), used.count)).collect::<Vec<_>>(), [("day:2026-11-22", 1)]);
    }

    async fn an_amount_below_nothing_is_refused(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        let answer = store.reserve(vec![holding(&claimed, ann(), vec![hold(ann(), SPEND, -1, 9)])]).await;
        assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
        assert!(store.lead(id(1)).await.unwrap().unwrap().deliveries.is_empty());
    }

    async fn windows_that_are_over_are_forgotten_and_nothing_comes_back_to_them(store: Shared) {
        const OVER: &str = "day:2026-08-01";
        kept(&store, 1..=3).await;
        let claimed = claimed(&store, 50).await;
        let long_ago = "2026-08-02T00:00:00Z".parse().unwrap();
        let asked = |at: usize| reservation(&claimed[at], ann(), &[(OVER, 1), ("hour:2026-11-22T00+00:00", 9)]);
        assert_eq!(reserved(&store, asked(0)).await, HELD);
        assert_eq!(store.used(long_ago).await.unwrap().len(), 2);
        assert_eq!(store.used(at(300)).await.unwrap().len(), 1);
        assert_eq!(store.used(long_ago).await.unwrap().len(), 1, "only what is over is forgotten");
        settled(&store, settlement(&claimed[0], Some((1, DeliveryState::Refused)), Then::Continue)).await;
        assert!(store.used(long_ago).await.unwrap().is_empty());
        assert_eq!(reserved(&store, asked(1)).await, HELD);
        assert_eq!(reserved(&store, asked(2)).await, Reserved::Full { window: OVER.into(), used: 1 });
    }
}

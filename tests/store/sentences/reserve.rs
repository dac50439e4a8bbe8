use leadflow::store::{DeliveryState, Reserved, Then};

use crate::given::*;

const HELD: Reserved = Reserved::Held { turn: None };

crate::sentences! {
    async fn a_place_is_held_with_its_delivery_request_and_decision(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        let mut asked = reservation(&claimed, ann(), &[("open", 1)]);
        asked.decisions = vec![decision(claimed.id, i64::MIN)];
        assert_eq!(reserved(&store, asked.clone()).await, HELD);
        let file = store.lead(claimed.id).await.unwrap().unwrap();
        assert_eq!(file.deliveries.len(), 1);
        assert_eq!(file.deliveries[0].delivery, asked.delivery);
        assert_eq!((file.deliveries[0].state, &file.deliveries[0].request), (DeliveryState::Open, &asked.request));
        assert_eq!(file.decisions, [decision(claimed.id, i64::MIN)]);
        assert_eq!(used(&store, &ann(), "open").await, 1);
    }

    async fn a_full_window_denies_the_place_and_nothing_is_taken_from_the_others(store: Shared) {
        kept(&store, [1, 2]).await;
        let claimed = claimed(&store, 50).await;
        let windows = [("day:2026-11-22", 5), ("month:2026-11", 1), ("open", 5)];
        let asked = claimed.iter().map(|claimed| reservation(claimed, ann(), &windows)).collect();
        let full = Reserved::Full { window: "month:2026-11".into(), used: 1 };
        assert_eq!(store.reserve(asked).await.unwrap(), [HELD, full.clone()]);
        assert_eq!(reserved(&store, reservation(&claimed[1], ann(), &windows)).await, full);
        for (window, _) in windows {
            assert_eq!(used(&store, &ann(), window).await, 1, "{window}");
        }
        assert!(store.lead(id(2)).await.unwrap().unwrap().deliveries.is_empty());
    }

    async fn a_limit_of_nothing_lets_nobody_in(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        assert_eq!(reserved(&store, reservation(&claimed, ann(), &[("open", 0)])).await, Reserved::Full { window: "open".into(), used: 0 });
    }

    async fn two_recipients_and_two_windows_are_counted_apart(store: Shared) {
        kept(&store, [1, 2, 3]).await;
        let claimed = claimed(&store, 50).await;
        let asked = vec![
            reservation(&claimed[0], ann(), &[("open", 1)]),
            reservation(&claimed[1], bob(), &[("open", 1)]),
            reservation(&claimed[2], ann(), &[("day:2026-11-22", 1)]),
        ];
        assert_eq!(store.reserve(asked).await.unwrap(), [HELD, HELD, HELD]);
    }

    async fn sixteen_at_once_hold_exactly_the_limit(store: Shared) {
        kept(&store, 0..320).await;
        let claimed = claimed(&store, 500).await;
        let tasks: Vec<_> = claimed
            .chunks(20)
            .map(|part| {
                let store = store.clone();
                // Each task names recipients and windows in another order.
                let asked: Vec<_> = part
                    .iter()
                    .enumerate()
                    .map(|(number, claimed)| {
                        let mut windows = vec![("day:2026-11-22", 70), ("month:2026-11", 90), ("open", 50)];
                        windows.rotate_left(number % 3);
                        reservation(claimed, if number % 2 == 0 { ann() } else { bob() }, &windows)
                    })
                    .collect();
                tokio::spawn(async move {
                    let mut held = 0;
                    for batch in asked.chunks(3) {
                        held += store.reserve(batch.to_vec()).await.unwrap().iter().filter(|answer| **answer == HELD).count();
                    }
                    held
                })
            })
            .collect();
        let mut held = 0;
        for task in tasks {
            held += task.await.unwrap();
        }
        assert_eq!(held, 100);
        for recipient in [ann(), bob()] {
            assert_eq!(used(&store, &recipient, "open").await, 50);
            assert_eq!(used(&store, &recipient, "day:2026-11-22").await, 50);
        }
    }

    async fn an_older_epoch_holds_nothing(store: Shared) {
        let old = one_claimed(&store, 1).await;
        let new = claimed(&store, 80).await.remove(0);
        let mut asked = reservation(&old, ann(), &[("open", 9)]);
        asked.decisions = vec![decision(old.id, 1)];
        assert_eq!(reserved(&store, asked).await, Reserved::Lost);
        assert_eq!(used(&store, &ann(), "open").await, 0);
        assert!(store.lead(id(1)).await.unwrap().unwrap().decisions.is_empty());
        assert_eq!(reserved(&store, reservation(&new, ann(), &[("open", 9)])).await, HELD);
    }

    async fn a_lease_that_was_given_back_or_a_lead_unknown_holds_nothing(store: Shared) {
        let mut claimed = one_claimed(&store, 1).await;
        settled(&store, settlement(&claimed, None, Then::Park { until: at(500) })).await;
        assert_eq!(reserved(&store, reservation(&claimed, ann(), &[])).await, Reserved::Lost);
        claimed.id = id(77);
        assert_eq!(reserved(&store, reservation(&claimed, ann(), &[])).await, Reserved::Lost);
    }

    async fn a_lead_with_an_open_delivery_gets_no_second_one(store: Shared) {
        let claimed = one_claimed(&store, 1).await;
        assert_eq!(reserved(&store, reservation(&claimed, ann(), &[("open", 9)])).await, HELD);
        let mut second = reservation(&claimed, bob(), &[("open", 9)]);
        second.delivery.number = 2;
        assert_eq!(reserved(&store, second).await, Reserved::Lost);
        assert_eq!(reserved(&store, reservation(&claimed, ann(), &[("open", 9)])).await, Reserved::Lost);
        assert_eq!((used(&store, &ann(), "open").await, used(&store, &bob(), "open").await), (1, 0));
    }
}

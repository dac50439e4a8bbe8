use leadflow::lead::RecipientKey;
use leadflow::store::{Claimed, DeliveryState, Owner, Settlement, Then};

use crate::given::*;

fn end(claimed: &Claimed, state: DeliveryState, second: i64, keys: &[u8]) -> Settlement {
    let mut settlement = settlement(claimed, Some((1, state)), Then::Continue);
    settlement.now = at(second);
    settlement.delivery.as_mut().unwrap().owner_keys = keys.iter().map(|key| [*key; 32]).collect();
    settlement
}

fn owner(key: u8, recipient: RecipientKey, second: i64) -> Owner {
    Owner { key: [key; 32], recipient, at: at(second) }
}

async fn owners(store: &Shared, keys: &[u8]) -> Vec<Owner> {
    store.owners(keys.iter().map(|key| [*key; 32]).collect()).await.unwrap()
}

/// So many leads, each with an open delivery: the first to ann, all others to bob.
async fn open(store: &Shared, leads: u64) -> Vec<Claimed> {
    kept(store, 0..leads).await;
    let claimed = claimed(store, 50).await;
    let to = |at: usize| if at == 0 { ann() } else { bob() };
    store.reserve(claimed.iter().enumerate().map(|(at, claimed)| reservation(claimed, to(at), &[])).collect()).await.unwrap();
    claimed
}

crate::sentences! {
    async fn whoever_accepted_is_known_as_the_owner_by_each_key(store: Shared) {
        let claimed = open(&store, 1).await;
        assert!(owners(&store, &[1, 2]).await.is_empty());
        assert!(settled(&store, end(&claimed[0], DeliveryState::Accepted, 200, &[1, 2])).await);
        assert_eq!(owners(&store, &[2, 9, 1]).await, [owner(2, ann(), 200), owner(1, ann(), 200)]);
        assert!(owners(&store, &[]).await.is_empty());
    }

    async fn a_later_acceptance_replaces_the_owner_and_an_earlier_one_does_not(store: Shared) {
        let claimed = open(&store, 3).await;
        settled(&store, end(&claimed[0], DeliveryState::Accepted, 200, &[1, 2])).await;
        settled(&store, end(&claimed[1], DeliveryState::Accepted, 201, &[1])).await;
        settled(&store, end(&claimed[2], DeliveryState::Accepted, 199, &[2])).await;
        assert_eq!(owners(&store, &[1, 2]).await, [owner(1, bob(), 201), owner(2, ann(), 200)]);
    }

    async fn of_two_acceptances_in_a_batch_the_later_one_stays(store: Shared) {
        let claimed = open(&store, 2).await;
        let batch = vec![end(&claimed[1], DeliveryState::Accepted, 201, &[1]), end(&claimed[0], DeliveryState::Accepted, 200, &[1])];
        assert_eq!(store.settle(batch).await.unwrap(), [true, true]);
        assert_eq!(owners(&store, &[1]).await, [owner(1, bob(), 201)]);
    }

    async fn neither_a_refusal_nor_a_lost_lease_makes_an_owner(store: Shared) {
        let old = open(&store, 2).await;
        settled(&store, end(&old[0], DeliveryState::Refused, 60, &[1])).await;
        claimed(&store, 90).await;
        assert!(!settled(&store, end(&old[1], DeliveryState::Accepted, 90, &[1])).await);
        assert!(owners(&store, &[1]).await.is_empty());
    }

    async fn many_accept_at_once_and_the_latest_stays(store: Shared) {
        let claimed = open(&store, 64).await;
        let tasks: Vec<_> = claimed
            .chunks(8)
            .map(|part| {
                // Each names the keys in another order.
                let batch = part.iter().map(|claimed| {
                    let number = (0..64).find(|number| id(*number) == claimed.id).unwrap();
                    let keys = if number % 2 == 0 { [1, 2, 3] } else { [3, 2, 1] };
                    end(claimed, DeliveryState::Accepted, 200 - number as i64, &keys)
                });
                let (store, batch) = (store.clone(), batch.collect());
                tokio::spawn(async move { store.settle(batch).await.unwrap() })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().into_iter().all(|held| held));
        }
        assert_eq!(owners(&store, &[1, 2, 3]).await, [1, 2, 3].map(|key| owner(key, ann(), 200)));
    }
}

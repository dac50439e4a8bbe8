use leadflow::lead::RecipientKey;
use leadflow::lead::decision::Turn;
use leadflow::store::{Claimed, Reservation, Reserved, TakeTurn, TurnAt};

use crate::given::*;

fn turn(claimed: &Claimed, recipient: RecipientKey, floor: i64, step: i64) -> Reservation {
    let mut asked = reservation(claimed, recipient, &[]);
    asked.turn = Some(TakeTurn { rotation: "homes/first".into(), floor, step, seen: 0, expect: None });
    asked
}

fn held(position: i64, last: i64) -> Reserved {
    Reserved::Held { turn: Some(Turn { position, last }) }
}

crate::sentences! {
    async fn a_turn_moves_its_recipient_on_from_the_floor_or_from_where_it_was(store: Shared) {
        kept(&store, 0..4).await;
        let claimed = claimed(&store, 50).await;
        let asked = vec![turn(&claimed[0], ann(), 100, 10), turn(&claimed[1], bob(), 100, 20), turn(&claimed[2], ann(), 100, 10)];
        assert_eq!(store.reserve(asked).await.unwrap(), [held(110, 1), held(120, 2), held(120, 3)]);
        assert_eq!(reserved(&store, turn(&claimed[3], ann(), 500, 10)).await, held(510, 4));
        let turns = store.turns().await.unwrap();
        let at = |recipient, position, last| TurnAt { rotation: "homes/first".into(), recipient, turn: Turn { position, last } };
        assert_eq!(turns, [at(ann(), 510, 4), at(bob(), 120, 2)]);
    }

    async fn each_rotation_counts_for_itself(store: Shared) {
        kept(&store, 0..2).await;
        let claimed = claimed(&store, 50).await;
        let mut other = turn(&claimed[1], ann(), 0, 5);
        other.turn.as_mut().unwrap().rotation = "homes/second".into();
        assert_eq!(store.reserve(vec![turn(&claimed[0], ann(), 0, 5), other]).await.unwrap(), [held(5, 1), held(5, 1)]);
    }

    async fn a_place_that_is_denied_uses_up_no_turn(store: Shared) {
        kept(&store, 0..2).await;
        let claimed = claimed(&store, 50).await;
        let mut denied = reservation(&claimed[0], ann(), &[("open", 0)]);
        denied.turn = Some(TakeTurn { rotation: "homes/first".into(), floor: 0, step: 5, seen: 0, expect: None });
        store.reserve(vec![denied]).await.unwrap();
        assert!(store.turns().await.unwrap().is_empty());
        assert_eq!(reserved(&store, turn(&claimed[1], ann(), 0, 5)).await, held(5, 1));
    }

    async fn sequence_numbers_grow_by_one_however_many_ask_at_once(store: Shared) {
        kept(&store, 0..64).await;
        let claimed = claimed(&store, 100).await;
        let tasks: Vec<_> = claimed
            .chunks(4)
            .map(|part| {
                let asked = part.iter().enumerate().map(|(number, claimed)| turn(claimed, if number % 2 == 0 { ann() } else { bob() }, 0, 3)).collect();
                let store = store.clone();
                tokio::spawn(async move { store.reserve(asked).await.unwrap() })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            for answer in task.await.unwrap() {
                let Reserved::Held { turn: Some(turn) } = answer else { panic!("{answer:?}") };
                numbers.push(turn.last);
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
        assert!(store.turns().await.unwrap().iter().all(|turn| turn.turn.position == 32 * 3));
    }
}

use std::collections::BTreeMap;

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

/// A router's own view of one rotation.
#[derive(Clone, Default)]
struct Router {
    turns: BTreeMap<RecipientKey, Turn>,
    seen: i64,
}

impl Router {
    fn of(recipients: u64) -> Self {
        let turns = (0..recipients).map(|number| (RecipientKey::agent(&number.to_string()), Turn::default())).collect();
        Self { turns, seen: 0 }
    }

    /// Whose turn it is: who is furthest behind, then who was least recently assigned.
    fn choose(&mut self, claimed: &Claimed) -> Reservation {
        let (recipient, expect) =
            self.turns.iter().min_by_key(|(_, turn)| (turn.position, turn.last)).map(|(key, turn)| (key.clone(), *turn)).unwrap();
        let mut asked = reservation(claimed, recipient.clone(), &[]);
        asked.turn = Some(TakeTurn { rotation: "homes/first".into(), floor: 0, step: 10, seen: self.seen, expect: Some(expect) });
        asked
    }

    fn assume(&mut self, recipient: &RecipientKey) {
        self.seen += 1;
        let turn = self.turns.get_mut(recipient).unwrap();
        *turn = Turn { position: turn.position + 10, last: self.seen };
    }

    fn learn(&mut self, turns: &[TurnAt]) {
        for at in turns {
            self.turns.insert(at.recipient.clone(), at.turn);
            self.seen = self.seen.max(at.turn.last);
        }
    }

    /// Decides until a place is held; returns the recipient and the number of its turn.
    async fn assign(&mut self, store: &Shared, claimed: &Claimed) -> (i64, RecipientKey) {
        loop {
            let asked = self.choose(claimed);
            let recipient = asked.delivery.recipient.clone();
            match reserved(store, asked).await {
                Reserved::Held { turn: Some(turn) } => {
                    self.turns.insert(recipient.clone(), turn);
                    return (turn.last, recipient);
                }
                Reserved::Stale { turns } => {
                    assert!(!turns.is_empty() && turns.iter().all(|at| at.turn.last > self.seen));
                    self.learn(&turns);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// In any stretch from the beginning, nobody was assigned two leads more than another.
fn is_fair(assigned: impl IntoIterator<Item = RecipientKey>, recipients: u64) -> bool {
    let mut counts: BTreeMap<RecipientKey, i64> = Router::of(recipients).turns.into_keys().map(|key| (key, 0)).collect();
    assigned.into_iter().all(|recipient| {
        *counts.get_mut(&recipient).unwrap() += 1;
        counts.values().max().unwrap() - counts.values().min().unwrap() <= 1
    })
}

crate::sentences! {
    async fn of_two_routers_that_choose_the_same_recipient_one_is_told_what_it_missed(store: Shared) {
        kept(&store, 0..2).await;
        let first = store.claim("first", 1, LEASE, at(50)).await.unwrap().remove(0);
        let second = store.claim("second", 1, LEASE, at(50)).await.unwrap().remove(0);
        let expecting = |claimed, expect, seen| {
            let mut asked = turn(claimed, ann(), 0, 10);
            asked.holds = reservation(claimed, ann(), &[("open", 9)]).holds;
            asked.decisions = vec![decision(claimed.id, 1)];
            asked.turn.as_mut().unwrap().expect = Some(expect);
            asked.turn.as_mut().unwrap().seen = seen;
            asked
        };
        assert_eq!(reserved(&store, expecting(&first, Turn::default(), 0)).await, held(10, 1));
        let missed = TurnAt { rotation: "homes/first".into(), recipient: ann(), turn: Turn { position: 10, last: 1 } };
        assert_eq!(reserved(&store, expecting(&second, Turn::default(), 0)).await, Reserved::Stale { turns: vec![missed.clone()] });
        assert_eq!(used(&store, &ann(), "open").await, 1);
        let file = store.lead(second.id).await.unwrap().unwrap();
        assert_eq!((file.deliveries.len(), file.decisions.len()), (0, 0));
        assert_eq!(store.turns().await.unwrap(), [missed]);
        assert_eq!(reserved(&store, expecting(&second, Turn { position: 10, last: 1 }, 1)).await, held(20, 2));
    }

    async fn a_lost_lease_is_told_before_a_turn_that_was_missed_and_that_before_a_full_window(store: Shared) {
        kept(&store, 0..2).await;
        let claimed = claimed(&store, 50).await;
        assert_eq!(reserved(&store, turn(&claimed[0], ann(), 0, 10)).await, held(10, 1));
        let mut asked = turn(&claimed[1], ann(), 0, 10);
        asked.holds = reservation(&claimed[1], ann(), &[("open", 0)]).holds;
        asked.turn.as_mut().unwrap().expect = Some(Turn::default());
        asked.turn.as_mut().unwrap().seen = 1;
        assert_eq!(reserved(&store, asked.clone()).await, Reserved::Stale { turns: Vec::new() });
        asked.epoch -= 1;
        assert_eq!(reserved(&store, asked).await, Reserved::Lost);
    }

    async fn five_hundred_at_once_are_dealt_in_turn(store: Shared) {
        kept(&store, 0..500).await;
        let claimed = claimed(&store, 1_000).await;
        let mut router = Router::of(7);
        let mut asked = Vec::new();
        for claimed in &claimed {
            let reservation = router.choose(claimed);
            router.assume(&reservation.delivery.recipient);
            asked.push(reservation);
        }
        let dealt: Vec<_> = asked.iter().map(|asked| asked.delivery.recipient.clone()).collect();
        let answers = store.reserve(asked).await.unwrap();
        assert!(answers.iter().zip(1..).all(|(answer, number)| matches!(answer, Reserved::Held { turn: Some(turn) } if turn.last == number)));
        assert!(is_fair(dealt, 7));
        let known: BTreeMap<_, _> = store.turns().await.unwrap().into_iter().map(|at| (at.recipient, at.turn)).collect();
        assert_eq!(known, router.turns);
    }

    async fn routers_that_know_nothing_of_each_other_deal_in_turn_together(store: Shared) {
        kept(&store, 0..120).await;
        let tasks: Vec<_> = (0..6)
            .map(|router| {
                let store = store.clone();
                tokio::spawn(async move {
                    let claimed = store.claim(&router.to_string(), 20, LEASE, at(500)).await.unwrap();
                    let mut router = Router::of(5);
                    let mut assigned = Vec::new();
                    for claimed in &claimed {
                        assigned.push(router.assign(&store, claimed).await);
                    }
                    assigned
                })
            })
            .collect();
        let mut assigned = BTreeMap::new();
        for task in tasks {
            assigned.extend(task.await.unwrap());
        }
        assert_eq!(assigned.len(), 120);
        assert!(is_fair(assigned.into_values(), 5));
    }

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

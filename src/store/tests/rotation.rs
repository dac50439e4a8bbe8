//! Round robin by several routers, each with a view of its own.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::reach::reach;
use crate::lead::decision::Turn;
use crate::lead::{Delivery, LeadId, RecipientKey};
use crate::store::places::{self, Books, Leased, Rotation};
use crate::store::{Reservation, Reserved, Sealed, TakeTurn, TurnAt};

const ROUTERS: usize = 2;
const RECIPIENTS: usize = 3;
const LEADS: i64 = 7;
const STEP: i64 = 10;

/// Position and last sequence number of each recipient.
type Turns = [(i64, i64); RECIPIENTS];

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct View {
    turns: Turns,
    seen: i64,
    /// What was chosen, and the turn it was chosen for; not reserved yet.
    chosen: Option<(usize, (i64, i64), i64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
struct State {
    turns: Turns,
    last: i64,
    views: [View; ROUTERS],
}

fn key(recipient: usize) -> RecipientKey {
    RecipientKey::agent(&recipient.to_string())
}

fn turn((position, last): (i64, i64)) -> Turn {
    Turn { position, last }
}

fn steps(state: &State, exact: bool) -> Vec<State> {
    (0..ROUTERS).flat_map(|router| [choose(state, router), reserve(state, router, exact), look(state, router)]).flatten().collect()
}

/// A router decides by what it knows.
fn choose(state: &State, router: usize) -> Option<State> {
    let mut after = *state;
    let view = &mut after.views[router];
    if view.chosen.is_some() || state.last == LEADS {
        return None;
    }
    let (recipient, turn) = view.turns.iter().enumerate().min_by_key(|(_, turn)| **turn)?;
    view.chosen = Some((recipient, *turn, view.seen));
    Some(after)
}

/// What it decided is put to the store.
fn reserve(state: &State, router: usize, exact: bool) -> Option<State> {
    let mut after = *state;
    let view = &mut after.views[router];
    let (recipient, expected, seen) = view.chosen.take().filter(|_| state.last < LEADS)?;
    let take = TakeTurn { rotation: "t".into(), floor: 0, step: STEP, seen, expect: exact.then(|| turn(expected)) };
    let asked = [reservation(recipient, take)];
    let turns = state.turns.iter().enumerate().map(|(number, known)| (key(number), turn(*known))).collect();
    let mut books = Books {
        leased: HashMap::from([(asked[0].delivery.lead, Leased { epoch: 1, open: None, last: 0 })]),
        used: HashMap::new(),
        rotations: HashMap::from([("t".into(), Rotation { last: state.last, turns })]),
    };
    let mut answers = places::decide(&asked, &mut books);
    let all: Vec<TurnAt> =
        (0..RECIPIENTS).map(|number| TurnAt { rotation: "t".into(), recipient: key(number), turn: turn(state.turns[number]) }).collect();
    places::tell_stale(&asked, &mut answers, &all);
    match &answers[0] {
        Reserved::Held { turn: Some(turn) } => {
            after.turns[recipient] = (turn.position, turn.last);
            after.last = turn.last;
            after.views[router].turns[recipient] = (turn.position, turn.last);
        }
        Reserved::Stale { turns } => {
            assert!(!turns.is_empty(), "there is something to learn");
            for at in turns {
                let number = (0..RECIPIENTS).find(|number| key(*number) == at.recipient).unwrap();
                let view = &mut after.views[router];
                view.turns[number] = (at.turn.position, at.turn.last);
                view.seen = view.seen.max(at.turn.last);
            }
        }
        other => panic!("{other:?}"),
    }
    Some(after)
}

/// It reads all turns afresh.
fn look(state: &State, router: usize) -> Option<State> {
    let mut after = *state;
    after.views[router].turns = state.turns;
    after.views[router].seen = state.last;
    Some(after)
}

fn reservation(recipient: usize, take: TakeTurn) -> Reservation {
    Reservation {
        epoch: 1,
        delivery: Delivery {
            lead: LeadId(Uuid::nil()),
            number: 1,
            recipient: key(recipient),
            tier: String::new(),
            policy: String::new(),
            endpoint: String::new(),
            price: None,
            exclusive: false,
        },
        request: Sealed(Vec::new()),
        holds: Vec::new(),
        turn: Some(take),
        decisions: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// How far the one who had most is ahead of the one who had least.
fn difference(state: &State) -> i64 {
    let counts = state.turns.map(|turn| turn.0 / STEP);
    counts.iter().max().unwrap() - counts.iter().min().unwrap()
}

#[test]
fn whatever_routers_know_nobody_is_ever_two_turns_ahead_and_all_leads_are_dealt() {
    let reached = reach(State::default(), |state| assert!(difference(state) <= 1), |state| steps(state, true));
    assert!(reached.stuck(|state| state.last == LEADS).is_empty());
    assert!(reached.states.len() > 5_000, "{}", reached.states.len());
}

#[test]
fn without_expectations_routers_would_deal_unfairly() {
    let reached = reach(State::default(), |_| {}, |state| steps(state, false));
    assert!(reached.states.iter().any(|state| difference(state) > 1));
}

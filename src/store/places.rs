//! Which reservations fit, given the leases, the places in use and the turns. Pure: each store loads (and locks) these, asks here, and writes the
//! answer.

use std::collections::{BTreeMap, HashMap};

use super::{Hold, Reservation, Reserved, TakeTurn, TurnAt};
use crate::lead::decision::Turn;
use crate::lead::{LeadId, RecipientKey};

/// A recipient and a window.
pub(super) type Place = (RecipientKey, String);

/// A lead that is leased, as the store has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Leased {
    pub epoch: i64,
    /// The number of the delivery that is open.
    pub open: Option<i32>,
    /// The number of the last delivery; 0 for none.
    pub last: i32,
}

/// The turns of a rotation.
#[derive(Clone, Debug, Default)]
pub(super) struct Rotation {
    /// The last sequence number.
    pub last: i64,
    pub turns: HashMap<RecipientKey, Turn>,
}

/// What the store knows of all that a batch names. What is held is counted on.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub leased: HashMap<LeadId, Leased>,
    /// Sums of the amounts that are held.
    pub used: HashMap<Place, i64>,
    pub rotations: HashMap<String, Rotation>,
}

/// Decides reservations in the order given. The turns that a stale one missed are added afterwards, by [`tell_stale`].
///
/// A reservation is lost too when its number is not the next one or when a delivery is open: what the caller knows of the lead is old then, and it
/// must be claimed again.
pub(super) fn decide(reservations: &[Reservation], books: &mut Books) -> Vec<Reserved> {
    reservations.iter().map(|reservation| decide_one(reservation, books)).collect()
}

fn decide_one(reservation: &Reservation, books: &mut Books) -> Reserved {
    let delivery = &reservation.delivery;
    let Some(lead) = books.leased.get_mut(&delivery.lead) else { return Reserved::Lost };
    if lead.epoch != reservation.epoch || lead.open.is_some() || delivery.number != lead.last + 1 {
        return Reserved::Lost;
    }
    if let Some(take) = &reservation.turn {
        let turn = books.rotations.get(&take.rotation).and_then(|rotation| rotation.turns.get(&delivery.recipient));
        // Only somebody who has come further than the router knew has had a turn by another. One who has not come so far has turns of this very
        // router on their way, and is all the more the next. Sequence numbers are dealt in the order of commits, which nobody can foresee.
        if take.expect.is_some_and(|expected| turn.map_or(0, |turn| turn.position) > expected.position) {
            return Reserved::Stale { turns: Vec::new() };
        }
    }
    if let Some(full) = take_places(&reservation.holds, &mut books.used) {
        return full;
    }
    lead.open = Some(delivery.number);
    lead.last = delivery.number;
    Reserved::Held { turn: reservation.turn.as_ref().map(|take| take_turn(take, &delivery.recipient, &mut books.rotations)) }
}

/// Counts all of these, or none and tells which is full.
fn take_places(holds: &[Hold], used: &mut HashMap<Place, i64>) -> Option<Reserved> {
    for (taken, hold) in holds.iter().enumerate() {
        let count = used.entry(place(hold)).or_default();
        match count.checked_add(hold.amount).filter(|sum| *sum <= hold.limit) {
            Some(sum) => *count = sum,
            None => {
                let full = Reserved::Full { window: hold.window.clone(), used: *count };
                for hold in &holds[..taken] {
                    *used.entry(place(hold)).or_default() -= hold.amount;
                }
                return Some(full);
            }
        }
    }
    None
}

pub(super) fn place(hold: &Hold) -> Place {
    (hold.recipient.clone(), hold.window.clone())
}

fn take_turn(take: &TakeTurn, recipient: &RecipientKey, rotations: &mut HashMap<String, Rotation>) -> Turn {
    let rotation = rotations.entry(take.rotation.clone()).or_default();
    let turn = rotation.turns.entry(recipient.clone()).or_default();
    rotation.last = rotation.last.saturating_add(1);
    *turn = Turn { position: turn.position.max(take.floor).saturating_add(take.step), last: rotation.last };
    *turn
}

/// The rotations of which a stale reservation missed turns, with the earliest that is known to one.
pub(super) fn missed<'a>(reservations: &'a [Reservation], answers: &[Reserved]) -> BTreeMap<&'a str, i64> {
    let mut missed = BTreeMap::new();
    for (reservation, answer) in reservations.iter().zip(answers) {
        if let (Some(take), Reserved::Stale { .. }) = (&reservation.turn, answer) {
            let seen = missed.entry(take.rotation.as_str()).or_insert(take.seen);
            *seen = take.seen.min(*seen);
        }
    }
    missed
}

/// Tells each stale reservation what it missed. `turns` has the turns of those rotations, as they are after the batch.
pub(super) fn tell_stale(reservations: &[Reservation], answers: &mut [Reserved], turns: &[TurnAt]) {
    for (reservation, answer) in reservations.iter().zip(answers) {
        if let (Some(take), Reserved::Stale { turns: told }) = (&reservation.turn, answer) {
            *told = turns.iter().filter(|at| at.rotation == take.rotation && at.turn.last > take.seen).cloned().collect();
            told.sort_by_key(|at| at.turn.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::lead::Delivery;
    use crate::store::Sealed;

    const HELD: Reserved = Reserved::Held { turn: None };

    fn lead(number: u128) -> LeadId {
        LeadId(Uuid::from_u128(number))
    }

    fn reservation(lead: LeadId, number: i32, windows: &[(&str, i64, i64)]) -> Reservation {
        let recipient = RecipientKey::agent("a");
        Reservation {
            epoch: 1,
            delivery: Delivery {
                lead,
                number,
                recipient: recipient.clone(),
                tier: "t".into(),
                policy: "p".into(),
                endpoint: "e".into(),
                price: None,
                exclusive: false,
            },
            request: Sealed(Vec::new()),
            holds: windows
                .iter()
                .map(|(window, amount, limit)| Hold {
                    recipient: recipient.clone(),
                    window: (*window).into(),
                    amount: *amount,
                    limit: *limit,
                    keep: false,
                })
                .collect(),
            turn: None,
            decisions: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn books(leads: impl IntoIterator<Item = u128>) -> Books {
        let leased = leads.into_iter().map(|number| (lead(number), Leased { epoch: 1, ..Leased::default() })).collect();
        Books { leased, ..Books::default() }
    }

    fn turn(lead_number: u128, floor: i64, seen: i64, expect: Option<Turn>) -> Reservation {
        let take = TakeTurn { rotation: "p/t".into(), floor, step: 7, seen, expect };
        Reservation { turn: Some(take), ..reservation(lead(lead_number), 1, &[]) }
    }

    fn held(position: i64, last: i64) -> Reserved {
        Reserved::Held { turn: Some(Turn { position, last }) }
    }

    #[test]
    fn what_one_full_window_denies_is_taken_from_no_other() {
        let mut books = books([1, 2]);
        let asked = [reservation(lead(1), 1, &[("day", 1, 5), ("open", 1, 1)]), reservation(lead(2), 1, &[("day", 1, 5), ("open", 1, 1)])];
        assert_eq!(decide(&asked, &mut books), [HELD, Reserved::Full { window: "open".into(), used: 1 }]);
        assert_eq!(books.used[&(RecipientKey::agent("a"), "day".to_owned())], 1);
    }

    #[test]
    fn an_amount_fits_up_to_the_limit_and_no_sum_is_too_great_to_be_told() {
        let asked = |amount, limit| [reservation(lead(1), 1, &[("day/spend", amount, limit)])];
        let answer = |used, amount, limit| {
            let mut books = books([1]);
            books.used.insert((RecipientKey::agent("a"), "day/spend".to_owned()), used);
            decide(&asked(amount, limit), &mut books).remove(0)
        };
        assert_eq!(answer(60, 40, 100), HELD);
        assert_eq!(answer(61, 40, 100), Reserved::Full { window: "day/spend".into(), used: 61 });
        assert_eq!(answer(100, 0, 100), HELD);
        assert_eq!(answer(1, i64::MAX, i64::MAX), Reserved::Full { window: "day/spend".into(), used: 1 });
    }

    #[test]
    fn a_lead_with_an_open_delivery_or_another_number_gets_no_second_one() {
        let mut books = books([]);
        books.leased.insert(lead(1), Leased { epoch: 1, open: None, last: 1 });
        let asked =
            [reservation(lead(1), 1, &[]), reservation(lead(1), 2, &[]), reservation(lead(1), 3, &[]), reservation(lead(2), 1, &[])];
        assert_eq!(decide(&asked, &mut books), [Reserved::Lost, HELD, Reserved::Lost, Reserved::Lost]);
    }

    #[test]
    fn a_turn_starts_at_the_floor_or_where_the_recipient_was() {
        let mut books = books([1, 2]);
        books.rotations.insert("p/t".into(), Rotation { last: 4, turns: HashMap::new() });
        assert_eq!(decide(&[turn(1, 100, 0, None), turn(2, 100, 0, None)], &mut books), [held(107, 5), held(114, 6)]);
    }

    #[test]
    fn of_two_that_expect_the_same_turn_the_second_is_stale_and_takes_nothing() {
        let mut books = books([1, 2, 3]);
        let mut second = turn(2, 0, 0, Some(Turn::default()));
        second.holds = reservation(lead(2), 1, &[("day", 1, 5)]).holds;
        let third = turn(3, 0, 1, Some(Turn { position: 7, last: 1 }));
        let asked = [turn(1, 0, 0, Some(Turn::default())), second, third];
        let mut answers = decide(&asked, &mut books);
        assert_eq!(answers, [held(7, 1), Reserved::Stale { turns: Vec::new() }, held(14, 2)]);
        assert!(books.used.is_empty() && books.leased[&lead(2)].open.is_none());
        assert_eq!(missed(&asked, &answers), BTreeMap::from([("p/t", 0)]));
        let at = |rotation: &str, last| TurnAt {
            rotation: rotation.into(),
            recipient: RecipientKey::agent("a"),
            turn: Turn { position: 14, last },
        };
        tell_stale(&asked, &mut answers, &[at("p/t", 2), at("p/u", 1), at("p/t", 1), at("p/t", 0)]);
        assert_eq!(answers[1], Reserved::Stale { turns: vec![at("p/t", 1), at("p/t", 2)] });
    }

    #[test]
    fn a_full_window_uses_up_no_turn() {
        let mut books = books([1, 2]);
        let mut denied = turn(1, 0, 0, Some(Turn::default()));
        denied.holds = reservation(lead(1), 1, &[("day", 1, 0)]).holds;
        let answers = decide(&[denied, turn(2, 0, 0, Some(Turn::default()))], &mut books);
        assert_eq!(answers, [Reserved::Full { window: "day".into(), used: 0 }, held(7, 1)]);
    }
}

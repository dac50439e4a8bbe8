//! What is known at once is what would be found by asking everything afresh.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Standing;
use crate::flow::decide::Left;
use crate::flow::decide::tape::{self, Replaying};
use crate::flow::decide::tests::random::{self, Dice};
use crate::flow::decide::{Full, World};
use crate::lead::RecipientKey;
use crate::lead::decision::Turn;
use crate::store::{Hold, TakeTurn, TurnAt, Used};
use crate::table::Table;
use crate::table::bits::Bits;
use crate::table::recipient::Terms;

/// What is used, by recipient and window.
type Counted = HashMap<(RecipientKey, String), i64>;

struct Assigned {
    key: RecipientKey,
    holds: Vec<Hold>,
    turn: Option<TakeTurn>,
}

fn check(standing: &mut Standing, table: &Table, counted: &Counted, now: Timestamp, dice: &mut Dice) {
    let all = Left::of(&Bits::all(table.recipients.len()));
    assert_eq!(standing.away(&all), tape::away(table, &all, now));
    let grade = [None, Some("A"), Some("B")][dice.below(3) as usize];
    let terms = Terms { grade, exclusive: dice.one_in(2) };
    let mut full = Vec::new();
    for (number, recipient) in (0..).zip(table.recipients.iter()) {
        let mut afresh = Replaying::of(table, now, &[]);
        assert_eq!(standing.back(number), afresh.back(number), "{} at {now}", recipient.key);
        let mut found = None;
        for (place, limit) in recipient.limits.iter().enumerate() {
            assert_eq!(standing.elapsed(number, place), afresh.elapsed(number, place), "{} at {now}", recipient.key);
            let window = limit.window(&recipient.availability.zone, now);
            let used = counted.get(&(recipient.key.clone(), limit.label(&window))).copied().unwrap_or(0);
            assert_eq!(standing.used(number, place), used, "{} of {} at {now}", limit.label(&window), recipient.key);
            let room = limit.allowed(&window, &recipient.availability, now) - recipient.amount(limit, terms);
            if limit.is_limited() && used > room && found.is_none() {
                found = Some(Full { number, limit: place, used });
            }
        }
        full.extend(found);
    }
    let mut amount = |number: u32, limit: usize| {
        let recipient = &table.recipients[number as usize];
        recipient.amount(&recipient.limits[limit], terms)
    };
    assert_eq!(World::full(standing, &all, &mut amount), full, "at {now}");
}

fn count(counted: &mut Counted, holds: &[Hold], sign: i64) {
    for hold in holds {
        let used = counted.entry((hold.recipient.clone(), hold.window.clone())).or_default();
        *used = (*used + sign * hold.amount).max(0);
    }
}

fn assign(standing: &mut Standing, table: &Table, now: Timestamp, dice: &mut Dice) -> Assigned {
    let number = dice.below(table.recipients.len() as u64) as u32;
    let recipient = &table.recipients[number as usize];
    let tier = &table.policies[0].tiers[0];
    let turn = standing.turn_for(tier, number);
    let holds = recipient.holds(now, Terms { grade: dice.one_in(2).then_some("A"), exclusive: dice.one_in(3) });
    let before = standing.turn(&tier.rotation, number);
    standing.assume(&recipient.key, &holds, Some(&turn));
    let after = standing.turn(&tier.rotation, number);
    assert_eq!(after.position, before.position.max(turn.floor) + turn.step);
    assert_eq!(after.last, turn.seen + 1);
    Assigned { key: recipient.key.clone(), holds, turn: Some(turn) }
}

#[test]
fn what_is_known_is_what_asking_everything_afresh_would_say() {
    for seed in 2000..2120 {
        let mut dice = Dice(seed);
        let table: Arc<Table> = random::table(&mut dice);
        if table.recipients.is_empty() || table.policies.is_empty() {
            continue;
        }
        let mut now = random::moment(&mut dice);
        let mut standing = Standing::new(Arc::clone(&table), now);
        let (mut counted, mut assigned) = (Counted::new(), Vec::new());
        check(&mut standing, &table, &counted, now, &mut dice);
        for _ in 0..60 {
            match dice.below(7) {
                0 | 1 => {
                    now = standing.advance(now + SignedDuration::from_secs(dice.below(30_000) as i64));
                }
                2 | 3 => {
                    let one = assign(&mut standing, &table, now, &mut dice);
                    count(&mut counted, &one.holds, 1);
                    assigned.push(one);
                }
                4 => {
                    let Some(Assigned { key, holds, turn }) = assigned.pop() else { continue };
                    if dice.one_in(2) {
                        standing.release(&key, &holds);
                        let back: Vec<Hold> = holds.into_iter().filter(|hold| !hold.keep).collect();
                        count(&mut counted, &back, -1);
                    } else {
                        standing.never_mind(&key, &holds, turn.as_ref());
                        count(&mut counted, &holds, -1);
                    }
                }
                5 => {
                    counted.retain(|_, _| dice.one_in(2));
                    let used = counted.iter().map(|((recipient, window), count)| Used {
                        recipient: recipient.clone(),
                        window: window.clone(),
                        count: *count,
                    });
                    standing.refresh(now, &used.collect::<Vec<_>>(), Vec::new());
                }
                _ => {
                    let Some(Assigned { holds, .. }) = assigned.last() else { continue };
                    let Some(hold) = holds.iter().find(|hold| hold.limit < i64::MAX) else { continue };
                    standing.full(&hold.recipient, &hold.window, hold.limit);
                    counted.insert((hold.recipient.clone(), hold.window.clone()), hold.limit);
                }
            }
            check(&mut standing, &table, &counted, now, &mut dice);
        }
    }
}

#[test]
fn a_turn_that_was_never_taken_leaves_no_trace() {
    for seed in 3000..3050 {
        let mut dice = Dice(seed);
        let table = random::table(&mut dice);
        if table.recipients.is_empty()
            || table.policies.first().is_none_or(|policy| !policy.tiers[0].method.order().is_some_and(|order| order.takes_turns()))
        {
            continue;
        }
        let now = random::moment(&mut dice);
        let mut standing = Standing::new(Arc::clone(&table), now);
        (0..dice.below(9)).for_each(|_| drop(assign(&mut standing, &table, now, &mut dice)));
        let rotation = table.policies[0].tiers[0].rotation.clone();
        let known =
            |standing: &mut Standing| (0..table.recipients.len() as u32).map(|number| standing.turn(&rotation, number)).collect::<Vec<_>>();
        let before = known(&mut standing);
        let one = assign(&mut standing, &table, now, &mut dice);
        standing.never_mind(&one.key, &one.holds, one.turn.as_ref());
        assert_eq!(known(&mut standing), before);
        assert_eq!(standing.turn_for(&table.policies[0].tiers[0], 0).seen, before.iter().map(|turn| turn.last).max().unwrap_or(0));
    }
}

#[test]
fn an_answer_of_the_store_about_an_earlier_turn_takes_no_later_one_back() {
    let mut dice = Dice(7);
    let table = std::iter::repeat_with(|| random::table(&mut dice))
        .find(|table| table.recipients.len() > 1 && !table.policies.is_empty())
        .expect("such a table");
    let now = random::moment(&mut dice);
    let mut standing = Standing::new(Arc::clone(&table), now);
    let (tier, key) = (&table.policies[0].tiers[0], table.recipients[0].key.clone());
    for _ in 0..2 {
        let turn = standing.turn_for(tier, 0);
        standing.assume(&key, &[], Some(&turn));
    }
    let known = standing.turn(&tier.rotation, 0);
    let first = Turn { position: known.position / 2, last: 1 };
    standing.turned(vec![TurnAt { rotation: tier.rotation.clone(), recipient: key, turn: first }]);
    assert_eq!(standing.turn(&tier.rotation, 0), known);
}

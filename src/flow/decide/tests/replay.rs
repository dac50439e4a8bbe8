//! What holds for any rules, any lead and any moment.

use std::sync::Arc;

use super::house::Router;
use super::random::{self, Dice};
use crate::flow::decide::{Question, again, decide_by, shadows};
use crate::lead::decision::TakenIn;
use crate::lead::{Decision, Lead, RecipientKey};
use crate::table::Table;

/// Sets of rules.
const TABLES: u64 = 200;
/// Leads decided under each.
const LEADS: u64 = 56;
/// How often each is decided again.
const AGAIN: u64 = 50;

/// Decides by random rules, under two threads; `check` sees each decision.
fn decided(leads: u64, check: impl Fn(&Arc<Table>, &Lead, &Decision, u64) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let check = &check;
            scope.spawn(move || {
                for seed in (0..TABLES).filter(|seed| seed % 2 == half) {
                    let mut dice = Dice(seed);
                    let table = random::table(&mut dice);
                    let mut now = random::moment(&mut dice);
                    let mut router = random::router(&mut dice, &table, now);
                    for number in 0..leads {
                        if dice.one_in(10) {
                            now += jiff::SignedDuration::from_secs(dice.below(20_000) as i64);
                            router = random::router(&mut dice, &table, now);
                        }
                        let lead = random::lead(&mut dice, now);
                        walk(&mut dice, &mut router, &lead, |decision| check(&table, &lead, decision, number));
                    }
                }
            });
        }
    });
}

/// Asks until the lead has all it gets, or nobody is left; each answers as the dice fall. Returns how many decisions that took.
fn walk(dice: &mut Dice, router: &mut Router, lead: &Lead, mut check: impl FnMut(&Decision)) -> usize {
    router.tried.clear();
    router.taken.clear();
    let mut asked: Vec<RecipientKey> = Vec::new();
    for decisions in 1.. {
        let decision = router.ask(lead);
        check(&decision);
        for policy in shadows(&router.table, lead) {
            let question = Question {
                table: &router.table,
                lead,
                now: router.now,
                tried: &[],
                taken: &[],
                owners: &router.owners,
                unavailable: &router.unavailable,
            };
            check(&decide_by(&question, policy, &mut router.standing));
        }
        let Some(first) = decision.candidates.first() else { return decisions };
        assert!(!asked.contains(&first.recipient), "{} is asked twice", first.recipient);
        asked.push(first.recipient.clone());
        let holds = router.take(&decision, first);
        if dice.one_in(3) {
            router.taken.push(TakenIn { tier: first.tier.clone(), exclusive: first.exclusive });
        } else {
            router.standing.release(&first.recipient, &holds);
        }
        router.tried.push(first.recipient.clone());
        assert!(decisions <= router.table.recipients.len() + 1, "more decisions than recipients");
    }
    unreachable!()
}

#[test]
fn decisions_replay_to_the_same_bytes_from_their_record_a_million_times() {
    let replays = std::sync::atomic::AtomicU64::new(0);
    decided(LEADS, |table, lead, decision, _| {
        let bytes = serde_json::to_string(decision).expect("JSON");
        let record: Decision = serde_json::from_str(&bytes).expect("a record");
        let first = again(table, lead, &record);
        assert_eq!(serde_json::to_string(&first).expect("JSON"), bytes);
        for _ in 1..AGAIN {
            assert!(again(table, lead, &record) == first);
        }
        replays.fetch_add(AGAIN, std::sync::atomic::Ordering::Relaxed);
    });
    let replays = replays.into_inner();
    assert!(replays >= 1_000_000, "{replays}");
}

#[test]
fn every_decision_ends_with_candidates_or_a_reason_and_never_both_and_nobody_is_asked_twice() {
    decided(30, |table, _, decision, _| {
        assert_eq!(decision.candidates.is_empty(), decision.unmatched.is_some());
        assert!(decision.retry_at.is_none() || decision.unmatched.is_some());
        assert!(decision.retry_at.is_none_or(|at| at > decision.inputs.now), "{decision:?}");
        for (place, candidate) in decision.candidates.iter().enumerate() {
            let number = table.numbers[&candidate.recipient];
            let recipient = &table.recipients[number as usize];
            assert!(recipient.availability.is_here(decision.inputs.now), "{} is away", recipient.key);
            assert!(decision.candidates[..place].iter().all(|other| other.recipient != candidate.recipient));
            assert!(!decision.inputs.tried.contains(&candidate.recipient));
        }
    });
}

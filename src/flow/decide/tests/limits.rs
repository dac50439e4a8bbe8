//! No limit is exceeded, whatever time does.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::house::Router;
use super::random::{self, Dice};
use crate::table::Table;
use crate::table::recipient::Limit;

/// What the store would count: by recipient and window.
type Counted = HashMap<(u32, String), i64>;

fn check(table: &Table, router: &Router, counted: &Counted, number: u32) {
    let recipient = &table.recipients[number as usize];
    for limit in recipient.limits.iter().filter(|limit| Limit::is_limited(limit)) {
        let window = limit.window(&recipient.availability.zone, router.now);
        let used = counted.get(&(number, limit.label(&window))).copied().unwrap_or(0);
        let allowed = limit.allowed(&window, &recipient.availability, router.now);
        assert!(used <= allowed, "{} has {used} of {allowed} in {} at {}", recipient.key, limit.label(&window), router.now);
    }
}

#[test]
fn nobody_gets_more_than_its_limits_through_windows_paces_and_clock_changes() {
    let mut assigned = 0;
    for seed in 1000..1100 {
        let mut dice = Dice(seed);
        let table: Arc<Table> = random::table(&mut dice);
        let mut router = random::router(&mut dice, &table, super::house::at("2026-10-30T12:00:00Z"));
        let mut counted = Counted::new();
        for _ in 0..120 {
            if dice.one_in(3) {
                router.goes_to(router.now + SignedDuration::from_secs(dice.below(15_000) as i64));
            }
            let lead = random::lead(&mut dice, router.now);
            let decision = router.ask(&lead);
            let Some(first) = decision.candidates.first() else { continue };
            let number = table.numbers[&first.recipient];
            let holds = router.take(&decision, first);
            let refused = dice.one_in(4);
            if refused {
                router.standing.release(&first.recipient, &holds);
            }
            for hold in holds.into_iter().filter(|hold| hold.keep || !refused) {
                *counted.entry((number, hold.window)).or_default() += hold.amount;
            }
            check(&table, &router, &counted, number);
            assigned += 1;
        }
    }
    assert!(assigned > 2000, "{assigned} leads were assigned");
}

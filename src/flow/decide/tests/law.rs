//! What holds for every decision.

use super::house::{Router, brokerage, lead, names, removed};
use crate::lead::UnmatchedReason;

#[test]
fn the_best_score_of_those_who_match_wins() {
    let decision = Router::new(&brokerage()).ask(&lead("90210", 750_000, "BUYER"));
    assert_eq!(decision.policy.as_deref(), Some("residential"));
    assert_eq!(names(&decision), ["agent/sarah", "agent/tom"]);
    let tier = &decision.tiers[0];
    assert_eq!((tier.members, tier.left), (3, 2));
    assert_eq!(removed(&decision, 0, "accepts home.price_max"), 1);
    assert_eq!(tier.ranked[0].value, 3.0);
}

#[test]
fn who_is_at_capacity_or_cap_is_left_out_and_the_stage_says_so() {
    let table = brokerage();
    let decision = Router::new(&table).used(&[("agent/sarah", "open", 3)]).ask(&lead("90210", 750_000, "BUYER"));
    assert_eq!(names(&decision), ["agent/tom"]);
    assert_eq!(removed(&decision, 0, "open leads"), 1);
    let decision = Router::new(&table).used(&[("agent/sarah", "day:2026-11-22", 5)]).ask(&lead("90211", 750_000, "BUYER"));
    assert_eq!(decision.unmatched, Some(UnmatchedReason::CapsReached));
    assert_eq!(decision.retry_at, Some(super::house::at("2026-11-23T08:00:00Z")), "midnight in Los Angeles");
}

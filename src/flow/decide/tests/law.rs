//! Which policy takes a lead, who is left out, and why nobody is left.

use super::house::{Router, at, brokerage, lead, names, removed};
use crate::flow::decide::{TURN, again, decide_by, shadows};
use crate::lead::decision::{PassedOver, PassedOverWhy, Turn};
use crate::lead::{RecipientKey, UnmatchedReason};
use crate::store::TurnAt;

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
    assert_eq!(decision.retry_at, Some(at("2026-11-23T08:00:00Z")), "midnight in Los Angeles");
}

#[test]
fn a_cap_counts_in_the_recipients_own_month() {
    let decision = Router::new(&brokerage()).used(&[("buyer/acme/small", "month:2026-11", 2)]).ask(&lead("90210", 750_000, "RENTER"));
    assert_eq!(names(&decision)[0], "buyer/acme/large");
    assert_eq!(removed(&decision, 0, "cap month"), 1);
}

#[test]
fn the_next_tier_is_asked_when_the_first_has_nobody() {
    let decision = Router::new(&brokerage()).ask(&lead("10001", 100, "SELLER"));
    assert_eq!(names(&decision), ["agent/vic"]);
    assert_eq!(decision.candidates[0].tier, "anyone");
}

#[test]
fn nobody_matching_is_said_as_such() {
    let decision = Router::new(&brokerage()).ask(&lead("10001", 100, "BUYER"));
    assert_eq!((decision.unmatched, decision.retry_at), (Some(UnmatchedReason::NobodyMatches), None));
}

#[test]
fn who_was_asked_is_not_asked_again() {
    let decision = Router::new(&brokerage()).tried(&["agent/sarah", "agent/tom"]).ask(&lead("90210", 750_000, "BUYER"));
    assert_eq!(decision.unmatched, Some(UnmatchedReason::AllRefused));
}

#[test]
fn a_policy_whose_condition_is_false_is_passed_over_for_the_next() {
    let decision = Router::new(&brokerage()).ask(&lead("90210", 750_000, "RENTER"));
    assert_eq!(decision.policy.as_deref(), Some("rest"));
    assert_eq!(decision.passed_over, [PassedOver { policy: "residential".to_owned(), why: PassedOverWhy::ConditionFalse }]);
}

#[test]
fn a_lead_without_the_field_that_a_condition_reads_is_passed_over() {
    let mut lead = lead("90210", 750_000, "BUYER");
    lead.fields.remove("home.type");
    assert_eq!(Router::new(&brokerage()).ask(&lead).passed_over[0].why, PassedOverWhy::ConditionFailed);
}

#[test]
fn a_tripped_endpoint_takes_its_recipients_out_until_it_may_be_back() {
    let decision = Router::new(&brokerage()).down("crm", Some("2026-11-22T18:00:30Z"), false).ask(&lead("90210", 750_000, "BUYER"));
    assert_eq!(decision.unmatched, Some(UnmatchedReason::EndpointsUnavailable));
    assert_eq!(decision.retry_at, Some(at("2026-11-22T18:00:30Z")));
}

#[test]
fn a_hint_of_another_router_never_takes_the_last_candidates() {
    let mut router = Router::new(&brokerage()).down("crm", Some("2026-11-22T18:00:30Z"), true);
    assert_eq!(names(&router.ask(&lead("90210", 750_000, "BUYER"))), ["agent/sarah", "agent/tom"]);
    assert_eq!(names(&router.ask(&lead("90210", 750_000, "SELLER"))), ["agent/vic"], "with somebody else to go to, the hint is heeded");
}

#[test]
fn turns_read_from_the_store_go_on_where_they_stood() {
    let turn = |name: &str, position, last| TurnAt {
        rotation: "rest/buyers".to_owned(),
        recipient: RecipientKey(name.into()),
        turn: Turn { position, last },
    };
    let turns = vec![turn("buyer/acme/small", 5 * TURN, 9), turn("buyer/acme/large", 4 * TURN, 8)];
    let decision = Router::new(&brokerage()).turns(turns).ask(&lead("10001", 1, "RENTER"));
    assert_eq!(names(&decision)[0], "buyer/acme/large");
}

#[test]
fn a_lead_that_somebody_has_goes_to_no_more_than_the_policy_allows() {
    let mut router = Router::new(&brokerage()).tried(&["buyer/acme/small"]).taken(&["buyers"]);
    assert_eq!(names(&router.ask(&lead("90210", 1, "RENTER")))[0], "buyer/acme/large");
    router = router.taken(&["buyers", "buyers"]);
    assert!(router.ask(&lead("90210", 1, "RENTER")).candidates.is_empty());
    router = router.taken(&["buyers"]);
    router.taken[0].exclusive = true;
    assert!(router.ask(&lead("90210", 1, "RENTER")).candidates.is_empty(), "who has it alone has it alone");
}

#[test]
fn a_shadow_decides_beside_the_live_policy_and_takes_no_leads_from_it() {
    let text = include_str!("../../../../tests/data/decide/brokerage.yaml");
    let table =
        super::house::table(&text.replace("metadata: {name: residential}\nspec:", "metadata: {name: residential}\nspec:\n  mode: Shadow"));
    let lead = lead("90210", 750_000, "BUYER");
    let mut router = Router::new(&table);
    let live = router.ask(&lead);
    assert_eq!((live.policy.as_deref(), live.shadow, live.passed_over.len()), (Some("rest"), false, 0));
    let shadow = shadows(&table, &lead)[0];
    let question = crate::flow::decide::Question {
        table: &table,
        lead: &lead,
        now: router.now,
        tried: &[],
        taken: &[],
        owners: &[],
        unavailable: &router.unavailable,
    };
    let beside = decide_by(&question, shadow, &mut router.standing);
    assert_eq!((beside.policy.as_deref(), beside.shadow), (Some("residential"), true));
    assert_eq!(names(&beside), ["agent/sarah", "agent/tom"]);
    assert_eq!(again(&table, &lead, &beside), beside);
}

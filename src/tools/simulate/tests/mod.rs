//! Reports of hand-made outcomes, and what holds for any.

mod runs;

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::markdown::markdown;
use super::table::table;
use super::*;
use crate::lead::{LeadId, RecipientKey, UnmatchedReason};

fn id(number: u128) -> LeadId {
    LeadId(Uuid::from_u128(number))
}

/// Three recipients, two tiers.
fn roster() -> Roster {
    let mut roster = Roster::default();
    let agents: Vec<_> = ["ann", "bob"].iter().map(|name| roster.recipient(&RecipientKey::agent(name))).collect();
    let contract = roster.recipient(&RecipientKey::contract("acme", "north|east"));
    assert_eq!(roster.currency("USD"), 0);
    roster.tier(TierOf {
        policy: "homes".into(),
        tier: "team".into(),
        method: "Weighted".into(),
        intended: Intended::Shares(vec![(agents[0], 3.0), (agents[1], 1.0)]),
    });
    roster.tier(TierOf { policy: "homes".into(), tier: "buyers".into(), method: "HighestPrice".into(), intended: Intended::None });
    assert_eq!(contract, 2);
    roster
}

fn to(recipient: u32) -> Sale {
    let minor = if recipient == 2 { 4250 } else { 0 };
    Sale { recipient, tier: u32::from(recipient == 2), minor, currency: 0 }
}

fn sold(sales: &[Sale]) -> Outcome<'_> {
    Outcome { sales, unmatched: None, capped: &[] }
}

fn nobody(reason: UnmatchedReason, capped: &[u32]) -> Outcome<'_> {
    Outcome { sales: &[], unmatched: Some(reason), capped }
}

/// Six leads of every kind of change.
fn compared() -> Report {
    let mut count = Count::default();
    let (ann, bob, acme) = ([to(0)], [to(1)], [to(2)]);
    let both = [to(2), to(0)];
    count.lead(id(1), Some(&sold(&ann)), &sold(&ann));
    count.lead(id(2), Some(&sold(&ann)), &sold(&bob));
    count.lead(id(3), Some(&sold(&ann)), &nobody(UnmatchedReason::CapsReached, &[0, 1]));
    count.lead(id(4), Some(&nobody(UnmatchedReason::NobodyMatches, &[])), &sold(&acme));
    count.lead(id(5), Some(&nobody(UnmatchedReason::NoPolicy, &[])), &nobody(UnmatchedReason::NobodyMatches, &[]));
    count.lead(id(6), Some(&sold(&[to(0), to(2)])), &sold(&both));
    count.finish(&roster())
}

#[test]
fn a_comparison_as_table_json_and_markdown() {
    let report = compared();
    insta::assert_snapshot!("compared_table", table(&report));
    insta::assert_snapshot!("compared_markdown", markdown(&report));
    insta::assert_json_snapshot!("compared_json", report);
}

#[test]
fn one_set_of_rules_alone() {
    let mut count = Count::default();
    for number in 0..8 {
        count.lead(id(number), None, &sold(&[to(u32::from(number % 4 == 3))]));
    }
    let report = count.finish(&roster());
    assert_eq!((&report.before, &report.changes), (&None, &None));
    assert_eq!(report.tiers[0].spread, Some(0.0), "three to one, as intended");
    insta::assert_snapshot!("alone_table", table(&report));
    insta::assert_snapshot!("alone_markdown", markdown(&report));
}

#[test]
fn a_report_shows_a_few_leads_and_says_how_many_more_there_are() {
    let mut count = Count::default();
    for number in 0..25 {
        count.lead(id(number), Some(&sold(&[to(0)])), &sold(&[to(1)]));
    }
    let report = count.finish(&roster());
    for text in [table(&report), markdown(&report)] {
        assert!(text.contains("and 15 more\n"), "{text}");
    }
}

#[test]
fn no_leads_make_a_report_too() {
    let report = Count::default().finish(&roster());
    assert!(table(&report).starts_with("0 leads\n"));
    assert_eq!(report.tiers[0].spread, None);
    assert_eq!(report.recipients, []);
}

#[test]
fn both_sides_number_a_recipient_alike() {
    let mut roster = Roster::default();
    let numbers = ["a", "b", "a", "c", "b"].map(|name| roster.recipient(&RecipientKey::agent(name)));
    assert_eq!(numbers, [0, 1, 0, 2, 1]);
}

fn any_outcome() -> impl Strategy<Value = (Vec<u32>, Vec<u32>)> {
    (prop::collection::btree_set(0u32..3, 0..3), prop::collection::vec(0u32..3, 0..3))
        .prop_map(|(sales, capped)| (sales.into_iter().collect(), capped))
}

proptest! {
    #[test]
    fn every_lead_is_counted_once_and_sums_are_those_of_the_parts(leads in prop::collection::vec((any_outcome(), any_outcome()), 0..60)) {
        let mut count = Count::default();
        let (mut moved, mut lost, mut won) = (0, 0, 0);
        for (number, ((old, old_capped), (new, new_capped))) in leads.iter().enumerate() {
            let sales = |numbers: &[u32]| numbers.iter().map(|number| to(*number)).collect::<Vec<_>>();
            let (before, after) = (sales(old), sales(new));
            let reason = |sales: &[Sale]| sales.is_empty().then_some(UnmatchedReason::NobodyMatches);
            let before = Outcome { sales: &before, unmatched: reason(&before), capped: old_capped };
            let after = Outcome { sales: &after, unmatched: reason(&after), capped: new_capped };
            count.lead(id(number as u128), Some(&before), &after);
            let (old, new): (BTreeSet<_>, BTreeSet<_>) = (old.iter().collect(), new.iter().collect());
            match (old.is_empty(), new.is_empty()) {
                (false, false) if old != new => moved += 1,
                (false, true) => lost += 1,
                (true, false) => won += 1,
                _ => {}
            }
        }
        let report = count.finish(&roster());
        let changes = report.changes.clone().unwrap_or_default();
        prop_assert_eq!((changes.moved.count, changes.newly_unmatched.count, changes.newly_matched.count), (moved, lost, won));
        for (totals, part) in [(report.before.clone().unwrap_or_default(), 0), (report.after.clone(), 1)] {
            prop_assert_eq!(totals.matched + totals.unmatched.values().sum::<u64>(), leads.len() as u64);
            let of = |row: &report::Row| if part == 0 { row.before.clone().unwrap_or_default() } else { row.after.clone() };
            prop_assert_eq!(report.recipients.iter().map(|row| of(row).leads).sum::<u64>(), totals.sales);
            prop_assert_eq!(report.recipients.iter().map(|row| of(row).capped).sum::<u64>(), totals.capped);
            let revenue: i64 = report.recipients.iter().flat_map(|row| of(row).revenue.into_values()).map(|amount| amount.0).sum();
            prop_assert_eq!(revenue, totals.revenue.values().map(|amount| amount.0).sum::<i64>());
        }
        prop_assert_eq!(report.tiers.iter().map(|tier| tier.leads).sum::<u64>(), report.after.sales);
        let lines = markdown(&report);
        prop_assert!(lines.lines().filter(|line| line.contains("north")).all(|line| line.contains("north\\|east")), "{}", lines);
    }
}

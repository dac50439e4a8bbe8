//! Leads run through rules.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::folder::documents::ManifestFile;
use crate::folder::read::understand;
use crate::table::{Table, compile};
use crate::tools::posted_leads;

const HOUSE: &str = include_str!("../testdata/house.yaml");
/// A Monday morning in New York.
const MONDAY: &str = "2026-11-23T14:00:00Z";

fn table(text: &str) -> Arc<Table> {
    let (objects, _) = understand(&[ManifestFile { name: "house.yaml".into(), text: text.into() }]).unwrap();
    let (table, rejected) = compile(&objects);
    assert_eq!(rejected, []);
    Arc::new(table)
}

/// The house with one text of it replaced.
fn house(from: &str, to: &str) -> Arc<Table> {
    assert!(HOUSE.contains(from), "{from}");
    table(&HOUSE.replacen(from, to, 1))
}

/// So many leads, a minute apart, each somebody else's.
fn leads(table: &Table, count: usize) -> Vec<crate::lead::Lead> {
    let lines: String = (0..count).map(|number| format!("{{\"email\": \"lead-{number}@example.com\", \"state\": \"NY\"}}\n")).collect();
    read(table, &lines)
}

fn read(table: &Table, lines: &str) -> Vec<crate::lead::Lead> {
    let start: Timestamp = MONDAY.parse().unwrap();
    let at = |before: u64| start.saturating_add(SignedDuration::from_mins(i64::try_from(before).unwrap())).unwrap();
    posted_leads::read(lines, table, at).into_iter().map(|line| line.lead.unwrap()).collect()
}

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

fn got(report: &Report, recipient: &str) -> u64 {
    report.recipients.iter().find(|row| row.recipient == recipient).map_or(0, |row| row.after.leads)
}

#[test]
fn turns_are_taken_over_the_whole_run() {
    let table = house("", "");
    let report = simulate(&table, None, leads(&table, 400), A_DAY);
    assert_eq!((got(&report, "agent/ann"), got(&report, "agent/bob")), (300, 100));
    assert_eq!((report.tiers[0].spread, report.after.matched), (Some(0.0), 400));
}

#[test]
fn caps_hold_and_what_they_keep_away_is_counted() {
    let table = house("weight: 3", "weight: 3\n  caps: [{per: Day, leads: 10}]");
    let report = simulate(&table, None, leads(&table, 100), A_DAY);
    assert_eq!((got(&report, "agent/ann"), got(&report, "agent/bob")), (10, 90));
    let ann = report.recipients.iter().find(|row| row.recipient == "agent/ann").unwrap();
    assert!(ann.after.capped > 80 && report.after.at_cap == 1, "{report:?}");
}

#[test]
fn an_open_lead_takes_a_place_until_the_agent_is_done() {
    let text =
        HOUSE.replacen("weight: 3", "weight: 3\n  capacity: {openLeads: 1}", 1).replacen("weight: 1", "weight: 1\n  paused: true", 1);
    let table = table(&text);
    let hour = SignedDuration::from_hours(1);
    let report = simulate(&table, None, leads(&table, 120), hour);
    assert_eq!(got(&report, "agent/ann"), 26, "one at arrival, then one an hour until a day after the last");
    let report = simulate(&table, None, leads(&table, 120), SignedDuration::from_hours(1000));
    assert_eq!((got(&report, "agent/ann"), report.after.unmatched["CapsReached"]), (1, 119));
}

#[test]
fn whoever_comes_back_to_work_gets_what_waited() {
    let closed = "hours: {weekly: 'Mo-Fr 12:00-18:00'}";
    let text =
        HOUSE.replacen("weight: 3", &format!("weight: 3\n  {closed}"), 1).replacen("weight: 1", &format!("weight: 1\n  {closed}"), 1);
    let table = table(&text);
    let report = simulate(&table, None, leads(&table, 8), A_DAY);
    assert_eq!((report.after.matched, got(&report, "agent/ann")), (8, 6), "they came at nine and waited until noon");
}

#[test]
fn a_known_owner_keeps_the_person() {
    let sticky = "method: {type: Sticky, sticky: {by: [contact.email], otherwise: Weighted}}";
    let table = house("method: {type: Weighted}", sticky);
    let line = "{\"email\": \"same@example.com\", \"state\": \"NY\"}\n";
    let report = simulate(&table, None, read(&table, &line.repeat(40)), A_DAY);
    assert_eq!(report.recipients.len(), 1, "{report:?}");
}

#[test]
fn a_shared_lead_goes_to_as_many_as_the_policy_allows_and_pays_for_each() {
    let table = house("tiers:", "maxRecipients: 2\n  tiers:");
    let report = simulate(&table, None, leads(&table, 10), A_DAY);
    assert_eq!((report.after.matched, report.after.sales), (10, 20));
    let buyers = house("takes: {when: lead.location.state != 'NY'}", "precedence: 5");
    let report = simulate(&buyers, None, leads(&buyers, 10), A_DAY);
    assert_eq!((report.after.sales, report.after.revenue["USD"].0), (10, 42_500));
}

#[test]
fn two_sets_of_rules_are_compared_lead_by_lead() {
    let (before, after) = (house("", ""), house("weight: 3", "weight: 3\n  paused: true"));
    let report = simulate(&after, Some(&before), leads(&before, 40), A_DAY);
    let changes = report.changes.unwrap();
    assert_eq!((changes.moved.count, changes.newly_unmatched.count, changes.newly_matched.count), (30, 0, 0));
    assert_eq!(changes.moved.examples[0].to, ["agent/bob"]);
    let same = simulate(&before, Some(&before), leads(&before, 40), A_DAY).changes.unwrap();
    assert_eq!(same, report::AllChanges::default());
}

#[test]
fn no_leads_and_no_rules_make_reports() {
    let empty = Arc::new(Table::default());
    assert_eq!(simulate(&empty, None, Vec::new(), A_DAY).leads, 0);
    let report = simulate(&empty, Some(&house("", "")), leads(&house("", ""), 4), A_DAY);
    assert_eq!((report.after.unmatched["NoPolicy"], report.changes.unwrap().newly_unmatched.count), (4, 4));
}

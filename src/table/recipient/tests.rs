//! What a recipient counts, and where its clock stands.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::api::exchange::LeadSchema;
use crate::api::{Agent, Buyer};
use crate::table::Problem;
use crate::table::schema;
use crate::table::texts::Texts;

fn of_agent(spec: serde_json::Value) -> Result<Recipient, Problem> {
    let json = serde_json::json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": "sarah"}, "spec": spec,
    });
    let object: Agent = serde_json::from_value(json).unwrap();
    let schema = schema::compile(&LeadSchema::default()).unwrap();
    agent(&object, &schema, &mut Texts::default(), &TimeZone::UTC).map(|(recipient, _)| recipient)
}

fn of_contract(contract: serde_json::Value) -> Result<Recipient, Problem> {
    let json = serde_json::json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Buyer", "metadata": {"name": "acme"},
        "spec": {"timeZone": "America/New_York", "contracts": [contract]},
    });
    let object: Buyer = serde_json::from_value(json).unwrap();
    let schema = schema::compile(&LeadSchema::default()).unwrap();
    contracts(&object, &schema, &mut Texts::default(), &TimeZone::UTC).map(|mut made| made.remove(0).0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn holds(recipient: &Recipient, now: &str, terms: Terms<'_>) -> Vec<(String, i64, i64, bool)> {
    recipient.holds(at(now), terms).into_iter().map(|hold| (hold.window, hold.amount, hold.limit, hold.keep)).collect()
}

#[test]
fn a_lead_takes_a_place_in_each_window_of_the_recipients_own_calendar() {
    let agent = of_agent(serde_json::json!({
        "timeZone": "America/Los_Angeles", "caps": [{"per": "Day", "leads": 5}, {"per": "Month", "leads": 50}],
        "capacity": {"openLeads": 3}, "deliverTo": "crm",
    }));
    let expected =
        [("open".to_owned(), 1, 3, false), ("day:2026-11-30".to_owned(), 1, 5, false), ("month:2026-11".to_owned(), 1, 50, false)];
    assert_eq!(holds(&agent.unwrap(), "2026-12-01T07:30:00Z", Terms::default()), expected);
}

#[test]
fn an_agent_without_capacity_has_its_open_leads_counted_all_the_same() {
    let agent = of_agent(serde_json::json!({"deliverTo": "crm"})).unwrap();
    assert_eq!(holds(&agent, "2026-12-01T07:30:00Z", Terms::default()), [("open".to_owned(), 1, i64::MAX, false)]);
}

#[test]
fn money_is_counted_at_the_price_of_the_grade_and_of_exclusivity() {
    let contract = of_contract(serde_json::json!({
        "name": "east", "deliverTo": "crm", "price": {"amount": "42.50", "byGrade": {"A": "60.00"}, "exclusive": "95"},
        "caps": [{"per": "Month", "spend": "20000.00", "leads": 900}, {"per": "Day", "counts": "Sent", "leads": 7}],
    }))
    .unwrap();
    let day = ("day:2026-11-30/sent".to_owned(), 1, 7, true);
    let of =
        |minor| [("month:2026-11".to_owned(), 1, 900, false), ("month:2026-11/spend".to_owned(), minor, 2_000_000, false), day.clone()];
    let now = "2026-12-01T04:30:00Z";
    assert_eq!(holds(&contract, now, Terms::default()), of(4250));
    assert_eq!(holds(&contract, now, Terms { grade: Some("A"), exclusive: false }), of(6000));
    assert_eq!(holds(&contract, now, Terms { grade: Some("A"), exclusive: true }), of(9500));
}

#[test]
fn days_of_the_week_have_their_own_numbers() {
    let agent =
        of_agent(serde_json::json!({"caps": [{"per": "Day", "leads": 5, "leadsOn": {"Sa": 2, "Su": 0}}], "deliverTo": "crm"})).unwrap();
    let of = |day: &str| agent.holds(at(day), Terms::default())[1].limit;
    assert_eq!([of("2026-11-20T12:00:00Z"), of("2026-11-21T12:00:00Z"), of("2026-11-22T12:00:00Z")], [5, 2, 0]);
}

#[test]
fn an_open_lead_weighs_by_its_grade() {
    let agent = of_agent(serde_json::json!({"capacity": {"openWeight": 10, "weightByGrade": {"A": 3}}, "deliverTo": "crm"})).unwrap();
    let weight = |grade| agent.holds(at("2026-11-20T12:00:00Z"), Terms { grade, exclusive: false })[1].amount;
    assert_eq!([weight(Some("A")), weight(Some("B")), weight(None)], [3, 1, 1]);
}

#[test]
fn what_a_cap_cannot_mean_is_a_problem_that_names_its_field() {
    let problem = of_agent(serde_json::json!({"caps": [{"per": "Day", "spend": "5.00"}], "deliverTo": "crm"})).unwrap_err();
    assert_eq!(problem.to_string(), "spec.caps[0].spend: limits money, and nothing is paid: give a `price`, or limit `leads`");
    let problem = of_agent(serde_json::json!({"caps": [{"per": "Total", "leads": 5, "pacing": "Even"}], "deliverTo": "crm"})).unwrap_err();
    assert_eq!(problem.field, "spec.caps[0].pacing");
}

#[test]
fn an_unknown_time_zone_is_a_problem_that_names_its_field() {
    let problem = time_zone(Some("Mars/Olympus"), "spec.timeZone", &TimeZone::UTC).unwrap_err();
    assert_eq!(problem.to_string(), "spec.timeZone: 'Mars/Olympus' is no IANA time zone; write one such as America/New_York");
}

//! Calendar windows at the recipient's own midnight.

use super::*;
use crate::api::exchange::LeadSchema;
use crate::table::schema;

fn agent(zone: &str) -> Recipient {
    let json = serde_json::json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": "sarah"},
        "spec": {"timeZone": zone, "caps": [{"per": "Day", "leads": 5}, {"per": "Month", "leads": 50}], "capacity": {"openLeads": 3}, "deliverTo": "crm"},
    });
    let agent: Agent = serde_json::from_value(json).unwrap();
    Recipient::agent(&agent, &schema::compile(&LeadSchema::default()).unwrap(), &TimeZone::UTC).unwrap().0
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_lead_takes_a_place_in_each_window_of_the_recipients_own_calendar() {
    let windows: Vec<(String, i64)> =
        agent("America/Los_Angeles").holds(at("2026-12-01T07:30:00Z")).into_iter().map(|h| (h.window, h.limit)).collect();
    assert_eq!(windows, [("open".to_owned(), 3), ("day:2026-11-30".to_owned(), 5), ("month:2026-11".to_owned(), 50)]);
}

#[test]
fn an_agent_without_capacity_has_its_open_leads_counted_all_the_same() {
    let mut agent = agent("UTC");
    agent.open_limit = None;
    assert_eq!(agent.holds(at("2026-12-01T07:30:00Z"))[0].limit, i64::MAX);
}

/// The hard dates: a day of 23 hours, days without a midnight, and a day that does not exist.
#[test]
fn windows_end_at_the_first_instant_of_the_next_day_wherever_clocks_jump() {
    for (zone, now, end) in [
        ("America/Los_Angeles", "2026-03-08T20:00:00Z", "2026-03-09T07:00:00Z"),
        ("America/Los_Angeles", "2026-03-08T08:30:00Z", "2026-03-09T07:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03T20:00:00Z", "2018-11-04T03:00:00Z"),
        ("Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"),
        ("Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-28T22:00:00Z"),
        ("Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z"),
    ] {
        assert_eq!(agent(zone).window_end(CapWindow::Day, at(now)), Some(at(end)), "{zone} at {now}");
    }
    assert_eq!(agent("America/New_York").window_end(CapWindow::Month, at("2026-10-31T12:00:00Z")), Some(at("2026-11-01T04:00:00Z")));
}

#[test]
fn an_unknown_time_zone_is_a_problem_that_names_its_field() {
    let problem = time_zone(Some("Mars/Olympus"), "spec.timeZone", &TimeZone::UTC).unwrap_err();
    assert_eq!(problem.to_string(), "spec.timeZone: 'Mars/Olympus' is no IANA time zone; write one such as America/New_York");
}

//! Answers about the recipients of one house.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::judge::{Asked, WhyNot, judge};
use super::text::text;
use crate::flow::decide::{Question, decide};
use crate::flow::standing::Standing;
use crate::folder::documents::ManifestFile;
use crate::folder::read::understand;
use crate::lead::decision::Unavailable;
use crate::lead::{Decision, Lead, LeadId, RecipientKey, Value};
use crate::store::Used;
use crate::table::{Objects, Table, compile};
use crate::tools::explanation::{ShownDelivery, ShownState};

const HOUSE: &str = include_str!("testdata/house.yaml");
/// A Monday morning.
const NOW: &str = "2026-11-23T14:00:00Z";

struct House {
    objects: Objects,
    table: Arc<Table>,
    lead: Lead,
    down: BTreeMap<String, Unavailable>,
    deliveries: Vec<ShownDelivery>,
}

fn house() -> House {
    let (objects, _) = understand(&[ManifestFile { name: "house.yaml".into(), text: HOUSE.into() }]).unwrap();
    let (table, rejected) = compile(&objects);
    assert_eq!(rejected, []);
    let text = |text: &str| Value::Text(text.to_owned());
    let fields = [("location.zip", text("90210")), ("location.state", text("CA")), ("contact.email", text("mary@example.com"))];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let lead = Lead { id: LeadId(Uuid::nil()), source: "website".into(), arrived_at: NOW.parse().unwrap(), fields };
    House { objects, table: Arc::new(table), lead, down: BTreeMap::new(), deliveries: Vec::new() }
}

impl House {
    fn decided(&self) -> Decision {
        let now: Timestamp = NOW.parse().unwrap();
        let mut standing = Standing::new(Arc::clone(&self.table), now);
        let used = Used { recipient: RecipientKey::agent("busy"), window: "open".into(), count: 2 };
        standing.refresh(now, &[used], vec![]);
        let question = Question { table: &self.table, lead: &self.lead, now, tried: &[], taken: &[], owners: &[], unavailable: &self.down };
        decide(&question, &mut standing)
    }

    fn about(&self, recipient: &str) -> WhyNot {
        let decision = self.decided();
        judge(&Asked {
            table: &self.table,
            objects: &self.objects,
            lead: &self.lead,
            decision: Some(&decision),
            deliveries: &self.deliveries,
            recipient: &RecipientKey(recipient.into()),
        })
    }

    fn failed(&self, recipient: &str) -> Vec<String> {
        let failed =
            |answer: WhyNot| answer.tests.into_iter().filter(|test| !test.passed).map(|test| format!("{}: {}", test.test, test.found));
        failed(self.about(recipient)).collect()
    }
}

#[test]
fn each_test_that_fails_is_told_with_what_was_compared() {
    let house = house();
    for (recipient, failed) in [
        ("agent/far", vec!["location.zip is one of 10001, 10002: it is 90210", "home.price is at least 5 and below 9: the lead has none"]),
        ("agent/picky", vec!["takes leads when lead.home.price > 5.0: it can't be told: the lead has no home.price"]),
        ("agent/shy", vec!["contact.email begins with one of bob: a personal value, not shown"]),
        ("agent/late", vec!["takes leads at this time: it is closed until 2026-11-23T20:00:00Z"]),
        ("agent/lazy", vec!["takes leads at this time: it is paused"]),
        ("agent/busy", vec!["has room under open leads: 2 of 2 are used"]),
        ("agent/mute", vec!["has the skill Spanish: it has none"]),
        ("agent/other", vec!["is in a tier or the fallback of policy homes: it is in none"]),
        ("buyer/acme/all", vec!["the tier is asked: earlier tiers had somebody, or an end of the waterfall"]),
    ] {
        assert_eq!(house.failed(recipient), failed, "{recipient}");
    }
}

#[test]
fn a_verdict_is_the_first_failure() {
    let house = house();
    assert_eq!(house.about("agent/far").verdict, "Policy homes: agent/far fails at: location.zip is one of 10001, 10002; it is 90210");
    assert_eq!(house.about("agent/fra").verdict, "The rules have no recipient agent/fra; did you mean agent/far?");
    let second = house.about("agent/second");
    assert_eq!(
        second.verdict,
        "Policy homes, tier team: agent/second fails at: comes first in its tier; it is no. 2: agent/second (priority 1); first is agent/first (priority 9)"
    );
    assert!(house.about("agent/first").verdict.starts_with("agent/first was no. 1 to be asked"));
}

#[test]
fn an_endpoint_that_is_down_and_a_lead_nobody_takes_are_told() {
    let mut house = house();
    house.down.insert("crm".into(), Unavailable { until: None, hint: false });
    assert!(house.failed("agent/first").contains(&"its endpoint crm can be delivered to: it was paused".to_owned()));
    house.lead.source = "elsewhere".into();
    let answer = house.about("agent/first");
    assert_eq!((answer.verdict.as_str(), answer.tests.len()), ("No policy takes the lead", 1));
    let undecided = judge(&Asked {
        table: &house.table,
        objects: &house.objects,
        lead: &house.lead,
        decision: None,
        deliveries: &[],
        recipient: &RecipientKey::agent("first"),
    });
    assert_eq!(undecided.verdict, "The lead has not been decided yet");
}

#[test]
fn whoever_was_asked_is_told_what_came_of_it() {
    let mut house = house();
    house.deliveries.push(ShownDelivery {
        number: 1,
        recipient: RecipientKey::agent("first"),
        policy: "homes".into(),
        tier: "team".into(),
        endpoint: "crm".into(),
        key: String::new(),
        state: ShownState::Refused,
        at: NOW.parse().unwrap(),
        record_id: None,
        price: None,
        attempts: vec![],
    });
    assert_eq!(house.about("agent/first").verdict, "agent/first was asked: it refused the lead");
}

#[test]
fn the_answer_reads_well_and_shows_nothing_personal() {
    let house = house();
    let all: String = ["agent/far", "agent/shy", "agent/second", "agent/busy"].map(|key| text(&house.about(key))).join("\n");
    assert!(!all.contains("mary"), "{all}");
    insta::assert_snapshot!(all);
}

//! The tools that people call.

use std::process::Output;

use serde_json::Value;

use super::installation::Installation;
use super::manifests::{Manifests, POSTGRES, SQLITE};
use super::traffic::lead;
use crate::support::postgres::Postgres;
use crate::support::receiver::Receiver;
use crate::support::{Part, require};

async fn shop(crm: &Receiver, store: &str, database: &str) -> (Manifests, Installation) {
    let values =
        [("$CRM", &*crm.url("")), ("$ATTEMPTS", "3"), ("$OPEN", "30"), ("$AFTER", "Settle"), ("$STORE", store), ("$DATABASE", database)];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    manifests.edit("two_crms.yaml", "{priority: 2, deliverTo: first}", "{priority: 2, deliverTo: first, capacity: {openLeads: 1}}");
    manifests.edit("two_crms.yaml", "{priority: 1, deliverTo: second}", "{priority: 1, deliverTo: second, caps: [{per: Day, leads: 0}]}");
    let installation = Installation::start(&manifests).await;
    (manifests, installation)
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("the tool writes text")
}

#[tokio::test]
async fn explain_tells_why_a_lead_went_where_it_went() {
    let crm = Receiver::start().await;
    let (_manifests, shop) = shop(&crm, SQLITE, "none").await;
    let answered = shop.settle(&lead(1)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");

    let text = shop.tool(&["explain", "latest"]);
    assert!(text.status.success(), "{text:?}");
    for words in [answered.lead(), "Delivered to agent/anna, record id record-1", "cap day", "(personal, not shown)", "90210"] {
        assert!(said(&text).contains(words), "{words:?} in\n{}", said(&text));
    }

    assert!(!said(&text).contains("pat1@example.com"), "{}", said(&text));

    let json = shop.tool(&["explain", answered.lead(), "-o", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("the tool writes JSON");
    assert_eq!(json["lead"], answered.lead());
    assert_eq!(json["deliveries"][0]["recordId"], "record-1");
    assert_eq!(json["deliveries"][0]["attempts"][0]["status"], 201);
    assert_eq!(json["decisions"][0]["candidates"][0]["recipient"], "agent/anna");

    let unknown = shop.tool(&["explain", "01a20122-db44-715f-93ad-167372be09c4"]);
    assert!(!unknown.status.success());
    let error = String::from_utf8_lossy(&unknown.stderr);
    assert!(error.contains("there is no lead 01a20122-db44-715f-93ad-167372be09c4"), "{error}");
}

#[tokio::test]
async fn a_closed_lead_makes_place_for_one_that_waits() {
    let crm = Receiver::start().await;
    let (_manifests, shop) = shop(&crm, SQLITE, "none").await;
    close_makes_place(&crm, &shop).await;
}

#[tokio::test]
async fn a_closed_lead_makes_place_for_one_that_waits_on_postgresql() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let crm = Receiver::start().await;
    let database = Postgres::shared().await.database("tools").await;
    let (_manifests, shop) = shop(&crm, POSTGRES, &database).await;
    close_makes_place(&crm, &shop).await;
}

async fn close_makes_place(crm: &Receiver, shop: &Installation) {
    let first = shop.settle(&lead(1)).await;
    assert_eq!(first.code(), "Delivered", "{first:?}");
    let waiting = shop.settle(&lead(2)).await;
    assert_eq!(waiting.code(), "CapsReached", "{waiting:?}");

    let closed = shop.tool(&["close", first.lead()]);
    assert_eq!(said(&closed), format!("lead {} is closed\n", first.lead()));
    shop.wait_for_standing(waiting.lead(), "Delivered").await;
    assert_eq!((crm.accepted(first.lead()), crm.accepted(waiting.lead())), (1, 1));

    let again = shop.tool(&["close", first.lead()]);
    assert!(!again.status.success());
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains("is not delivered, or closed already"), "{error}");
    assert_eq!(shop.settle(&lead(3)).await.code(), "CapsReached", "closing twice makes one place");
}

//! The rules of a market, by a process that lives by them: owners, grades, budgets, shadows, and leads that are released.

use serde_json::{Value, json};

use super::installation::Installation;
use super::manifests::{Manifests, POSTGRES, SQLITE};
use crate::support::postgres::Postgres;
use crate::support::receiver::Receiver;
use crate::support::{Part, require};

#[tokio::test]
async fn owners_keep_their_people_and_no_budget_is_exceeded() {
    let crm = Receiver::start().await;
    lives_by_its_rules(&crm, SQLITE, "none").await;
}

#[tokio::test]
async fn owners_keep_their_people_and_no_budget_is_exceeded_on_postgresql() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let crm = Receiver::start().await;
    let database = Postgres::shared().await.database("market").await;
    lives_by_its_rules(&crm, POSTGRES, &database).await;
}

fn lead(number: usize, zip: &str, budget: i64) -> Value {
    json!({"contact": {"email": format!("pat{number}@example.com")}, "location": {"zip": zip}, "budget": budget})
}

async fn lives_by_its_rules(crm: &Receiver, store: &str, database: &str) {
    let manifests = Manifests::of(&["shop.yaml", "market.yaml"], &[("$CRM", &*crm.url("")), ("$STORE", store), ("$DATABASE", database)]);
    let mut shop = Installation::start(&manifests).await;
    let recipient = |shop: &Installation, lead: &str| {
        let told = shop.tool(&["explain", lead, "-o", "json"]);
        let told: Value = serde_json::from_slice(&told.stdout).expect("the tool writes JSON");
        told["deliveries"][0]["recipient"].as_str().unwrap_or_default().to_owned()
    };

    // The first of a ZIP goes by turns; who has it keeps the ZIP, also after the process was killed.
    let first = shop.settle(&lead(1, "90210", 5)).await;
    let owner = recipient(&shop, first.lead());
    let other = shop.settle(&lead(2, "10001", 5)).await;
    assert_ne!(recipient(&shop, other.lead()), owner, "turns go round");
    shop.kill();
    shop.launch();
    shop.ready().await;
    for number in 3..6 {
        let next = shop.settle(&lead(number, "90210", 5)).await;
        assert_eq!(recipient(&shop, next.lead()), owner);
    }

    // Leads of grade A cost 25.00, and the budget is 60.00.
    for number in [10, 11] {
        assert_eq!(shop.settle(&lead(number, "90210", 500)).await.code(), "Delivered");
    }
    let beyond = shop.settle(&lead(12, "90210", 500)).await;
    assert_eq!(beyond.code(), "CapsReached", "{beyond:?}");
    let why = shop.tool(&["why-not", beyond.lead(), "acme/graded"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("50") && why.contains("60"), "the values compared: {why}");

    // The shadow decided beside, and delivered nothing.
    let told = shop.tool(&["explain", beyond.lead(), "-o", "json"]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("the tool writes JSON");
    let shadow = told["decisions"].as_array().and_then(|all| all.iter().find(|one| one["shadow"] == true)).expect("the shadow's decision");
    assert_eq!(shadow["policy"], "idea");

    // Released by hand it finds no more room than before; with a larger budget it goes by itself.
    let released = shop.tool(&["release", beyond.lead()]);
    assert!(released.status.success(), "{released:?}");
    shop.wait_for_standing(beyond.lead(), "CapsReached").await;
    assert_eq!(crm.accepted(beyond.lead()), 0);
    manifests.edit("market.yaml", r#"spend: "60.00""#, r#"spend: "80.00""#);
    shop.wait_for_standing(beyond.lead(), "Delivered").await;
    assert_eq!(recipient(&shop, beyond.lead()), "buyer/acme/graded");
}

//! Decisions on record, decided again from what the store remembers.

use std::collections::BTreeSet;

use leadflow::flow::{decide, envelope};
use leadflow::store::Store;
use leadflow::store::seal::Sealer;
use leadflow::store::sqlite::SqliteStore;
use leadflow::table::{compile, digest};

use super::installation::Installation;
use super::manifests::Manifests;
use super::traffic::lead;
use crate::support::receiver::{Receiver, Reply};

#[tokio::test]
async fn decisions_on_record_come_out_the_same_to_the_byte_under_the_rules_of_then() {
    let crm = Receiver::start().await;
    crm.script("/first", [Reply::status(422).times(5), Reply::accept()]);
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "1"), ("$OPEN", "1"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let mut shop = Installation::start(&manifests).await;
    for number in 0..10 {
        shop.settle(&lead(number)).await;
    }
    let digest = shop.digest().await;
    manifests.edit(
        "two_crms.yaml",
        "method: {type: Priority}",
        "method: {type: Score, score: {expression: recipient.priority * 0.5 - recipient.load}}",
    );
    shop.wait_for_rules_after(&digest).await;
    manifests.edit("two_crms.yaml", "{priority: 2, deliverTo: first}", "{priority: 2, deliverTo: first, capacity: {openLeads: 3}}");
    for number in 10..20 {
        shop.settle(&lead(number)).await;
    }
    shop.end().await;

    let (_, secrets) = leadflow::folder::read(manifests.path()).unwrap();
    let sealer = Sealer::new(secrets.entries("leadflow-keys").unwrap()).unwrap();
    let store = SqliteStore::open(shop.database()).unwrap();
    let (mut decisions, mut digests) = (0, BTreeSet::new());
    for id in shop.leads() {
        let file = store.lead(id).await.unwrap().expect("the lead is on record");
        let kept = envelope::open(&sealer, id, &file.sealed).unwrap();
        for decision in file.decisions {
            let record = store.rules(&decision.rules).await.unwrap().expect("the rules are on record");
            let (table, rejected) = compile(&digest::objects(&record).unwrap());
            assert_eq!((table.digest.as_str(), rejected.len()), (decision.rules.as_str(), 0));
            let again = decide::again(&table, &kept.lead, &decision);
            assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&decision).unwrap());
            decisions += 1;
            digests.insert(decision.rules);
        }
    }
    assert!(decisions >= 20 && digests.len() >= 2, "{decisions} decisions under {} rules", digests.len());
}

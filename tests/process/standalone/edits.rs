//! Manifests and Secrets that change while the process runs.

use serde_json::json;

use super::installation::{Answered, Installation, KEY};
use super::manifests::Manifests;
use super::traffic::lead;
use crate::support::receiver::Receiver;

async fn shop(crm: &Receiver) -> (Manifests, Installation) {
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "3"), ("$OPEN", "30"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let installation = Installation::start(&manifests).await;
    (manifests, installation)
}

/// To which path the lead of a number went.
async fn goes_to(shop: &Installation, crm: &Receiver, number: usize) -> String {
    let answered = shop.settle(&lead(number)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");
    crm.seen().pop().expect("the lead was delivered").path
}

#[tokio::test]
async fn an_edited_manifest_changes_who_gets_the_next_lead() {
    let crm = Receiver::start().await;
    let (manifests, shop) = shop(&crm).await;
    assert_eq!(goes_to(&shop, &crm, 1).await, "/first");
    let digest = shop.digest().await;
    manifests.edit("two_crms.yaml", "priority: 2", "priority: 0");
    shop.wait_for_rules_after(&digest).await;
    assert_eq!(goes_to(&shop, &crm, 2).await, "/second");
}

#[tokio::test]
async fn a_broken_edit_keeps_the_last_good_rules_and_says_what_is_wrong_until_it_is_mended() {
    let crm = Receiver::start().await;
    let (manifests, shop) = shop(&crm).await;
    let mut numbers = 1..;
    let broken = [
        ("kind: RoutingPolicy", "kind: [RoutingPolicy", ["two_crms.yaml", "", ""]),
        ("priority: 2,", "prioritie: 2,", ["two_crms.yaml", "Agent/anna", "spec.prioritie"]),
        (
            "      to: {agents: {}}",
            "      to: {agents: {}}\n      when: lead.budget >",
            ["two_crms.yaml", "RoutingPolicy/in-order", "spec.tiers[0].when"],
        ),
        ("deliverTo: first", "deliverTo: third", ["two_crms.yaml", "Agent/anna", "spec.deliverTo"]),
    ];
    for (from, to, told) in broken {
        let digest = shop.digest().await;
        let said = shop.log().len();
        let good = manifests.edit("two_crms.yaml", from, to);
        let says_so = |line: &str| line.contains(r#""level":"ERROR""#) && told.iter().all(|word| line.contains(word));
        shop.wait(&format!("does not tell of {told:?}"), async || shop.log()[said..].lines().any(says_so)).await;
        assert_eq!(shop.digest().await, digest, "the last good rules stay");
        assert_eq!(goes_to(&shop, &crm, numbers.next().unwrap()).await, "/first");

        // Mended, and in force: a change that shows.
        manifests.write("two_crms.yaml", &good.replace("priority: 2", "priority: 0"));
        shop.wait_for_rules_after(&digest).await;
        assert_eq!(goes_to(&shop, &crm, numbers.next().unwrap()).await, "/second");
        let digest = shop.digest().await;
        manifests.write("two_crms.yaml", &good);
        shop.wait_for_rules_after(&digest).await;
    }
}

#[tokio::test]
async fn a_rotated_key_works_and_the_old_one_does_not() {
    let crm = Receiver::start().await;
    let (manifests, shop) = shop(&crm).await;
    let post = async |number: usize, key: &str| {
        let posted = shop.client().post(shop.url("/v1/sources/web/leads")).header("authorization", format!("Bearer {key}"));
        Answered::of(posted.json(&lead(number)).send().await.unwrap()).await.status.as_u16()
    };
    assert_eq!([post(1, KEY).await, post(2, "the-next-key").await], [202, 401]);
    manifests.edit("shop.yaml", "{current: key-of-the-web-form}", "{current: key-of-the-web-form, next: the-next-key}");
    shop.wait("does not take the new key", async || post(2, "the-next-key").await != 401).await;
    assert_eq!(post(3, KEY).await, 202, "both keys are valid");
    manifests.edit("shop.yaml", "{current: key-of-the-web-form, next: the-next-key}", "{next: the-next-key}");
    shop.wait("takes the old key", async || post(4, KEY).await == 401).await;
    assert_eq!(post(5, "the-next-key").await, 202);
}

#[tokio::test]
async fn an_unmatched_lead_is_delivered_when_somebody_is_added_who_takes_it() {
    let crm = Receiver::start().await;
    let (manifests, shop) = shop(&crm).await;
    manifests.edit(
        "two_crms.yaml",
        "{priority: 2, deliverTo: first}",
        "{priority: 2, deliverTo: first, accepts: [{field: location.zip, in: ['10001']}]}",
    );
    let digest = shop.digest().await;
    manifests.edit(
        "two_crms.yaml",
        "{priority: 1, deliverTo: second}",
        "{priority: 1, deliverTo: second, accepts: [{field: location.zip, in: ['10001']}]}",
    );
    shop.wait_for_rules_after(&digest).await;
    shop.wait("takes other leads", async || shop.log().lines().filter(|line| line.contains("rules are in force")).count() >= 2).await;
    let mut unmatched = lead(1);
    unmatched["location"] = json!({"zip": "60601"});
    let answered = shop.settle(&unmatched).await;
    assert_eq!(answered.code(), "NobodyMatches", "{answered:?}");
    manifests.write("cara.yaml", "apiVersion: leadflow.dev/v1alpha1\nkind: Agent\nmetadata: {name: cara}\nspec: {deliverTo: second}\n");
    shop.wait_for_standing(answered.lead(), "Delivered").await;
    assert_eq!(crm.accepted(answered.lead()), 1);
    shop.wait_for_metric(r#"leadflow_lead_seconds_count{held="yes"}"#, 1.0).await;
}

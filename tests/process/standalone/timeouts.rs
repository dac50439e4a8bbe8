//! The CRM takes a lead, and the connection breaks before the answer.

use super::installation::{Installation, PATIENCE};
use super::manifests::Manifests;
use super::traffic::lead;
use crate::support::receiver::{Outcome, Receiver, Reply};

async fn shop(crm: &Receiver, attempts: &str, after: &str) -> (Manifests, Installation) {
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", attempts), ("$OPEN", "30"), ("$AFTER", after)];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let installation = Installation::start(&manifests).await;
    (manifests, installation)
}

#[tokio::test]
async fn a_lead_whose_answer_was_lost_is_repeated_word_for_word_and_offered_to_nobody_else() {
    let crm = Receiver::start().await;
    crm.script("/first", [Reply::accept().then_drop().times(1), Reply::accept()]);
    let (_manifests, shop) = shop(&crm, "3", "Settle").await;
    let answered = shop.settle(&lead(1)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");
    let seen = crm.seen_at("/first");
    assert_eq!(seen.len(), 2);
    assert!(seen[0].idempotency_key().is_some() && seen[0].idempotency_key() == seen[1].idempotency_key());
    assert_eq!(seen[0].body, seen[1].body);
    assert!(matches!(seen[1].outcome, Outcome::Replayed(_)));
    assert_eq!((crm.accepted(answered.lead()), crm.seen_at("/second").len()), (1, 0));
}

#[tokio::test]
async fn a_lead_stays_with_its_candidate_until_that_one_answers_however_often_it_is_tried() {
    let crm = Receiver::start().await;
    // More lost answers than one round of tries has.
    crm.script("/first", [Reply::accept().then_drop().times(1), Reply::drop_connection().times(3), Reply::accept()]);
    let (_manifests, shop) = shop(&crm, "2", "Settle").await;
    let answered = shop.settle(&lead(1)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");
    assert_eq!(crm.seen_at("/first").len(), 5);
    assert_eq!((crm.accepted(answered.lead()), crm.seen_at("/second").len()), (1, 0));
    assert!(crm.reused_keys().is_empty());
}

#[tokio::test]
async fn where_the_policy_says_so_a_lead_whose_answer_was_lost_goes_to_the_next_candidate() {
    let crm = Receiver::start().await;
    crm.script("/first", [Reply::accept().then_drop()]);
    let (_manifests, shop) = shop(&crm, "2", "NextCandidate").await;
    let answered = shop.settle(&lead(1)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");
    assert_eq!((crm.seen_at("/first").len(), crm.seen_at("/second").len()), (2, 1));
    crm.wait_for_accepted(2, PATIENCE).await;
}

//! SIGTERM.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::books::Books;
use super::installation::{Answered, Installation, KEY, PATIENCE};
use super::manifests::Manifests;
use super::traffic::{Form, lead};
use crate::support::receiver::{Receiver, Reply};

#[tokio::test]
async fn sigterm_answers_the_posts_and_ends_the_deliveries_that_were_begun() {
    let crm = Receiver::start().await;
    // Long enough that the process is told to end while the CRM thinks.
    crm.script("/first", [Reply::accept().after(Duration::from_secs(2))]);
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "1"), ("$OPEN", "30"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let mut shop = Installation::start(&manifests).await;

    // A lead on its way to the CRM, whose source waits for the outcome; and a post of which half is there.
    let waiting = tokio::spawn(shop.post(&lead(1)).header("prefer", "wait=30").send());
    let body = lead(2).to_string();
    let (half, rest) = body.split_at(body.len() / 2);
    let mut slow = TcpStream::connect(shop.address()).await.unwrap();
    let head = format!(
        "POST /v1/sources/web/leads HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{half}",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    crm.wait_for_requests(1, PATIENCE).await;

    shop.process().signal(libc::SIGTERM);
    shop.process().wait_for_log("draining", PATIENCE).await;
    slow.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let waited = Answered::of(waiting.await.unwrap().unwrap()).await;
    assert!([200, 202].contains(&waited.status.as_u16()), "{waited:?}");
    let status = shop.process().wait(PATIENCE).await;
    assert!(status.success(), "{status}\n{}", shop.process().tail());

    // The first was delivered before the end; the second is safe.
    let books = Books::of_file(&shop.database());
    assert_eq!(books.leads.len(), 2);
    let first = books.leads.iter().find(|(id, _)| id.to_string() == waited.lead()).expect("the lead is on record");
    assert_eq!((first.1.0.as_str(), crm.accepted(waited.lead())), ("delivered", 1));
    shop.launch();
    shop.ready().await;
    shop.wait_for_metric("leadflow_queue_depth", 0.0).await;
    crm.wait_for_accepted(2, PATIENCE).await;
    assert_eq!(crm.accepted_total(), 2);
}

#[tokio::test]
async fn an_idempotency_key_is_known_after_a_restart() {
    let crm = Receiver::start().await;
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "1"), ("$OPEN", "30"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let mut shop = Installation::start(&manifests).await;
    let form = Form::of(&shop);
    let first = form.insist(&lead(1), "a-key").await;
    shop.end().await;
    shop.launch();
    shop.ready().await;
    assert_eq!(form.insist(&lead(1), "a-key").await, first);
    let other = shop.post(&lead(2)).header("idempotency-key", "a-key").send().await.unwrap();
    let other = Answered::of(other).await;
    assert_eq!((other.status.as_u16(), other.code()), (422, "IdempotencyKeyReused"));
}

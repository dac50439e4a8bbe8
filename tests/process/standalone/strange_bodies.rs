//! Ten thousand bodies that no form sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Client;
use tokio::task::JoinSet;

use super::books::Books;
use super::installation::{Installation, KEY};
use super::manifests::Manifests;
use super::traffic::{Chance, lead};
use crate::support::receiver::Receiver;

const BODIES: usize = 10_000;
const CONNECTIONS: usize = 64;

/// Pieces that a parser may stumble over.
const PIECES: [&str; 26] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-0",
    "1e999",
    "0.1E-400",
    "\"contact\"",
    "\"contact.email\"",
    "contact[email]=",
    "a@example.com",
    "&",
    "=",
    "%00",
    "%FF",
    "\u{202e}",
    "location.zip=90210",
    "\u{0}",
];

const TYPES: [&str; 5] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-8",
    "text/plain",
    "multipart/form-data; boundary=x",
];

/// A body: a lead with some bytes changed, pieces in a row, or bytes.
fn body(number: usize, chance: &mut Chance) -> Vec<u8> {
    let valid = lead(number).to_string().into_bytes();
    match number % 4 {
        0 => (0..chance.below(300)).map(|_| chance.below(256) as u8).collect(),
        1 => (0..chance.below(60)).flat_map(|_| PIECES[chance.below(PIECES.len())].bytes().collect::<Vec<_>>()).collect(),
        2 => changed(valid, chance),
        _ => deep(valid, chance),
    }
}

fn changed(mut body: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(body.len());
        match chance.below(3) {
            0 => body[at] = chance.below(256) as u8,
            1 => body.truncate(at.max(1)),
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                body.splice(at..at, piece.bytes());
            }
        }
    }
    body
}

/// A lead inside of many objects and lists, perhaps not closed.
fn deep(body: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    let levels = chance.below(400);
    let list = chance.below(2) == 0;
    let (open, close): (&[u8], &[u8]) = if list { (b"[", b"]") } else { (b"{\"a\":", b"}") };
    let closed = levels.saturating_sub(chance.below(2));
    [open.repeat(levels), body, close.repeat(closed)].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_strange_bodies_are_refused_and_leave_nothing_behind() {
    let crm = Receiver::start().await;
    let values = [("$CRM", &*crm.url("")), ("$ATTEMPTS", "3"), ("$OPEN", "30"), ("$AFTER", "Settle")];
    let manifests = Manifests::of(&["shop.yaml", "two_crms.yaml"], &values);
    let mut shop = Installation::start(&manifests).await;
    let next = Arc::new(AtomicUsize::new(0));
    let mut posters = JoinSet::new();
    for _ in 0..CONNECTIONS {
        posters.spawn(post_all(shop.client().clone(), shop.url("/v1/sources/web/leads"), next.clone()));
    }
    let (taken, refused) = posters.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(taken + refused, BODIES);
    assert!(taken < BODIES / 10 && refused > BODIES * 9 / 10, "{taken} were valid");
    // It still works, and what it has is what it has said that it has.
    let answered = shop.settle(&lead(BODIES)).await;
    assert_eq!(answered.code(), "Delivered", "{answered:?}");
    shop.wait_for_metric("leadflow_queue_depth", 0.0).await;
    assert!(!shop.log().contains("panic"), "nothing panicked");
    shop.end().await;
    let books = Books::of_file(&shop.database());
    assert_eq!(books.leads.len(), taken + 1);
    assert_eq!(books.accepted().len(), books.count("delivered"));
    books.check_places();
}

/// Returns how many were taken and how many refused.
async fn post_all(client: Client, url: String, next: Arc<AtomicUsize>) -> (usize, usize) {
    let (mut taken, mut refused) = (0, 0);
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= BODIES {
            return (taken, refused);
        }
        // Each body has a seed of its own, so that it is the same whoever posts it.
        let mut chance = Chance::new((number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let body = body(number, &mut chance);
        // Bytes and pieces as either format, changed leads as JSON, and some of each as something else.
        let kind = if number % 10 == 9 { TYPES[chance.below(TYPES.len())] } else { TYPES[(number % 4 < 2 && number % 8 >= 4) as usize] };
        let shown = String::from_utf8_lossy(&body).into_owned();
        let request = client.post(&url).header("x-api-key", KEY).header("content-type", kind).body(body);
        let answer = request.send().await.unwrap_or_else(|error| panic!("no answer to body {number}, {shown:?}: {error}"));
        match answer.status().as_u16() {
            200 | 202 => taken += 1,
            400..=499 => refused += 1,
            status => panic!("{status} to body {number}, {shown:?}"),
        }
    }
}

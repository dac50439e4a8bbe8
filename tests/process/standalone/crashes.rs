//! Two thousand leads, and whatever can be killed is killed, twenty times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::books::Books;
use super::installation::Installation;
use super::manifests::{Manifests, POSTGRES, SQLITE};
use super::traffic::{Chance, Form, Traffic, key, lead};
use crate::support::postgres::Postgres;
use crate::support::receiver::{Outcome, Receiver, Reply};
use crate::support::{Part, require};

const LEADS: usize = 2_000;
const ROUNDS: usize = 20;
const A_ROUND: usize = LEADS / ROUNDS;
const CONNECTIONS: usize = 16;
/// How long a round goes on when what its kill waits for does not come.
const LONGEST_ROUND: Duration = Duration::from_secs(1);
/// How long the last lead may take after the last kill: a killed process's leases, pauses of unsettled deliveries, and a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// The limits in `crashes.yaml`: recipient, window, places.
const LIMITS: [(&str, &str, usize); 7] = [
    ("agent/ann", "open", 300),
    ("agent/ann", "day", 500),
    ("agent/bob", "day", 250),
    ("agent/cid", "open", 200),
    ("agent/dee", "day", 150),
    ("agent/dee", "month", 120),
    ("buyer/acme/daily", "day", 400),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lead_ends_once_on_sqlite_whenever_the_process_is_killed() {
    let crm = moody_crm().await;
    let manifests = manifests(&crm, SQLITE, "none");
    let mut shops = [Installation::start(&manifests).await];
    let leads = storm(&mut shops, &crm, None).await;
    settled(&shops, &leads).await;
    let [mut shop] = shops;
    shop.end().await;
    check(&Books::of_file(&shop.database()), &crm, &leads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lead_ends_once_on_postgresql_whenever_two_processes_or_the_database_are_killed() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let postgres = Postgres::start().await;
    let database = postgres.database("crashes").await;
    let crm = moody_crm().await;
    let manifests = manifests(&crm, POSTGRES, &database);
    let mut shops = [Installation::start(&manifests).await, Installation::start(&manifests).await];
    let leads = storm(&mut shops, &crm, Some(&postgres)).await;
    settled(&shops, &leads).await;
    let [mut one, mut other] = shops;
    one.end().await;
    other.end().await;
    check(&Books::of_database(&database).await, &crm, &leads);
}

fn manifests(crm: &Receiver, store: &str, database: &str) -> Manifests {
    Manifests::of(&["shop.yaml", "crashes.yaml"], &[("$CRM", &crm.url("")), ("$STORE", store), ("$DATABASE", database)])
}

/// A CRM whose path `/moody` fails, refuses, and breaks off before or after it has taken the lead.
async fn moody_crm() -> Receiver {
    let crm = Receiver::start().await;
    let mut chance = Chance::new(11);
    let moods = (0..20_000).map(|_| match chance.below(100) {
        0..7 => Reply::status(503),
        7..14 => Reply::accept().then_drop(),
        14..19 => Reply::drop_connection(),
        19..29 => Reply::status(422),
        29..40 => Reply::accept().after(Duration::from_millis(30)),
        _ => Reply::accept(),
    });
    crm.script("/moody", moods.map(|reply| reply.times(1)).chain([Reply::accept()]).collect::<Vec<_>>());
    crm
}

/// Every twentieth lead is the one before it again; every tenth is for nobody.
fn lead_of(number: usize) -> Value {
    let mut lead = match number % 20 {
        19 => lead(number - 1),
        _ => lead(number),
    };
    lead["budget"] = json!(if number % 10 == 3 { 50 } else { 100 + number });
    lead
}

/// Posts all leads while processes, and the database, are killed. Returns the leads' ids by number.
async fn storm(shops: &mut [Installation], crm: &Receiver, postgres: Option<&Postgres>) -> Vec<String> {
    let forms: Vec<Form> = shops.iter().map(Form::of).collect();
    let traffic = Traffic::start(&forms, CONNECTIONS, LEADS, lead_of);
    let mut chance = Chance::new(7);
    for round in 0..ROUNDS {
        let database = postgres.filter(|_| round % 4 == 3);
        if database.is_some() {
            // A process that has started outlives its database.
            for shop in shops.iter() {
                shop.ready().await;
            }
        }
        let (answered, delivered) = (traffic.answered(), crm.requests());
        traffic.let_through(A_ROUND);
        // The moment of a kill is that of some answer to a source, or of some request to the CRM.
        let (after, by_answers) = (1 + chance.below(A_ROUND - CONNECTIONS), chance.below(2) == 0);
        let is_time = || if by_answers { traffic.answered() >= answered + after } else { crm.requests() >= delivered + after };
        let deadline = Instant::now() + LONGEST_ROUND;
        while !is_time() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let victims = 1 + chance.below((1 << shops.len()) - 1);
        match database {
            Some(database) => {
                database.kill9().await;
                // With a process, or alone.
                if round % 8 == 3 {
                    kill(shops, victims);
                }
                database.start_again().await;
            }
            None => kill(shops, victims),
        }
        shops.iter_mut().filter(|shop| shop.is_killed()).for_each(Installation::launch);
    }
    for shop in shops.iter() {
        shop.ready().await;
    }
    let leads = traffic.finish().await;
    // Whoever asks again, under the same key, is told the same.
    for number in [0, LEADS / 2, LEADS - 1] {
        assert_eq!(forms[0].insist(&lead_of(number), &key(number)).await, leads[number]);
    }
    leads
}

/// Kills those whose bit is set.
fn kill(shops: &mut [Installation], victims: usize) {
    for (number, shop) in shops.iter_mut().enumerate() {
        if victims & (1 << number) != 0 {
            shop.process().assert_running();
            shop.kill();
        }
    }
}

/// Waits until every source is told how each of its leads ended.
async fn settled(shops: &[Installation], leads: &[String]) {
    let deadline = Instant::now() + PATIENCE;
    for (number, lead) in leads.iter().enumerate() {
        let shop = &shops[number % shops.len()];
        while shop.standing(lead).await.code() == "Accepted" {
            shop.process().assert_running();
            assert!(Instant::now() < deadline, "lead {number}, {lead}, has not ended\n{}", shop.process().tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn check(books: &Books, crm: &Receiver, leads: &[String]) {
    // One lead for each post, however often it was repeated.
    let ids: BTreeSet<&String> = leads.iter().collect();
    assert_eq!((leads.len(), ids.len(), books.leads.len()), (LEADS, LEADS, LEADS));
    assert!(books.leads.keys().all(|id| ids.contains(&id.to_string())));

    // Each in one final state, and that is the one that its deliveries tell of.
    assert_eq!(books.count("duplicate"), LEADS / 20);
    assert_eq!(books.count("delivered") + books.count("unmatched") + books.count("duplicate"), LEADS);
    let accepted = books.accepted();
    let having: BTreeSet<_> = accepted.iter().map(|(lead, _)| *lead).collect();
    assert_eq!(having.len(), accepted.len(), "no exclusive lead is taken twice");
    for (lead, (state, reason)) in &books.leads {
        assert_eq!(state == "delivered", having.contains(lead), "{lead} is {state} {reason}");
    }
    assert!(books.deliveries.iter().all(|delivery| delivery.state != "open"), "no delivery is left open");

    // The far side says the same: the same leads, each taken once, by the same recipients.
    assert!(
        crm.accepted_by_lead().values().all(|times| *times == 1),
        "{:?}",
        crm.accepted_by_lead().iter().find(|(_, times)| **times != 1)
    );
    let taken = |seen: &crate::support::receiver::Seen| matches!(seen.outcome, Outcome::Accepted(_));
    let there: BTreeSet<(String, String)> = crm
        .seen()
        .iter()
        .filter(|seen| taken(seen))
        .map(|seen| (seen.lead.clone().unwrap(), seen.json()["to"].as_str().unwrap().to_owned()))
        .collect();
    let here: BTreeSet<(String, String)> =
        accepted.iter().map(|(lead, recipient)| (lead.to_string(), recipient.split('/').nth(1).unwrap().to_owned())).collect();
    let differences: Vec<_> = there.symmetric_difference(&here).collect();
    assert!(differences.is_empty(), "not the same here and there: {differences:?}");
    assert_eq!(crm.reused_keys(), [""; 0], "no key came with another body");

    // No limit was exceeded, here or there, and every place in use is held by a delivery.
    let mut by_recipient: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, to) in &there {
        *by_recipient.entry(to).or_default() += 1;
    }
    for (recipient, window, limit) in LIMITS {
        books.check_window(recipient, window, limit);
        let there = by_recipient.get(recipient.split('/').nth(1).unwrap()).copied().unwrap_or_default();
        assert!(there <= limit, "{recipient} takes {limit} by {window} and was sold {there}");
    }
    books.check_places();
    // The storm was one: everybody was asked, and limits were met.
    assert_eq!(by_recipient.len(), 5, "{by_recipient:?}");
    assert!(by_recipient.get("acme") == Some(&400) && books.count("unmatched") > LEADS / 10, "{by_recipient:?}");
}

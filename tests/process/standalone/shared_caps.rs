//! Two processes on one PostgreSQL.

use super::books::Books;
use super::installation::Installation;
use super::manifests::{Manifests, POSTGRES};
use super::traffic::{Form, Traffic, lead};
use crate::support::postgres::Postgres;
use crate::support::receiver::Receiver;
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_cap_of_a_hundred_exactly_under_a_thousand_leads_at_once() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let crm = Receiver::start().await;
    let database = Postgres::shared().await.database("cap").await;
    let values = [("$CRM", crm.url("")), ("$DATABASE", database.clone())].map(|(word, value)| (word, value));
    let values: Vec<(&str, &str)> = values.iter().map(|(word, value)| (*word, value.as_str())).chain([("$STORE", POSTGRES)]).collect();
    let manifests = Manifests::of(&["shop.yaml", "shared_cap.yaml"], &values);
    let (mut one, mut other) = tokio::join!(Installation::start(&manifests), Installation::start(&manifests));

    let traffic = Traffic::start(&[Form::of(&one), Form::of(&other)], 64, 1_000, lead);
    let leads = traffic.finish().await;
    for lead in &leads {
        one.wait(&format!("does not settle {lead}"), async || one.standing(lead).await.code() != "Accepted").await;
    }
    one.end().await;
    other.end().await;

    let books = Books::of_database(&database).await;
    assert_eq!((crm.accepted_total(), books.count("delivered"), books.count("unmatched")), (100, 100, 900));
    assert!(books.leads.values().all(|(state, reason)| state == "delivered" || reason == "CapsReached"));
    books.check_places();
    books.check_window("buyer/acme/daily", "day", 100);
    for process in [&one, &other] {
        assert!(process.log().contains("post answered"), "both processes took leads");
    }
}

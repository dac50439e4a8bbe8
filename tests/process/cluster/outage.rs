//! Without the database: ingest goes on accepting leads, and brings them to it later.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::asking::lead;
use super::house::{FORM, FORM_WAITING, House, shared_operator};
use crate::support::cluster::Cluster;
use crate::support::folder::Folder;
use crate::support::postgres::{Postgres, connect};
use crate::support::processes::POLL;
use crate::support::{Part, require};

const PARTS: [Part; 3] = [Part::ApiServer, Part::ControllerManager, Part::Postgres];
const PATIENCE: Duration = Duration::from_secs(90);

/// The small house on a database that is its own, with a spool.
struct Outage {
    house: House<'static>,
    postgres: Postgres,
    spool: Folder,
}

impl Outage {
    async fn prepare(more: &[(&str, &str)]) -> Outage {
        let cluster = Cluster::shared().await;
        shared_operator(cluster).await;
        let postgres = Postgres::start().await;
        let database = postgres.database("outage").await;
        let mut house = House::on(cluster, "house", &database).await;
        let spool = Folder::new("spool");
        let folder = spool.path().display().to_string();
        let variables: Vec<_> = [("LEADFLOW_SPOOL", folder.as_str())].into_iter().chain(more.iter().copied()).collect();
        house.start_pods(1, 2, &variables).await;
        let client = connect(&house.database).await.expect("the database takes connections");
        // Remembers in which order leads get there.
        let trigger = "create table came (place bigserial, lead uuid);
            create function came() returns trigger language plpgsql as $$ begin insert into came (lead) values (new.id); return null; end $$;
            create trigger came after insert on leads for each row execute function came()";
        client.batch_execute(trigger).await.expect("a trigger can be made");
        Outage { house, postgres, spool }
    }

    /// Ids of the leads on record, in the order in which they got there.
    async fn came(&self) -> Vec<String> {
        let client = connect(&self.house.database).await.expect("the database takes connections");
        let rows = client.query("select lead::text from came order by place", &[]).await.expect("the leads can be read");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits until so many leads are delivered, and none is anything else.
    async fn until_delivered(&self, count: usize) {
        let client = connect(&self.house.database).await.expect("the database takes connections");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rows = client.query("select state, count(*) from leads group by state", &[]).await.expect("the leads can be read");
            let states: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            if states == BTreeMap::from([("delivered".to_owned(), count as i64)]) {
                return;
            }
            assert!(Instant::now() < deadline, "{count} leads were acknowledged; on record are {states:?}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Posts the lead of a number by a key of its own; posted again it stays the same lead. The answer must be 202.
    async fn post(&self, number: usize) -> String {
        let answer = try_post(&self.house.http, &self.url(), number).await.expect("ingest answers");
        assert_eq!(answer.0, 202, "{answer:?}");
        answer.1
    }

    fn url(&self) -> String {
        self.house.ingest[0].url("http", "/v1/sources/form/leads")
    }

    async fn spooled(&self) -> f64 {
        self.house.metrics(&self.house.ingest[0]).await["leadflow_spool_leads"]
    }

    async fn until_drained(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.spooled().await > 0.0 || !logs(self.spool.path()).is_empty() {
            assert!(Instant::now() < deadline, "the spool is not drained\n{}", self.house.ingest[0].process().tail());
            tokio::time::sleep(POLL).await;
        }
    }

    fn assert_delivered_once(&self, count: usize) {
        let twice: Vec<_> = self.house.receiver.accepted_by_lead().into_iter().filter(|(_, times)| *times != 1).collect();
        assert!(twice.is_empty(), "accepted more than once: {twice:?}");
        assert_eq!(self.house.receiver.accepted_total(), count);
    }
}

/// Status, and the lead.
async fn try_post(http: &reqwest::Client, url: &str, number: usize) -> Result<(u16, String), reqwest::Error> {
    let request = http.post(url).header("x-api-key", FORM.key).header("idempotency-key", format!("key-{number}")).json(&lead(number));
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json::<Value>().await?["leadId"].as_str().unwrap_or_default().to_owned()))
}

/// Segments of a spool.
fn logs(folder: &Path) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(folder).expect("the spool can be read").map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "log")).map(|path| fs::read(path).unwrap_or_default()).collect()
}

/// Posts one lead after the other until it is stopped, each until it is acknowledged; any answer but 202 is a failure, none is not. Returns the ids.
fn poster(http: reqwest::Client, url: String, first: usize, stop: Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let number = first + acknowledged.len();
            match try_post(&http, &url, number).await {
                Ok((202, lead)) => acknowledged.push(lead),
                Ok(answer) => panic!("lead {number}: {answer:?}"),
                // The pod is being killed.
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
        acknowledged
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_accepted_while_the_database_is_down_and_pods_are_killed_and_get_there_once_and_in_order() {
    if !require(&PARTS) {
        return;
    }
    let mut outage = Outage::prepare(&[]).await;
    let mut acknowledged = Vec::new();
    for number in 0..3 {
        acknowledged.push(outage.post(number).await);
    }
    outage.until_delivered(3).await;

    outage.postgres.kill9().await;
    for number in 3..20 {
        acknowledged.push(outage.post(number).await);
    }
    assert_eq!(outage.spooled().await, 17.0);
    outage.house.ingest[0].ready().await;
    let answer = outage.house.post(&super::asking::Post { wait: 1, ..FORM_WAITING }, &lead(20)).await;
    assert_eq!((answer.status, answer.code()), (202, "Accepted"), "the wait is over");
    acknowledged.push(answer.lead());
    assert_eq!(outage.post(3).await, acknowledged[3], "the same key, the same lead");
    for bytes in logs(outage.spool.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("example.com") && !text.contains("Pat"), "personal data is sealed on disk");
    }

    // Killed while the database is away, and while leads come in.
    let stop = Arc::new(AtomicBool::new(false));
    let posting = poster(outage.house.http.clone(), outage.url(), 21, Arc::clone(&stop));
    for round in 0..4 {
        let before = outage.spooled().await;
        let deadline = Instant::now() + PATIENCE;
        while outage.spooled().await < before + 5.0 {
            assert!(Instant::now() < deadline, "round {round}: no lead comes in");
            tokio::time::sleep(POLL).await;
        }
        outage.house.ingest[0].kill();
        outage.house.ingest[0].start();
        outage.house.ingest[0].ready().await;
        assert_eq!(outage.post(3).await, acknowledged[3], "round {round}: keys are known after a kill");
    }
    let standing = outage.house.http.get(format!("{}/{}", outage.url(), acknowledged[5])).header("x-api-key", FORM.key);
    let standing: Value = standing.send().await.expect("ingest answers").json().await.expect("an answer is JSON");
    assert_eq!(standing["code"], "Accepted");

    outage.postgres.start_again().await;
    outage.until_drained().await;
    // Some more go there directly.
    let count = outage.came().await.len();
    let deadline = Instant::now() + PATIENCE;
    while outage.came().await.len() < count + 3 {
        assert!(Instant::now() < deadline, "no lead gets to the database");
        tokio::time::sleep(POLL).await;
    }
    stop.store(true, Ordering::SeqCst);
    acknowledged.extend(posting.await.expect("every post is accepted"));
    outage.until_delivered(acknowledged.len()).await;
    assert_eq!(outage.came().await, acknowledged, "each once, and in order");
    outage.assert_delivered_once(acknowledged.len());
    assert!(
        outage.post(3).await == acknowledged[3] && outage.came().await.len() == acknowledged.len(),
        "the key is known to the store, too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_are_accepted_while_the_database_hangs_and_get_there_once() {
    if !require(&PARTS) {
        return;
    }
    let outage = Outage::prepare(&[]).await;
    let mut acknowledged = vec![outage.post(0).await];
    outage.postgres.freeze().await;
    for number in 1..30 {
        acknowledged.push(outage.post(number).await);
    }
    outage.postgres.thaw().await;
    outage.until_drained().await;
    outage.until_delivered(30).await;
    let mut came = outage.came().await;
    came.sort();
    acknowledged.sort();
    assert_eq!(came, acknowledged);
    outage.assert_delivered_once(30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_has_to_end_before_it_knows_its_database_says_what_it_leaves() {
    if !require(&PARTS) {
        return;
    }
    let mut outage = Outage::prepare(&[]).await;
    outage.postgres.stop().await;
    for number in 0..3 {
        outage.post(number).await;
    }
    outage.house.ingest[0].kill();
    outage.house.change("Secret", "database", json!({"data": {"url": null}})).await;
    outage.house.ingest[0].start();
    let waits = "waiting for the Exchange and the Secret";
    outage.house.ingest[0].process().wait_for_log(waits, PATIENCE).await;
    assert_eq!(outage.spooled().await, 3.0, "what is kept is seen at once");
    assert!(!outage.house.ingest[0].terminate().await, "an end that leaves leads behind is a failure");
    let log = outage.house.ingest[0].log();
    assert!(log.contains("leads are left in the spool") && log.contains(&outage.spool.path().display().to_string()), "{log}");

    let url = outage.house.database.clone();
    outage.house.change("Secret", "database", json!({"stringData": {"url": url}})).await;
    outage.postgres.start_again().await;
    outage.house.ingest[0].start();
    outage.house.ingest[0].ready().await;
    outage.until_drained().await;
    outage.until_delivered(3).await;
    outage.assert_delivered_once(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_has_to_end_brings_its_leads_to_the_database_or_says_what_it_leaves() {
    if !require(&PARTS) {
        return;
    }
    let mut outage = Outage::prepare(&[("LEADFLOW_SPOOL_PATIENCE", "3")]).await;
    outage.postgres.stop().await;
    for number in 0..4 {
        outage.post(number).await;
    }
    assert!(!outage.house.ingest[0].terminate().await, "an end that leaves leads behind is a failure");
    let log = outage.house.ingest[0].log();
    assert!(log.contains("leads are left in the spool") && log.contains(&outage.spool.path().display().to_string()), "{log}");

    outage.house.ingest[0].start();
    outage.house.ingest[0].ready().await;
    assert_eq!(outage.spooled().await, 4.0);
    let (ended, ()) = tokio::join!(outage.house.ingest[0].terminate(), outage.postgres.start_again());
    if !ended {
        // The database took longer than the pod had.
        outage.house.ingest[0].start();
        outage.house.ingest[0].ready().await;
        outage.until_drained().await;
    }
    outage.until_delivered(4).await;
    assert!(logs(outage.spool.path()).is_empty());
    outage.assert_delivered_once(4);
}

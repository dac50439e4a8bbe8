//! Pods that are killed with -9 while leads come in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::asking::lead;
use super::house::House;
use crate::support::postgres::connect;
use crate::support::processes::POLL;
use crate::support::receiver::Reply;
use crate::support::{Part, require};

const ROUNDS: usize = 10;
const LEADS_A_ROUND: usize = 50;
const LEADS: usize = ROUNDS * LEADS_A_ROUND;
const CAP: usize = 120;
const POSTERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_lead_ends_once_though_pods_are_killed_at_random() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let mut house = House::small().await;
    let before = house.digest(&house.routers[0]).await;
    house.change("Agent", "anna", json!({"spec": {"caps": [{"per": "Day", "leads": CAP}]}})).await;
    house.until_rules_differ(&before).await;
    // So that kills meet requests under way.
    for path in ["/first", "/second"] {
        house.receiver.script(path, [Reply::accept().after(Duration::from_millis(40))]);
    }

    let leave = Arc::new(Semaphore::new(0));
    let mut posters = JoinSet::new();
    for poster in 0..POSTERS {
        posters.spawn(post_until_acknowledged(
            house.http.clone(),
            house.ingest[0].url("http", "/v1/sources/form/leads"),
            poster,
            Arc::clone(&leave),
        ));
    }
    let mut killed = Vec::new();
    for _ in 0..ROUNDS {
        leave.add_permits(LEADS_A_ROUND);
        tokio::time::sleep(Duration::from_millis(u64::from(rand() % 150))).await;
        let number = rand() as usize % 3;
        let pod = if number == 0 { &mut house.ingest[0] } else { &mut house.routers[number - 1] };
        pod.kill();
        killed.push(pod.name.clone());
        pod.start();
        pod.ready().await;
    }
    let acknowledged: BTreeMap<String, String> = posters.join_all().await.into_iter().flatten().collect();
    println!("killed {killed:?}");
    assert_eq!(acknowledged.len(), LEADS, "each post made a lead of its own");

    let database = connect(&house.database).await.expect("the database takes connections");
    let deadline = Instant::now() + Duration::from_secs(90);
    let ended = loop {
        let rows = database.query("select id::text, state from leads", &[]).await.expect("the leads can be read");
        let states: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if states.values().all(|state| state == "delivered") {
            break states;
        }
        assert!(
            Instant::now() < deadline,
            "leads rest: {:?}",
            states.iter().filter(|(_, state)| *state != "delivered").collect::<Vec<_>>()
        );
        tokio::time::sleep(POLL).await;
    };
    assert!(acknowledged.keys().eq(ended.keys()), "the leads on record are those that were acknowledged");
    let twice: Vec<_> = house.receiver.accepted_by_lead().into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "accepted more than once: {twice:?}");
    assert_eq!(house.receiver.accepted_total(), LEADS);
    assert!(house.receiver.reused_keys().is_empty(), "a key came with another body");
    let anna = house.received("/first", "lead_id").len();
    assert_eq!(anna, CAP, "the cap holds, and is used");
}

/// Posts leads while there is leave, each by its own idempotency key until it is acknowledged. Returns the ids, with the keys.
async fn post_until_acknowledged(http: reqwest::Client, url: String, poster: usize, leave: Arc<Semaphore>) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for number in (poster..LEADS).step_by(POSTERS) {
        leave.acquire().await.expect("there is leave in the end").forget();
        let key = format!("lead-{number}");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let request = http.post(&url).header("x-api-key", "form-key").header("idempotency-key", &key).timeout(Duration::from_secs(5));
            if let Ok(answer) = request.json(&lead(number)).send().await
                && answer.status().is_success()
                && let Ok(body) = answer.json::<serde_json::Value>().await
            {
                acknowledged.push((body["leadId"].as_str().expect("an id").to_owned(), key));
                break;
            }
            assert!(Instant::now() < deadline, "{key} is never acknowledged");
            tokio::time::sleep(POLL).await;
        }
    }
    acknowledged
}

fn rand() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) as u32
}

//! What is particular to the store that several processes share.

use std::sync::Arc;
use std::time::Duration;

use leadflow::lead::State;
use leadflow::store::postgres::PostgresStore;
use leadflow::store::*;

use crate::given::*;
use crate::support::postgres::Postgres;
use crate::support::{Part, require};

async fn connect(url: &str) -> Shared {
    Arc::new(PostgresStore::connect(url, 8).await.unwrap().0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_that_start_at_once_bring_the_tables_up_to_date_once() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let url = Postgres::shared().await.database("start").await;
    let stores = futures::future::join_all((0..8).map(|_| connect(&url))).await;
    for store in stores {
        store.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_limits_duplicates_and_leads_exactly() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let (url, first) = new_database().await;
    let stores: Vec<Shared> = vec![Arc::new(first), connect(&url).await];
    let tasks: Vec<_> = (0..8_u64)
        .map(|task| {
            let store = stores[task as usize % 2].clone();
            tokio::spawn(async move {
                for batch in 0..10 {
                    // Each lead is sent by two tasks, in opposite orders.
                    let numbers: Vec<u64> = (0..10).map(|number| (task / 2) * 100 + batch * 10 + number).collect();
                    let leads = numbers.into_iter().map(|number| {
                        let mut lead = lead(number + 10_000 * (task % 2));
                        lead.arrived_at = at(1);
                        lead.fingerprints
                            .push(Fingerprint { hash: *blake3::hash(&number.to_le_bytes()).as_bytes(), remembered_since: None });
                        lead
                    });
                    let mut leads: Vec<_> = leads.collect();
                    if task % 2 == 1 {
                        leads.reverse();
                    }
                    store.append(leads).await.unwrap();
                }
                let mut held = 0;
                loop {
                    let claimed = store.claim(&task.to_string(), 9, LEASE, at(50)).await.unwrap();
                    if claimed.is_empty() {
                        return held;
                    }
                    let asked =
                        claimed.iter().map(|claimed| reservation(claimed, ann(), &[("day:2026-11-22", 100), ("open", 200)])).collect();
                    let answers = store.reserve(asked).await.unwrap();
                    held += answers.iter().filter(|answer| matches!(answer, Reserved::Held { .. })).count();
                }
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += task.await.unwrap();
    }
    assert_eq!(held, 100);
    assert_eq!(used(&stores[0], &ann(), "day:2026-11-22").await, 100);
    assert_eq!(stores[1].count().await.unwrap(), [(State::Duplicate, 400), (State::Queued, 400)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_hears_of_new_work() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let (url, first) = new_database().await;
    let second = connect(&url).await;
    let mut watch = second.watch();
    // Both events are told once when listening begins.
    while watch.recv().await.unwrap() != Happened::Settled {}
    first.append(vec![lead(1)]).await.unwrap();
    assert_eq!(watch.recv().await.unwrap(), Happened::Work);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_url_is_used_from_the_next_call_on() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let server = Postgres::shared().await;
    let (url, store) = new_database().await;
    store.append(vec![lead(1)]).await.unwrap();
    let database = url.rsplit('/').next().unwrap();
    server
        .execute(database, "CREATE ROLE rotated LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO rotated; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO rotated")
        .await;
    store.set_url(&url.replace("leadflow@", "rotated@")).unwrap();
    let mut watch = store.watch();
    store.append(vec![lead(2)]).await.unwrap();
    assert_eq!(watch.recv().await.unwrap(), Happened::Work);
    assert_eq!(store.count().await.unwrap(), [(State::Queued, 2)]);
    let client = crate::support::postgres::connect(&url).await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND usename = 'rotated'";
    assert!(client.query_one(sql, &[&database]).await.unwrap().get::<_, i64>(0) > 0);
    assert!(store.set_url("nonsense").is_err());
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_has_all_that_was_acknowledged_and_is_used_again() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let server = Postgres::start().await;
    let url = server.database("store").await;
    let store = connect(&url).await;
    let mut acknowledged = Vec::new();
    for round in 0..3_u64 {
        let writer = {
            let store = store.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for batch in (round * 1_000_000..).step_by(8) {
                    match store.append((batch..batch + 8).map(lead).collect()).await {
                        Ok(_) => acknowledged.extend((batch..batch + 8).map(id)),
                        Err(StoreError::Unavailable(_)) => return acknowledged,
                        Err(other) => panic!("{other}"),
                    }
                }
                acknowledged
            })
        };
        let mut watch = store.watch();
        for _ in 0..20 {
            let _ = watch.recv().await;
        }
        server.kill9().await;
        acknowledged.extend(writer.await.unwrap());
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        server.start_again().await;
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(!acknowledged.is_empty());
    assert!(store.outcomes(acknowledged).await.unwrap().iter().all(Option::is_some));
    assert_eq!(store.count().await.unwrap()[0].1 % 8, 0, "a batch is kept whole or not at all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_unavailable_and_not_waited_for() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let (url, store) = new_database().await;
    kept(&(Arc::new(PostgresStore::connect(&url, 1).await.unwrap().0) as Shared), [1]).await;
    let claimed = store.claim("router", 1, LEASE, at(50)).await.unwrap().remove(0);
    let client = crate::support::postgres::connect(&url).await.unwrap();
    client.batch_execute("BEGIN; SELECT * FROM queue FOR UPDATE").await.unwrap();
    let asked = reservation(&claimed, ann(), &[]);
    let Err(StoreError::Unavailable(why)) = store.reserve(vec![asked.clone()]).await else { panic!("not held up") };
    assert!(why.contains("10 seconds") || why.contains("57014"), "{why}");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.reserve(vec![asked]).await.unwrap(), [Reserved::Held { turn: None }]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_in_order_is_unavailable_and_a_value_that_it_can_not_take_is_refused() {
    if !require(&[Part::Postgres]) {
        return;
    }
    let server = Postgres::shared().await;
    let (url, store) = new_database().await;
    let database = url.rsplit('/').next().unwrap();
    let mut strange = lead(1);
    strange.source.push('\0');
    let answer = store.append(vec![strange]).await;
    assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");

    let unavailable = async |what: &str, code: &str| {
        let answer = store.append(vec![lead(1)]).await;
        let Err(StoreError::Unavailable(why)) = answer else { panic!("{what}: {answer:?}") };
        assert!(why.contains(code), "{what}: {why}");
    };
    server.execute(database, "ALTER TABLE leads RENAME TO elsewhere").await;
    unavailable("no table", "42P01").await;
    server.execute(database, "ALTER TABLE elsewhere RENAME TO leads; CREATE ROLE stranger LOGIN").await;
    store.set_url(&url.replace("leadflow@", "stranger@")).unwrap();
    unavailable("no right", "42501").await;
    store.set_url(&url.replace("leadflow@", "nobody@")).unwrap();
    unavailable("no such user", "28000").await;
    store.set_url(&format!("{url}_gone")).unwrap();
    unavailable("no such database", "3D000").await;
    store.set_url(&url).unwrap();
    assert_eq!(store.append(vec![lead(1)]).await.unwrap(), [Appended::New]);
}

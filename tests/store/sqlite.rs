//! What is particular to the store of a single process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use leadflow::store::sqlite::SqliteStore;
use leadflow::store::{Reserved, StoreError};

use crate::given::*;

fn open(path: &Path) -> Shared {
    Arc::new(SqliteStore::open(path).unwrap())
}

#[tokio::test]
async fn opening_voids_the_leases_of_a_process_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.db");
    let store = open(&path);
    let before = one_claimed(&store, 1).await;
    reserved(&store, reservation(&before, ann(), &[])).await;
    assert!(store.probe("crm", "before", at(900), at(0)).await.unwrap());
    drop(store);
    let store = open(&path);
    assert!(store.probe("crm", "after", at(900), at(1)).await.unwrap(), "leave to probe is void as well");
    assert_eq!(reserved(&store, reservation(&before, ann(), &[])).await, Reserved::Lost);
    let again = claimed(&store, 51).await.remove(0);
    assert_eq!((again.epoch, again.deliveries.len()), (2, 1));
}

#[tokio::test]
async fn a_second_store_on_the_same_file_is_turned_away_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.db");
    let first = open(&path);
    let Err(StoreError::Unavailable(why)) = SqliteStore::open(&path) else { panic!("two at once") };
    assert!(why.contains("in use by another process"), "{why}");
    drop(first);
    open(&path).ping().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let Err(error) = SqliteStore::open("/missing/leads.db") else { panic!("opened") };
    assert!(error.to_string().contains("/missing/leads.db"), "{error}");
}

const PATH: &str = "LEADFLOW_TEST_APPEND_TO";

/// Not a test of its own: the process that the next one kills. It keeps leads for ever and says of each when it is acknowledged.
#[tokio::test]
async fn appends_until_it_is_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = open(Path::new(&path));
    for batch in (0..u64::MAX).step_by(8) {
        store.append((batch..batch + 8).map(lead).collect()).await.unwrap();
        let mut out = std::io::stderr().lock();
        writeln!(out, "acknowledged {batch}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.db");
    for round in 1..=3_u64 {
        let path = path.with_extension(round.to_string());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::appends_until_it_is_killed", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged: Vec<u64> = Vec::new();
        while acknowledged.len() < 40 * round as usize {
            acknowledged.extend(lines.next().unwrap().strip_prefix("acknowledged ").map(|batch| batch.parse::<u64>().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok()));
        let store = open(&path);
        let asked: Vec<_> = acknowledged.iter().flat_map(|batch| *batch..*batch + 8).map(id).collect();
        assert!(store.outcomes(asked).await.unwrap().iter().all(Option::is_some));
        let kept = store.count().await.unwrap()[0].1;
        assert_eq!(kept % 8, 0, "a batch is kept whole or not at all");
        let mut claimed = 0;
        loop {
            let more = claimed_at_once(&store).await;
            if more == 0 {
                break;
            }
            claimed += more;
        }
        assert_eq!(claimed, kept, "all that is kept is handed out");
    }
}

async fn claimed_at_once(store: &Shared) -> i64 {
    store.claim("router", 500, LEASE, at(10_000_000)).await.unwrap().len() as i64
}

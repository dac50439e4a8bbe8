use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::Spool;
use super::{lead, with_key};
use crate::flow::ports::StillClock;
use crate::lead::LeadId;
use crate::ops::metrics::Metrics;
use crate::store::sqlite::SqliteStore;
use crate::store::{Appended, NewLead, Sealed};

const ROOM: u64 = 64 << 20;

/// A spool's folder over the lives of processes.
struct House {
    folder: TempDir,
    metrics: Arc<Metrics>,
    clock: Arc<StillClock>,
    store: Arc<SqliteStore>,
}

struct Life {
    spool: Spool,
    writer: JoinHandle<()>,
}

impl Life {
    /// The process ends, with no chance to put anything in order.
    async fn end(self) {
        drop(self.spool);
        self.writer.await.unwrap();
    }

    async fn keep(&self, leads: impl IntoIterator<Item = NewLead>) {
        for lead in leads {
            assert_eq!(self.spool.keep(lead).await.unwrap(), Appended::New);
        }
    }
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path().join("leads.db")).unwrap());
        let clock = Arc::new(StillClock::at("2026-11-22T10:00:00Z".parse().unwrap()));
        Self { folder, metrics: Arc::new(Metrics::new().unwrap()), clock, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    fn start(&self) -> Life {
        self.start_with(ROOM)
    }

    fn start_with(&self, room: u64) -> Life {
        let (spool, writer) = self.open(room).unwrap();
        Life { spool, writer }
    }

    fn open(&self, room: u64) -> std::io::Result<(Spool, JoinHandle<()>)> {
        Spool::open(&self.path(), room, Arc::clone(&self.metrics), Arc::clone(&self.clock) as _)
    }

    /// Drains all that there is.
    async fn drain(&self, life: &Life) {
        let drain = life.spool.drain(Arc::clone(&self.store) as _, Duration::from_secs(60));
        let end = CancellationToken::new();
        end.cancel();
        drain.run(end.clone(), end).await.unwrap();
    }

    /// The leads in the store, in the order in which it got them.
    fn drained(&self) -> Vec<LeadId> {
        let connection = rusqlite::Connection::open(self.folder.path().join("leads.db")).unwrap();
        let mut look = connection.prepare("SELECT id FROM leads ORDER BY rowid").unwrap();
        let ids = look.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        ids.map(|id| LeadId(uuid::Uuid::from_slice(&id.unwrap()).unwrap())).collect()
    }

    fn result(&self, result: &str) -> u64 {
        self.metrics.spool_drained.with_label_values(&[result]).get()
    }
}

/// Names of files that end so.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(end));
    files.sort();
    files
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<LeadId> {
    numbers.into_iter().map(|number| lead(number).id).collect()
}

#[tokio::test]
async fn leads_of_several_lives_are_drained_in_order_and_their_files_go() {
    let house = House::new();
    for life in 0..3 {
        let process = house.start();
        process.keep((life * 10..life * 10 + 10).map(lead)).await;
        process.end().await;
    }
    let process = house.start();
    assert_eq!(house.metrics.spool_leads.get(), 30);
    assert!(process.spool.is_in_use());
    house.drain(&process).await;
    assert_eq!(house.drained(), ids(0..30));
    assert!(files(&house.path(), ".log").is_empty());
    assert_eq!((house.metrics.spool_leads.get(), house.metrics.spool_bytes.get(), process.spool.is_in_use()), (0, 0, false));
}

#[tokio::test]
async fn more_leads_than_one_batch_or_segment_are_drained_in_order() {
    let house = House::new();
    let process = house.start();
    let mut big = (0..600).map(lead).collect::<Vec<_>>();
    big.iter_mut().step_by(10).for_each(|lead| lead.sealed.0.resize(200_000, 7));
    process.keep(big).await;
    assert!(files(&house.path(), ".log").len() > 1);
    house.drain(&process).await;
    assert_eq!(house.drained(), ids(0..600));
}

#[tokio::test]
async fn leads_that_are_drained_again_after_a_kill_change_nothing() {
    let house = House::new();
    let process = house.start();
    process.keep((0..5).map(|number| with_key(lead(number), number as u8, 1))).await;
    let segment = files(&house.path(), ".log").remove(0);
    let bytes = fs::read(&segment).unwrap();
    house.drain(&process).await;
    process.end().await;
    fs::write(&segment, bytes).unwrap();
    let process = house.start();
    house.drain(&process).await;
    assert_eq!(house.drained(), ids(0..5));
    assert_eq!((house.result("new"), house.result("known")), (5, 5));
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_is_no_damage() {
    let house = House::new();
    let process = house.start();
    process.keep((0..3).map(lead)).await;
    process.end().await;
    let segment = files(&house.path(), ".log").remove(0);
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, [&whole[..], &whole[..40]].concat()).unwrap();
    let process = house.start();
    assert_eq!(fs::read(&segment).unwrap(), whole);
    // Another life begins before it is drained.
    process.keep([lead(3)]).await;
    process.end().await;
    let process = house.start();
    house.drain(&process).await;
    assert_eq!((house.drained(), house.result("damaged")), (ids(0..4), 0));
    assert!(files(&house.path(), ".damaged").is_empty());
}

#[tokio::test]
async fn a_damaged_middle_is_set_aside_and_told_and_the_rest_goes_on() {
    let house = House::new();
    let process = house.start();
    process.keep((0..3).map(lead)).await;
    process.end().await;
    let segment = files(&house.path(), ".log").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let process = house.start();
    process.keep([lead(3)]).await;
    house.drain(&process).await;
    assert_eq!((house.drained(), house.result("damaged")), (ids([0, 2, 3]), 1));
    assert!(files(&house.path(), ".log").is_empty());
    assert_eq!(files(&house.path(), ".log.damaged").len(), 1);
    assert!(house.metrics.spool_bytes.get() > 0, "it takes room until somebody has looked at it");
    process.end().await;
    let process = house.start();
    process.keep([lead(4)]).await;
    let removed = files(&house.path(), ".damaged").remove(0);
    let (with, freed) = (house.metrics.spool_bytes.get(), fs::metadata(&removed).unwrap().len() as i64);
    fs::remove_file(removed).unwrap();
    process.end().await;
    house.start().end().await;
    assert_eq!(house.metrics.spool_bytes.get(), with - freed, "what was removed takes no room from the next start on");
}

#[tokio::test]
async fn a_damaged_end_is_set_aside_and_told_and_not_cut_off() {
    let house = House::new();
    let process = house.start();
    process.keep((0..3).map(lead)).await;
    process.end().await;
    let segment = files(&house.path(), ".log").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let process = house.start();
    assert_eq!(house.result("damaged"), 1);
    process.keep([lead(3)]).await;
    house.drain(&process).await;
    assert_eq!((house.drained(), house.result("damaged")), (ids([0, 1, 3]), 1));
    assert_eq!(fs::read(files(&house.path(), ".damaged").remove(0)).unwrap(), bytes);
    process.end().await;

    // All that there is.
    fs::remove_file(files(&house.path(), ".damaged").remove(0)).unwrap();
    let process = house.start();
    process.keep([lead(4)]).await;
    process.end().await;
    let segment = files(&house.path(), ".log").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[0] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let process = house.start();
    house.drain(&process).await;
    assert_eq!((house.result("damaged"), files(&house.path(), ".damaged").len(), files(&house.path(), ".log").len()), (2, 1, 0));
}

#[tokio::test]
async fn damage_that_comes_while_the_process_runs_is_set_aside_and_told_too() {
    let house = House::new();
    let process = house.start();
    process.keep((0..3).map(lead)).await;
    let segment = files(&house.path(), ".log").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&segment, bytes).unwrap();
    house.drain(&process).await;
    assert_eq!((house.drained(), house.result("damaged")), (ids([0, 1]), 1));
    assert_eq!((files(&house.path(), ".damaged").len(), house.metrics.spool_leads.get()), (1, 0));
}

#[tokio::test]
async fn a_full_spool_takes_no_more_and_says_so() {
    let house = House::new();
    let process = house.start_with((1 << 20) + 200_000);
    assert_eq!(process.spool.problem(), None);
    let [first, second] = [0, 1].map(|number| NewLead { sealed: Sealed(vec![7; 700_000]), ..lead(number) });
    process.keep([first]).await;
    let error = process.spool.keep(second).await.unwrap_err();
    assert!(error.to_string().contains("the spool is full"), "{error}");
    assert!(process.spool.problem().unwrap().contains("full"));
    house.drain(&process).await;
    assert_eq!(house.drained(), ids([0]));
}

#[tokio::test]
async fn a_key_is_answered_by_its_lead_also_after_a_restart() {
    let house = House::new();
    let process = house.start();
    process.keep([with_key(lead(1), 5, 5)]).await;
    process.end().await;
    for _ in 0..2 {
        let process = house.start();
        assert_eq!(process.spool.keep(with_key(lead(2), 5, 5)).await.unwrap(), Appended::Replayed { lead: lead(1).id });
        assert_eq!(process.spool.keep(with_key(lead(3), 5, 6)).await.unwrap(), Appended::KeyReused);
        assert_eq!(process.spool.source(lead(1).id).as_deref(), Some("site-1"));
        assert_eq!(process.spool.source(lead(2).id), None);
        process.end().await;
    }
    assert_eq!(house.metrics.spool_leads.get(), 1);
}

#[tokio::test]
async fn of_many_posts_with_one_key_at_once_one_is_kept() {
    let house = House::new();
    let process = house.start();
    let posts = (0..40).map(|number| process.spool.keep(with_key(lead(number), 5, 5)));
    let answers: Vec<_> = futures::future::join_all(posts).await.into_iter().map(Result::unwrap).collect();
    let kept: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| **answer == Appended::New).collect();
    assert_eq!(kept.len(), 1, "{answers:?}");
    let holder = lead(kept[0].0 as u64).id;
    assert!(answers.iter().all(|answer| [Appended::New, Appended::Replayed { lead: holder }].contains(answer)));
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_to_is_told_and_used_again_when_it_can() {
    let house = House::new();
    let process = house.start();
    let hidden = house.folder.path().join("hidden");
    fs::rename(house.path(), &hidden).unwrap();
    assert!(process.spool.keep(lead(0)).await.is_err());
    assert!(process.spool.problem().unwrap().contains("can't be written"));
    house.clock.set("2026-11-22T10:00:10Z".parse().unwrap());
    assert_eq!(process.spool.problem(), None, "it is ready for a post, which tries again");
    assert!(process.spool.keep(lead(0)).await.is_err());
    assert!(process.spool.problem().is_some());
    fs::rename(&hidden, house.path()).unwrap();
    process.keep([lead(1)]).await;
    assert_eq!(process.spool.problem(), None);
    house.drain(&process).await;
    assert_eq!(house.drained(), ids([1]));
}

#[tokio::test]
async fn a_folder_is_one_processs_alone() {
    let house = House::new();
    let process = house.start();
    let second = house.open(ROOM).err().unwrap();
    assert!(second.to_string().contains("another process"), "{second}");
    process.end().await;
    house.start().end().await;
}

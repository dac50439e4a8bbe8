//! The store of a single process: one SQLite file in WAL mode, every commit flushed to disk. One thread writes; a few connections read.
//!
//! The file belongs to one process at a time: a second one is turned away by a lock on `<file>.lock`, which ends with the process. Since all leases
//! are this process's own, those of one that was killed are void from the start.

mod again;
mod append;
mod columns;
mod lease;
mod look;
mod probe;
mod readers;
mod remember;
mod reserve;
mod settle;
mod turns;
mod writer;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::broadcast;

use self::readers::Readers;
use self::writer::Writer;
use super::waking::{self, STEP, Woken};
use super::*;
use crate::lead::{LeadId, Outcome, State, UnmatchedReason};

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How many events a slow watcher may lag behind.
const EVENTS: usize = 256;

mod embedded {
    refinery::embed_migrations!("src/store/migrations/sqlite");
}

/// Leads in one SQLite file.
pub struct SqliteStore {
    writer: Option<Writer>,
    thread: Option<JoinHandle<()>>,
    readers: Readers,
    events: broadcast::Sender<Happened>,
    /// Held for as long as the store is open.
    _lock: File,
}

impl SqliteStore {
    /// Opens the file, creating or migrating it when needed, and voids all leases. Blocks for some milliseconds.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let lock = lock(path)?;
        let mut connection = Connection::open(path).map_err(fault)?;
        settings(&connection).map_err(fault)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
        embedded::migrations::runner()
            .set_abort_missing(false)
            .run(&mut connection)
            .map_err(|error| StoreError::Refused(format!("the tables could not be brought up to date: {error}")))?;
        lease::void_all(&connection).map_err(fault)?;
        let (writer, thread) = Writer::start(connection)?;
        let (events, _) = broadcast::channel(EVENTS);
        Ok(Self { writer: Some(writer), thread: Some(thread), readers: Readers::new(path), events, _lock: lock })
    }

    async fn write<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let writer = self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("the store is closed".into()))?;
        in_time(writer.run(work)).await
    }

    async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        in_time(self.readers.run(work)).await
    }

    /// Wakes leads step by step.
    async fn wake_after(&self, mut after: Option<LeadId>, reasons: &[UnmatchedReason], most: usize, now: Timestamp) -> Result<u64> {
        let mut total = 0;
        loop {
            let (reasons, step) = (reasons.to_vec(), waking::step(most, total));
            let woken = self.write(move |connection| again::wake(connection, &reasons, after, step, now).map_err(fault)).await?;
            self.tell_woken(woken);
            total += woken.leads;
            after = woken.go_on_after;
            if after.is_none() {
                return Ok(total);
            }
        }
    }

    fn tell_woken(&self, woken: Woken) {
        if woken.leads > 0 {
            self.tell(Happened::Work);
        }
    }

    fn tell(&self, happened: Happened) {
        // Nobody may be watching.
        let _ = self.events.send(happened);
    }
}

/// Waits for the writing thread, so that the file is closed when this returns.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, leads: Vec<NewLead>) -> Result<Vec<Appended>> {
        let answers = self.write(move |connection| append::append(connection, &leads)).await?;
        if answers.contains(&Appended::New) {
            self.tell(Happened::Work);
        }
        Ok(answers)
    }

    async fn adopt(&self, leads: Vec<NewLead>) -> Result<Vec<Adopted>> {
        let answers = self.write(move |connection| append::adopt(connection, &leads)).await?;
        if answers.contains(&Adopted::New) {
            self.tell(Happened::Work);
        }
        Ok(answers)
    }

    async fn claim(&self, owner: &str, most: usize, lease: SignedDuration, now: Timestamp) -> Result<Vec<Claimed>> {
        let owner = owner.to_owned();
        self.write(move |connection| lease::claim(connection, &owner, most, lease, now)).await
    }

    async fn renew(&self, owner: &str, leads: Vec<(LeadId, i64)>, lease: SignedDuration, now: Timestamp) -> Result<Vec<LeadId>> {
        let owner = owner.to_owned();
        self.write(move |connection| lease::renew(connection, &owner, &leads, lease, now).map_err(fault)).await
    }

    async fn reserve(&self, reservations: Vec<Reservation>) -> Result<Vec<Reserved>> {
        self.write(move |connection| reserve::reserve(connection, &reservations)).await
    }

    async fn record(&self, tries: Vec<Tried>) -> Result<Vec<bool>> {
        self.write(move |connection| settle::record(connection, &tries)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>> {
        let answers = self.write(move |connection| settle::settle(connection, &settlements)).await?;
        if answers.contains(&true) {
            self.tell(Happened::Settled);
        }
        Ok(answers)
    }

    async fn close(&self, lead: LeadId, now: Timestamp) -> Result<bool> {
        let woken = self.write(move |connection| again::close(connection, lead, now).map_err(fault)).await?;
        let Some(woken) = woken else { return Ok(false) };
        self.tell_woken(woken);
        if woken.go_on_after.is_some() {
            self.wake_after(woken.go_on_after, &waking::WAIT_FOR_A_PLACE, usize::MAX, now).await?;
        }
        Ok(true)
    }

    async fn rerun(&self, rules: &str, now: Timestamp) -> Result<u64> {
        let mut total = 0;
        loop {
            let rules = rules.to_owned();
            let made_due = self.write(move |connection| again::rerun(connection, &rules, now, STEP).map_err(fault)).await?;
            if made_due > 0 {
                self.tell(Happened::Work);
            }
            total += made_due as u64;
            if made_due < STEP {
                return Ok(total);
            }
        }
    }

    async fn wake(&self, reasons: &[UnmatchedReason], most: usize, now: Timestamp) -> Result<u64> {
        self.wake_after(None, waking::reasons(reasons), most, now).await
    }

    async fn release(&self, lead: LeadId, now: Timestamp) -> Result<bool> {
        let released = self.write(move |connection| again::release(connection, lead, now).map_err(fault)).await?;
        self.tell_woken(Woken { leads: u64::from(released), go_on_after: None });
        Ok(released)
    }

    async fn probe(&self, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        let (endpoint, probe) = (endpoint.to_owned(), probe.to_owned());
        self.write(move |connection| probe::probe(connection, &endpoint, &probe, until, now).map_err(fault)).await
    }

    async fn used(&self, now: Timestamp) -> Result<Vec<Used>> {
        let (used, over) = self.read(move |connection| look::used(connection, now).map_err(fault)).await?;
        if over {
            windows::forgotten(self.write(move |connection| reserve::forget(connection, now).map_err(fault)).await);
        }
        Ok(used)
    }

    async fn turns(&self) -> Result<Vec<TurnAt>> {
        self.read(|connection| turns::all(connection).map_err(fault)).await
    }

    async fn owners(&self, keys: Vec<[u8; 32]>) -> Result<Vec<Owner>> {
        self.read(move |connection| look::owners(connection, &keys).map_err(fault)).await
    }

    async fn arrived(&self, before: Option<(Timestamp, LeadId)>, most: usize) -> Result<Vec<Arrived>> {
        self.read(move |connection| look::arrived(connection, before, most)).await
    }

    async fn outcomes(&self, leads: Vec<LeadId>) -> Result<Vec<Option<Outcome>>> {
        self.read(move |connection| look::outcomes(connection, &leads)).await
    }

    async fn lead(&self, lead: LeadId) -> Result<Option<LeadFile>> {
        self.read(move |connection| look::lead(connection, lead)).await
    }

    async fn latest(&self) -> Result<Option<LeadId>> {
        self.read(|connection| look::latest(connection).map_err(fault)).await
    }

    async fn count(&self) -> Result<Vec<(State, i64)>> {
        self.read(look::count).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth> {
        self.read(move |connection| look::depth(connection, now).map_err(fault)).await
    }

    async fn remember_rules(&self, digest: &str, objects: Vec<RuleObject>) -> Result<()> {
        let (known, new) = (digest.to_owned(), digest.to_owned());
        if self.read(move |connection| remember::knows(connection, &known).map_err(fault)).await? {
            return Ok(());
        }
        self.write(move |connection| remember::remember(connection, &new, &objects).map_err(fault)).await
    }

    async fn rules(&self, digest: &str) -> Result<Option<Vec<RuleObject>>> {
        let digest = digest.to_owned();
        self.read(move |connection| remember::rules(connection, &digest)).await
    }

    async fn ping(&self) -> Result<()> {
        self.write(|connection| connection.execute("UPDATE pulse SET beats = beats + 1", []).map(drop).map_err(fault)).await
    }

    fn watch(&self) -> broadcast::Receiver<Happened> {
        self.events.subscribe()
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(DEADLINE, call)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer from the disk within 10 seconds".into())))
}

fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let cannot = |error: std::io::Error| StoreError::Unavailable(format!("{} can't be opened: {error}", name.display()));
    let file = File::create(&name).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Unavailable(format!("{} is in use by another process: end that one first", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// What an error of SQLite means to the caller. Its text names tables and columns, and no values.
fn fault(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly,
        ) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Refused(error.to_string()),
    }
}

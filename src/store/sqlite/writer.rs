//! The one thread that writes. What waits while a commit runs shares the next one: each job in a savepoint of its own, so that it happens whole or
//! not at all, and all of them in one transaction, so that they share a disk flush.

use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::fault;
use crate::store::{Result, StoreError};

/// How many jobs may wait, and how many may share a commit.
const WAITING: usize = 256;
const TOGETHER: usize = 32;

/// One piece of work on the writing connection.
trait Job: Send {
    fn run(&mut self, connection: &Connection) -> std::result::Result<(), StoreError>;
    /// Tells the caller, once it is known whether the commit went through.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Call<W, T> {
    work: Option<W>,
    done: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<W, T> Job for Call<W, T>
where
    W: FnOnce(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> Result<()> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let savepoint = |sql| connection.execute_batch(sql).map_err(fault);
        savepoint("SAVEPOINT job")?;
        match work(connection) {
            Ok(value) => {
                savepoint("RELEASE job")?;
                self.done = Some(Ok(value));
            }
            Err(error) => {
                self.done = Some(Err(error));
                savepoint("ROLLBACK TO job; RELEASE job")?;
            }
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let answer = match (committed, self.done) {
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(StoreError::Unavailable("the write was not made".into())),
        };
        // A caller that has gone needs no answer.
        let _ = self.caller.send(answer);
    }
}

/// Hands work to the writing thread.
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Starts the thread. It ends when the writer is dropped.
    pub(super) fn start(connection: Connection) -> Result<(Self, JoinHandle<()>)> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write(connection, waiting))
            .map_err(|error| StoreError::Unavailable(format!("the writing thread did not start: {error}")))?;
        Ok((Self { jobs }, thread))
    }

    /// Runs `work` in a transaction and returns when that is on disk.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let gone = || StoreError::Unavailable("the writing thread has ended".into());
        let (caller, answer) = oneshot::channel();
        self.jobs.send(Box::new(Call { work: Some(work), done: None, caller })).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    while waiting.blocking_recv_many(&mut jobs, TOGETHER) > 0 {
        let committed = commit(&mut connection, &mut jobs);
        for job in jobs.drain(..) {
            job.answer(committed.as_ref().copied().map_err(again));
        }
    }
}

fn commit(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    for job in jobs {
        job.run(&transaction)?;
        // Some errors, such as a full disk, roll everything back.
        if transaction.is_autocommit() {
            return Err(StoreError::Unavailable("the database rolled the transaction back".into()));
        }
    }
    transaction.commit().map_err(fault)
}

fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        StoreError::Refused(why) => StoreError::Refused(why.clone()),
    }
}

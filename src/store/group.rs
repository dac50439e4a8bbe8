//! Gathers single calls into the port's batches. While one batch is committed the next one gathers; there is no timer, so a lone call waits for nobody.
//!
//! A batch is finished even when those who asked have gone. A batch that the store refuses is tried again one by one, so that an item that can't be
//! kept fails alone.

use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Appended, NewLead, Reservation, Reserved, Result, Settlement, Store, StoreError, Tried};
use crate::ops::metrics::Metrics;

/// How many items may share a commit.
const TOGETHER: usize = 256;
/// How many items of a kind may wait.
const WAITING: usize = 4096;

/// One item, and who asked for it.
type Asked<I, O> = (I, oneshot::Sender<Result<O>>);

/// Calls the store in batches.
#[derive(Clone)]
pub struct Group {
    appends: Queue<NewLead, Appended>,
    reserves: Queue<Reservation, Reserved>,
    records: Queue<Tried, bool>,
    settles: Queue<Settlement, bool>,
}

impl Group {
    /// Starts the workers: one for each kind of call, and `appenders` for appends (more than one helps on PostgreSQL only). They end by themselves
    /// once the group and its clones are dropped and all that waited is done; should one end before, something is broken.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, appenders: usize) -> (Self, Vec<JoinHandle<()>>) {
        let mut workers = Vec::new();
        let mut start = Start { store, metrics, workers: &mut workers };
        let group = Self {
            appends: start.queue("append", appenders, |store, leads| async move { store.append(leads).await }.boxed()),
            reserves: start.queue("reserve", 1, |store, asked| reserve_in_turn(store, asked).boxed()),
            records: start.queue("record", 1, |store, tries| async move { store.record(tries).await }.boxed()),
            settles: start.queue("settle", 1, |store, asked| async move { store.settle(asked).await }.boxed()),
        };
        (group, workers)
    }

    /// Keeps a lead. It is on disk when this returns.
    pub async fn append(&self, lead: NewLead) -> Result<Appended> {
        self.appends.ask(lead).await
    }

    /// Takes places for one delivery.
    pub async fn reserve(&self, reservation: Reservation) -> Result<Reserved> {
        self.reserves.ask(reservation).await
    }

    /// Puts a try on record. False for a lost lease.
    pub async fn record(&self, tried: Tried) -> Result<bool> {
        self.records.ask(tried).await
    }

    /// Ends a delivery, a run or a lease. False for a lost lease.
    pub async fn settle(&self, settlement: Settlement) -> Result<bool> {
        self.settles.ask(settlement).await
    }
}

/// Reserves in the order of turns: of the leads that go to one recipient the one that was decided first comes first, whichever was ready first.
async fn reserve_in_turn(store: Arc<dyn Store>, asked: Vec<Reservation>) -> Result<Vec<Reserved>> {
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|at| asked[*at].turn.as_ref().and_then(|turn| turn.expect).map(|expected| expected.position));
    let mut waiting: Vec<Option<Reservation>> = asked.into_iter().map(Some).collect();
    let in_turn = order.iter().filter_map(|at| waiting[*at].take()).collect();
    let mut answers: Vec<(usize, Reserved)> = order.into_iter().zip(store.reserve(in_turn).await?).collect();
    answers.sort_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Where items of one kind wait.
struct Queue<I, O> {
    call: &'static str,
    waiting: mpsc::Sender<Asked<I, O>>,
}

impl<I, O> Clone for Queue<I, O> {
    fn clone(&self) -> Self {
        Self { call: self.call, waiting: self.waiting.clone() }
    }
}

impl<I, O> Queue<I, O> {
    async fn ask(&self, item: I) -> Result<O> {
        let (asker, answer) = oneshot::channel();
        self.waiting.try_send((item, asker)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Unavailable(format!("{WAITING} calls of `{}` wait already", self.call)),
            mpsc::error::TrySendError::Closed(_) => self.ended(),
        })?;
        answer.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> StoreError {
        StoreError::Unavailable(format!("the worker for `{}` has ended", self.call))
    }
}

/// What a worker calls with a batch.
type Batch<I, O> = fn(Arc<dyn Store>, Vec<I>) -> BoxFuture<'static, Result<Vec<O>>>;

struct Start<'a> {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    workers: &'a mut Vec<JoinHandle<()>>,
}

impl Start<'_> {
    fn queue<I, O>(&mut self, call: &'static str, workers: usize, batch: Batch<I, O>) -> Queue<I, O>
    where
        I: Clone + Send + 'static,
        O: Send + 'static,
    {
        let (sender, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..workers.max(1) {
            let caller = Caller { call, batch, store: Arc::clone(&self.store), metrics: Arc::clone(&self.metrics) };
            self.workers.push(tokio::spawn(work(caller, Arc::clone(&waiting))));
        }
        Queue { call, waiting: sender }
    }
}

async fn work<I: Clone + Send + 'static, O: Send + 'static>(caller: Caller<I, O>, waiting: Arc<Mutex<mpsc::Receiver<Asked<I, O>>>>) {
    let mut gathered = Vec::with_capacity(TOGETHER);
    while waiting.lock().await.recv_many(&mut gathered, TOGETHER).await > 0 {
        let (items, askers): (Vec<I>, Vec<_>) = gathered.drain(..).unzip();
        for (asker, answer) in askers.into_iter().zip(caller.answers(items).await) {
            // Whoever has gone needs no answer.
            let _ = asker.send(answer);
        }
    }
}

/// Makes one kind of call.
struct Caller<I, O> {
    call: &'static str,
    batch: Batch<I, O>,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl<I: Clone, O> Caller<I, O> {
    /// One answer for each item.
    async fn answers(&self, items: Vec<I>) -> Vec<Result<O>> {
        self.metrics.commit_batch.observe(items.len() as f64);
        let alone = items.len() == 1;
        match self.timed(items.clone()).await {
            Ok(answers) if answers.len() == items.len() => answers.into_iter().map(Ok).collect(),
            Ok(_) => items.iter().map(|_| Err(StoreError::Refused("it gave another number of answers".into()))).collect(),
            Err(StoreError::Refused(_)) if !alone => self.one_by_one(items).await,
            Err(StoreError::Refused(why)) => items.iter().map(|_| Err(StoreError::Refused(why.clone()))).collect(),
            Err(StoreError::Unavailable(why)) => items.iter().map(|_| Err(StoreError::Unavailable(why.clone()))).collect(),
        }
    }

    async fn one_by_one(&self, items: Vec<I>) -> Vec<Result<O>> {
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let answer = self.timed(vec![item]).await;
            answers
                .push(answer.and_then(|answers| answers.into_iter().next().ok_or_else(|| StoreError::Refused("it gave no answer".into()))));
        }
        answers
    }

    async fn timed(&self, items: Vec<I>) -> Result<Vec<O>> {
        let start = Instant::now();
        let answer = (self.batch)(Arc::clone(&self.store), items).await;
        self.metrics.store_seconds.with_label_values(&[self.call]).observe(start.elapsed().as_secs_f64());
        let result = if answer.is_ok() { "ok" } else { "error" };
        self.metrics.store_calls.with_label_values(&[self.call, result]).inc();
        answer
    }
}

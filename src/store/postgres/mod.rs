//! The store that several processes share: a PostgreSQL database. Each batch is one transaction of a few statements over arrays, however many leads
//! it has; every call has a deadline of ten seconds.

mod address;
mod again;
mod append;
mod bell;
mod columns;
mod lease;
mod look;
mod migrate;
mod probe;
mod remember;
mod reserve;
mod settle;
mod turns;
mod usage;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use self::address::Address;
use self::bell::Bell;
use self::work::Work;
use super::waking::{self, STEP, Woken};
use super::*;
use crate::lead::{LeadId, Outcome, State, UnmatchedReason};

/// How long a call may take, with all its tries.
const DEADLINE: Duration = Duration::from_secs(10);

/// Leads in a PostgreSQL database.
pub struct PostgresStore {
    pool: ArcSwap<Pool>,
    connections: usize,
    bell: Arc<Bell>,
    address: watch::Sender<Arc<Address>>,
    /// Whether the tables are known to be up to date.
    prepared: AtomicBool,
}

impl PostgresStore {
    /// Connects, brings the tables up to date, and starts listening to other processes. The task ends when the store is dropped; should it end
    /// before, something is broken. Up to `connections` are open at once, and one more to listen.
    ///
    /// `url` is as libpq has it, `postgres://user:password@host:5432/database?sslmode=verify-full`. With `sslmode` `require`, `verify-ca` or
    /// `verify-full` there is TLS and the server's certificate is verified, by the system's CA bundle or by `sslrootcert`; otherwise there is none.
    pub async fn connect(url: &str, connections: usize) -> Result<(Self, JoinHandle<()>)> {
        let address = Address::parse(url)?;
        let pool = address.pool(connections)?;
        migrate::migrate(&pool).await?;
        Ok(Self::begin(address, pool, connections, true))
    }

    /// Like [`connect`](Self::connect), without asking whether the database is there: every call fails until [`prepare`](Self::prepare) has succeeded.
    pub fn open(url: &str, connections: usize) -> Result<(Self, JoinHandle<()>)> {
        let address = Address::parse(url)?;
        let pool = address.pool(connections)?;
        Ok(Self::begin(address, pool, connections, false))
    }

    fn begin(address: Address, pool: Pool, connections: usize, prepared: bool) -> (Self, JoinHandle<()>) {
        let (address, addresses) = watch::channel(Arc::new(address));
        let bell = Arc::new(Bell::new());
        let task = tokio::spawn(bell::keep(Arc::clone(&bell), addresses));
        (Self { pool: ArcSwap::from_pointee(pool), connections, bell, address, prepared: AtomicBool::new(prepared) }, task)
    }

    /// Brings the tables up to date.
    pub async fn prepare(&self) -> Result<()> {
        migrate::migrate(&self.pool.load_full()).await?;
        self.prepared.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Uses another URL of the same database from the next call on: for a password that was rotated. Calls under way end on the old one.
    pub fn set_url(&self, url: &str) -> Result<()> {
        let address = Address::parse(url)?;
        self.pool.store(Arc::new(address.pool(self.connections)?));
        self.address.send_replace(Arc::new(address));
        Ok(())
    }

    async fn run<W: Work>(&self, work: W) -> Result<W::Done> {
        if !self.prepared.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the database has not been reached yet".into()));
        }
        work::run(&self.pool.load_full(), &work).await
    }

    /// Wakes leads step by step.
    async fn wake_after(&self, mut after: Option<LeadId>, reasons: &[UnmatchedReason], most: usize, now: Timestamp) -> Result<u64> {
        let mut total = 0;
        loop {
            let step = waking::step(most, total);
            let woken = self.run(again::Wake { reasons: reasons.to_vec(), after, most: step as i64, now }).await?;
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
            self.bell.ring(Happened::Work);
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(&self, leads: Vec<NewLead>) -> Result<Vec<Appended>> {
        let answers = self.run(append::Append(leads)).await?;
        if answers.contains(&Appended::New) {
            self.bell.ring(Happened::Work);
        }
        Ok(answers)
    }

    async fn adopt(&self, leads: Vec<NewLead>) -> Result<Vec<Adopted>> {
        let answers = self.run(append::Adopt(leads)).await?;
        if answers.contains(&Adopted::New) {
            self.bell.ring(Happened::Work);
        }
        Ok(answers)
    }

    async fn claim(&self, owner: &str, most: usize, lease: SignedDuration, now: Timestamp) -> Result<Vec<Claimed>> {
        self.run(lease::Claim { owner: owner.to_owned(), most, lease, now }).await
    }

    async fn renew(&self, owner: &str, leads: Vec<(LeadId, i64)>, lease: SignedDuration, now: Timestamp) -> Result<Vec<LeadId>> {
        self.run(lease::Renew { owner: owner.to_owned(), leads, lease, now }).await
    }

    async fn reserve(&self, reservations: Vec<Reservation>) -> Result<Vec<Reserved>> {
        self.run(reserve::Reserve(reservations)).await
    }

    async fn record(&self, tries: Vec<Tried>) -> Result<Vec<bool>> {
        self.run(settle::Record(tries)).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>> {
        let answers = self.run(settle::Settle(settlements)).await?;
        if answers.contains(&true) {
            self.bell.ring(Happened::Settled);
        }
        Ok(answers)
    }

    async fn close(&self, lead: LeadId, now: Timestamp) -> Result<bool> {
        let Some(woken) = self.run(again::Close { lead, now, most: STEP as i64 }).await? else { return Ok(false) };
        self.tell_woken(woken);
        if woken.go_on_after.is_some() {
            self.wake_after(woken.go_on_after, &waking::WAIT_FOR_A_PLACE, usize::MAX, now).await?;
        }
        Ok(true)
    }

    async fn rerun(&self, rules: &str, now: Timestamp) -> Result<u64> {
        let mut total = 0;
        loop {
            let made_due = self.run(again::Rerun { rules: rules.to_owned(), now, most: STEP as i64 }).await?;
            if made_due > 0 {
                self.bell.ring(Happened::Work);
            }
            total += made_due;
            if made_due < STEP as u64 {
                return Ok(total);
            }
        }
    }

    async fn wake(&self, reasons: &[UnmatchedReason], most: usize, now: Timestamp) -> Result<u64> {
        self.wake_after(None, waking::reasons(reasons), most, now).await
    }

    async fn release(&self, lead: LeadId, now: Timestamp) -> Result<bool> {
        let released = self.run(again::Release { lead, now }).await?;
        self.tell_woken(Woken { leads: u64::from(released), go_on_after: None });
        Ok(released)
    }

    async fn probe(&self, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        self.run(probe::Probe { endpoint: endpoint.to_owned(), probe: probe.to_owned(), until, now }).await
    }

    async fn used(&self, now: Timestamp) -> Result<Vec<Used>> {
        let (used, over) = self.run(look::InUse(now)).await?;
        if over {
            windows::forgotten(self.run(usage::Forget { now, most: windows::FORGET }).await);
        }
        Ok(used)
    }

    async fn turns(&self) -> Result<Vec<TurnAt>> {
        self.run(look::Turns).await
    }

    async fn owners(&self, keys: Vec<[u8; 32]>) -> Result<Vec<Owner>> {
        self.run(look::Owners(keys)).await
    }

    async fn arrived(&self, before: Option<(Timestamp, LeadId)>, most: usize) -> Result<Vec<Arrived>> {
        self.run(look::ByArrival { before, most: words::page(most) }).await
    }

    async fn outcomes(&self, leads: Vec<LeadId>) -> Result<Vec<Option<Outcome>>> {
        self.run(look::Outcomes(leads)).await
    }

    async fn lead(&self, lead: LeadId) -> Result<Option<LeadFile>> {
        self.run(look::File(lead)).await
    }

    async fn latest(&self) -> Result<Option<LeadId>> {
        self.run(look::Latest).await
    }

    async fn count(&self) -> Result<Vec<(State, i64)>> {
        self.run(look::Count).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth> {
        self.run(look::Waiting(now)).await
    }

    async fn remember_rules(&self, digest: &str, objects: Vec<RuleObject>) -> Result<()> {
        if self.run(remember::Knows(digest.to_owned())).await? {
            return Ok(());
        }
        self.run(remember::Remember { digest: digest.to_owned(), objects }).await
    }

    async fn rules(&self, digest: &str) -> Result<Option<Vec<RuleObject>>> {
        self.run(remember::Rules(digest.to_owned())).await
    }

    async fn ping(&self) -> Result<()> {
        self.run(remember::Pulse).await
    }

    fn watch(&self) -> broadcast::Receiver<Happened> {
        self.bell.events.subscribe()
    }
}

//! A store in memory: enough of one to take leads in.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::broadcast;

use crate::flow::arrive::{Appender, Kept};
use crate::lead::{LeadId, Outcome, State, UnmatchedReason};
use crate::store::*;

/// Keeps leads, and tells outcomes as a test sets them.
pub struct Memory {
    pub leads: Mutex<Vec<NewLead>>,
    outcomes: Mutex<HashMap<LeadId, Outcome>>,
    news: broadcast::Sender<Happened>,
    pub down: AtomicBool,
    pub panics: AtomicBool,
    /// Leads that it will not have.
    pub refused: Mutex<HashSet<LeadId>>,
    pub looks: AtomicUsize,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            leads: Mutex::default(),
            outcomes: Mutex::default(),
            news: broadcast::channel(64).0,
            down: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            refused: Mutex::default(),
            looks: AtomicUsize::new(0),
        })
    }

    /// Settles a lead; `told` says whether the store tells.
    pub fn settle(&self, lead: LeadId, outcome: Outcome, told: bool) {
        self.outcomes.lock().unwrap().insert(lead, outcome);
        if told {
            let _ = self.news.send(Happened::Settled);
        }
    }

    /// Waits until so many leads are kept, and gives their ids.
    pub async fn kept(&self, count: usize) -> Vec<LeadId> {
        loop {
            let ids: Vec<LeadId> = self.leads.lock().unwrap().iter().map(|lead| lead.id).collect();
            if ids.len() >= count {
                return ids;
            }
            tokio::task::yield_now().await;
        }
    }

    pub fn count(&self) -> usize {
        self.leads.lock().unwrap().len()
    }

    /// The lead that was kept last, unsealed.
    pub fn last(&self) -> Kept {
        serde_json::from_slice(&self.leads.lock().unwrap().last().unwrap().sealed.0).unwrap()
    }
}

#[async_trait]
impl Appender for Memory {
    async fn append(&self, lead: NewLead) -> Result<Appended> {
        assert!(!self.panics.load(Ordering::SeqCst), "as the test wished");
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("as the test wished".to_owned()));
        }
        let mut leads = self.leads.lock().unwrap();
        if let Some(wanted) = &lead.idempotency
            && let Some(before) = leads.iter().find(|lead| lead.idempotency.as_ref().is_some_and(|known| known.key == wanted.key))
        {
            let same = before.idempotency.as_ref() == Some(wanted);
            return Ok(if same { Appended::Replayed { lead: before.id } } else { Appended::KeyReused });
        }
        let known =
            leads.iter().find(|known| known.fingerprints.iter().any(|print| lead.fingerprints.iter().any(|new| new.hash == print.hash)));
        let appended = known.map_or(Appended::New, |known| Appended::Duplicate { of: known.id });
        let state = if appended == Appended::New { State::Queued } else { State::Duplicate };
        self.outcomes.lock().unwrap().insert(lead.id, Outcome { state, reason: None, taken_by: Vec::new() });
        leads.push(lead);
        Ok(appended)
    }
}

fn unused<T>() -> Result<T> {
    Err(StoreError::Refused("not of this store".to_owned()))
}

#[async_trait]
impl Store for Memory {
    async fn append(&self, leads: Vec<NewLead>) -> Result<Vec<Appended>> {
        let mut answers = Vec::new();
        for lead in leads {
            answers.push(Appender::append(self, lead).await?);
        }
        Ok(answers)
    }
    async fn adopt(&self, leads: Vec<NewLead>) -> Result<Vec<Adopted>> {
        if leads.iter().any(|lead| self.refused.lock().unwrap().contains(&lead.id)) {
            return Err(StoreError::Refused("as the test wished".to_owned()));
        }
        let mut answers = Vec::new();
        for lead in leads {
            let known = self.leads.lock().unwrap().iter().any(|known| known.id == lead.id);
            answers.push(match Appender::append(self, lead).await? {
                _ if known => Adopted::Known,
                Appended::Duplicate { of } => Adopted::Duplicate { of },
                _ => Adopted::New,
            });
        }
        Ok(answers)
    }
    async fn claim(&self, _: &str, _: usize, _: SignedDuration, _: Timestamp) -> Result<Vec<Claimed>> {
        unused()
    }
    async fn renew(&self, _: &str, _: Vec<(LeadId, i64)>, _: SignedDuration, _: Timestamp) -> Result<Vec<LeadId>> {
        unused()
    }
    async fn reserve(&self, _: Vec<Reservation>) -> Result<Vec<Reserved>> {
        unused()
    }
    async fn record(&self, _: Vec<Tried>) -> Result<Vec<bool>> {
        unused()
    }
    async fn settle(&self, _: Vec<Settlement>) -> Result<Vec<bool>> {
        unused()
    }
    async fn close(&self, _: LeadId, _: Timestamp) -> Result<bool> {
        unused()
    }
    async fn rerun(&self, _: &str, _: Timestamp) -> Result<u64> {
        unused()
    }
    async fn wake(&self, _: &[UnmatchedReason], _: usize, _: Timestamp) -> Result<u64> {
        unused()
    }
    async fn release(&self, _: LeadId, _: Timestamp) -> Result<bool> {
        unused()
    }
    async fn owners(&self, _: Vec<[u8; 32]>) -> Result<Vec<Owner>> {
        unused()
    }
    async fn arrived(&self, _: Option<(Timestamp, LeadId)>, _: usize) -> Result<Vec<Arrived>> {
        unused()
    }
    async fn probe(&self, _: &str, _: &str, _: Timestamp, _: Timestamp) -> Result<bool> {
        unused()
    }
    async fn used(&self, _: Timestamp) -> Result<Vec<Used>> {
        unused()
    }
    async fn turns(&self) -> Result<Vec<TurnAt>> {
        unused()
    }
    async fn outcomes(&self, leads: Vec<LeadId>) -> Result<Vec<Option<Outcome>>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("as the test wished".to_owned()));
        }
        let outcomes = self.outcomes.lock().unwrap();
        Ok(leads.iter().map(|lead| outcomes.get(lead).cloned()).collect())
    }
    async fn lead(&self, lead: LeadId) -> Result<Option<LeadFile>> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("as the test wished".to_owned()));
        }
        let outcome = self.outcomes.lock().unwrap().get(&lead).cloned();
        let leads = self.leads.lock().unwrap();
        Ok(leads.iter().find(|kept| kept.id == lead).zip(outcome).map(|(kept, outcome)| LeadFile {
            id: kept.id,
            source: kept.source.clone(),
            arrived_at: kept.arrived_at,
            sealed: kept.sealed.clone(),
            outcome,
            duplicate_of: None,
            decisions: Vec::new(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
        }))
    }
    async fn latest(&self) -> Result<Option<LeadId>> {
        unused()
    }
    async fn count(&self) -> Result<Vec<(State, i64)>> {
        unused()
    }
    async fn depth(&self, _: Timestamp) -> Result<Depth> {
        unused()
    }
    async fn remember_rules(&self, _: &str, _: Vec<RuleObject>) -> Result<()> {
        unused()
    }
    async fn rules(&self, _: &str) -> Result<Option<Vec<RuleObject>>> {
        unused()
    }
    async fn ping(&self) -> Result<()> {
        unused()
    }
    fn watch(&self) -> broadcast::Receiver<Happened> {
        self.news.subscribe()
    }
}

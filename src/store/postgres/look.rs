//! Questions: what happened, and what waits.

use std::collections::HashMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::future::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::columns::{self, At, recipient};
use super::work::{Fault, Work};
use crate::lead::decision::Turn;
use crate::lead::outcome::Taken;
use crate::lead::{LeadId, Outcome, State};
use crate::store::{Arrived, Depth, LeadFile, Owner, Sealed, StoreError, TurnAt, Used, windows, words};

/// What is used of current windows, and whether there are others.
pub(super) struct InUse(pub Timestamp);

#[async_trait]
impl Work for InUse {
    type Done = windows::Current;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction.prepare_cached("SELECT recipient, cap_window, held FROM usage ORDER BY recipient, cap_window").await?;
        let rows = transaction.query(&statement, &[]).await?;
        let used = rows.iter().map(|row| Used { recipient: recipient(row.get(0)), window: row.get(1), count: row.get(2) });
        Ok(windows::current(used.collect(), self.0))
    }
}

pub(super) struct Turns;

#[async_trait]
impl Work for Turns {
    type Done = Vec<TurnAt>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement =
            transaction.prepare_cached("SELECT rotation, recipient, position, last FROM turns ORDER BY rotation, recipient").await?;
        let rows = transaction.query(&statement, &[]).await?;
        let turn = |row: &Row| TurnAt {
            rotation: row.get(0),
            recipient: recipient(row.get(1)),
            turn: Turn { position: row.get(2), last: row.get(3) },
        };
        Ok(rows.iter().map(turn).collect())
    }
}

pub(super) struct Outcomes(pub Vec<LeadId>);

#[async_trait]
impl Work for Outcomes {
    type Done = Vec<Option<Outcome>>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let found = outcomes(transaction, &self.0).await?;
        Ok(self.0.iter().map(|lead| found.get(lead).cloned()).collect())
    }
}

async fn outcomes(transaction: &Transaction<'_>, leads: &[LeadId]) -> Result<HashMap<LeadId, Outcome>, Fault> {
    let standing = transaction.prepare_cached("SELECT id, state, reason FROM leads WHERE id = ANY($1)").await?;
    let taken = transaction
        .prepare_cached(
            "SELECT lead, recipient, record_id, price_minor, currency FROM deliveries
             WHERE lead = ANY($1) AND state = 'accepted' ORDER BY lead, number",
        )
        .await?;
    let ids: Vec<Uuid> = leads.iter().map(|lead| lead.0).collect();
    let (standing, taken) = try_join(transaction.query(&standing, &[&ids]), transaction.query(&taken, &[&ids])).await?;
    let mut found = HashMap::new();
    for row in &standing {
        let reason = row.get::<_, Option<&str>>(2).map(words::reason).transpose()?;
        let outcome = Outcome { state: words::lead_state(row.get(1))?, reason, taken_by: Vec::new() };
        found.insert(LeadId(row.get(0)), outcome);
    }
    for row in &taken {
        if let Some(outcome) = found.get_mut(&LeadId(row.get(0))) {
            let price = words::price(row.get(3), row.get(4));
            outcome.taken_by.push(Taken { recipient: recipient(row.get(1)), record_id: row.get(2), price });
        }
    }
    Ok(found)
}

pub(super) struct Owners(pub Vec<[u8; 32]>);

#[async_trait]
impl Work for Owners {
    type Done = Vec<Owner>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction
            .prepare_cached(
                "SELECT o.key, o.recipient, o.at FROM unnest($1::bytea[]) WITH ORDINALITY AS n (key, place)
                 JOIN owners o ON o.key = n.key ORDER BY n.place",
            )
            .await?;
        let keys: Vec<&[u8]> = self.0.iter().map(<[u8; 32]>::as_slice).collect();
        let rows = transaction.query(&statement, &[&keys]).await?;
        let owner = |row: &Row| Ok(Owner { key: columns::hash(row.get(0))?, recipient: recipient(row.get(1)), at: row.get::<_, At>(2).0 });
        Ok(rows.iter().map(owner).collect::<Result<_, StoreError>>()?)
    }
}

/// A page of leads by arrival, newest first.
pub(super) struct ByArrival {
    pub before: Option<(Timestamp, LeadId)>,
    pub most: i64,
}

#[async_trait]
impl Work for ByArrival {
    type Done = Vec<Arrived>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction
            .prepare_cached(
                "SELECT id, source, arrived_at, sealed FROM leads WHERE (arrived_at, id) < ($1, $2) ORDER BY arrived_at DESC, id DESC LIMIT $3",
            )
            .await?;
        let (at, lead) = self.before.unwrap_or((Timestamp::MAX, LeadId(Uuid::max())));
        let rows = transaction.query(&statement, &[&At(at), &lead.0, &self.most]).await?;
        let ids: Vec<LeadId> = rows.iter().map(|row| LeadId(row.get(0))).collect();
        let mut outcomes = outcomes(transaction, &ids).await?;
        let arrived = rows.iter().zip(ids).map(|(row, id)| {
            let outcome = outcomes.remove(&id).ok_or_else(|| StoreError::Refused("the lead has no state".into()))?;
            Ok(Arrived { id, source: row.get(1), arrived_at: row.get::<_, At>(2).0, sealed: Sealed(row.get(3)), outcome })
        });
        Ok(arrived.collect::<Result<_, StoreError>>()?)
    }
}

pub(super) struct File(pub LeadId);

#[async_trait]
impl Work for File {
    type Done = Option<LeadFile>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction.prepare_cached("SELECT source, arrived_at, sealed, duplicate_of FROM leads WHERE id = $1").await?;
        let Some(row) = transaction.query_opt(&statement, &[&self.0.0]).await? else { return Ok(None) };
        let missing = || StoreError::Refused("the lead has no state".into());
        Ok(Some(LeadFile {
            id: self.0,
            source: row.get(0),
            arrived_at: row.get::<_, At>(1).0,
            sealed: Sealed(row.get(2)),
            duplicate_of: row.get::<_, Option<Uuid>>(3).map(LeadId),
            outcome: outcomes(transaction, &[self.0]).await?.remove(&self.0).ok_or_else(missing)?,
            decisions: records(transaction, "SELECT body FROM decisions WHERE lead = $1 ORDER BY seq", self.0).await?,
            deliveries: columns::deliveries(transaction, &[self.0.0]).await?.remove(&self.0).unwrap_or_default(),
            attempts: records(transaction, "SELECT body FROM attempts WHERE lead = $1 ORDER BY delivery, number", self.0).await?,
        }))
    }
}

async fn records<T: serde::de::DeserializeOwned>(transaction: &Transaction<'_>, sql: &str, lead: LeadId) -> Result<Vec<T>, Fault> {
    let statement = transaction.prepare_cached(sql).await?;
    let rows = transaction.query(&statement, &[&lead.0]).await?;
    Ok(rows.iter().map(|row| words::from_json(row.get(0))).collect::<Result<_, StoreError>>()?)
}

pub(super) struct Latest;

#[async_trait]
impl Work for Latest {
    type Done = Option<LeadId>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction.prepare_cached("SELECT id FROM leads ORDER BY id DESC LIMIT 1").await?;
        Ok(transaction.query_opt(&statement, &[]).await?.map(|row| LeadId(row.get(0))))
    }
}

pub(super) struct Count;

#[async_trait]
impl Work for Count {
    type Done = Vec<(State, i64)>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction.prepare_cached("SELECT state, count(*) FROM leads GROUP BY state ORDER BY state").await?;
        let rows = transaction.query(&statement, &[]).await?;
        Ok(rows.iter().map(|row| Ok((words::lead_state(row.get(0))?, row.get(1)))).collect::<Result<_, StoreError>>()?)
    }
}

pub(super) struct Waiting(pub Timestamp);

#[async_trait]
impl Work for Waiting {
    type Done = Depth;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Depth, Fault> {
        let statement = transaction
            .prepare_cached(
                "SELECT count(*) FILTER (WHERE owner IS NOT NULL OR due <= $1),
                        min(run_since) FILTER (WHERE owner IS NOT NULL OR due <= $1),
                        count(*) FILTER (WHERE left_under IS NOT NULL AND (due IS NULL OR due > $1))
                 FROM queue",
            )
            .await?;
        let row = transaction.query_one(&statement, &[&At(self.0)]).await?;
        Ok(Depth { queued: row.get(0), oldest: row.get::<_, Option<At>>(1).map(|at| at.0), unmatched: row.get(2) })
    }
}

//! Keeping new leads.
//!
//! Between processes, whoever writes the row of a key or fingerprint first has it: the others wait for that commit and then see it. Rows are written
//! in sorted order, so that nobody waits in a circle.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::future::try_join;
use futures::try_join;
use uuid::Uuid;

use super::columns::{At, hash};
use super::work::{Fault, Work};
use crate::lead::{LeadId, State};
use crate::store::admit::{self, Holder, UsedKey};
use crate::store::{Adopted, Appended, Idempotency, NewLead};

pub(super) struct Append(pub Vec<NewLead>);

#[async_trait]
impl Work for Append {
    type Done = Vec<Appended>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let leads = &self.0;
        let answers = admit::by_key(leads, &used_keys(transaction, leads).await?);
        finish(transaction, leads, answers).await
    }
}

/// Keeps leads that were acknowledged already.
pub(super) struct Adopt(pub Vec<NewLead>);

#[async_trait]
impl Work for Adopt {
    type Done = Vec<Adopted>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let leads = &self.0;
        let mut unknown = admit::unknown(leads, &on_record(transaction, leads).await?);
        let keys = used_keys(transaction, &unknown).await?;
        let answers = admit::by_key_acknowledged(&mut unknown, &keys);
        let answers = finish(transaction, &unknown, answers).await?;
        Ok(admit::adopted(leads, &unknown, &answers))
    }
}

async fn on_record(transaction: &Transaction<'_>, leads: &[NewLead]) -> Result<HashSet<LeadId>, Fault> {
    let look = transaction.prepare_cached("SELECT id FROM leads WHERE id = ANY($1)").await?;
    let ids: Vec<Uuid> = leads.iter().map(|lead| lead.id.0).collect();
    Ok(transaction.query(&look, &[&ids]).await?.iter().map(|row| LeadId(row.get(0))).collect())
}

/// Answers the leads that keys have not answered, and keeps what is to be kept.
async fn finish(transaction: &Transaction<'_>, leads: &[NewLead], answers: Vec<Option<Appended>>) -> Result<Vec<Appended>, Fault> {
    let asked = asked_fingerprints(leads, &answers);
    let found = put_fingerprints(transaction, &asked).await?;
    let known = found.iter().filter(|(hash, holder)| asked.get(*hash) != Some(holder)).map(|(hash, holder)| (*hash, *holder)).collect();
    let (answers, taken) = admit::by_fingerprint(leads, answers, &known);
    correct_fingerprints(transaction, &asked, &found, &taken).await?;
    keep(transaction, leads, &answers).await?;
    Ok(answers)
}

/// Puts all keys down and returns those that were there before.
async fn used_keys(transaction: &Transaction<'_>, leads: &[NewLead]) -> Result<HashMap<[u8; 32], UsedKey>, Fault> {
    let mut asked: BTreeMap<[u8; 32], (&Idempotency, LeadId)> = BTreeMap::new();
    for lead in leads {
        if let Some(idempotency) = &lead.idempotency {
            asked.entry(idempotency.key).or_insert((idempotency, lead.id));
        }
    }
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let put = transaction
        .prepare_cached(
            "INSERT INTO idempotency (key, body, lead) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[])
             ON CONFLICT (key) DO NOTHING RETURNING key",
        )
        .await?;
    let keys: Vec<&[u8]> = asked.keys().map(<[u8; 32]>::as_slice).collect();
    let bodies: Vec<&[u8]> = asked.values().map(|(idempotency, _)| idempotency.body.as_slice()).collect();
    let ids: Vec<Uuid> = asked.values().map(|(_, lead)| lead.0).collect();
    for row in transaction.query(&put, &[&keys, &bodies, &ids]).await? {
        asked.remove(row.get::<_, &[u8]>(0));
    }
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let look = transaction.prepare_cached("SELECT key, body, lead FROM idempotency WHERE key = ANY($1)").await?;
    let keys: Vec<&[u8]> = asked.keys().map(<[u8; 32]>::as_slice).collect();
    let mut known = HashMap::new();
    for row in transaction.query(&look, &[&keys]).await? {
        known.insert(hash(row.get(0))?, UsedKey { body: hash(row.get(1))?, lead: LeadId(row.get(2)) });
    }
    Ok(known)
}

/// For each fingerprint of the leads that are left, the first that has it.
fn asked_fingerprints(leads: &[NewLead], answers: &[Option<Appended>]) -> BTreeMap<[u8; 32], Holder> {
    let mut asked = BTreeMap::new();
    for (lead, _) in leads.iter().zip(answers).filter(|(_, answer)| answer.is_none()) {
        for fingerprint in &lead.fingerprints {
            asked.entry(fingerprint.hash).or_insert(Holder { lead: lead.id, arrived_at: lead.arrived_at });
        }
    }
    asked
}

/// Puts fingerprints down, locks those that were there before, and returns who holds each.
async fn put_fingerprints(transaction: &Transaction<'_>, asked: &BTreeMap<[u8; 32], Holder>) -> Result<HashMap<[u8; 32], Holder>, Fault> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let put = transaction
        .prepare_cached(
            "INSERT INTO fingerprints AS f (hash, lead, arrived_at) SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::timestamptz[])
             ON CONFLICT (hash) DO UPDATE SET lead = f.lead RETURNING f.hash, f.lead, f.arrived_at",
        )
        .await?;
    let (hashes, ids, times) = rows(asked.iter());
    let mut found = HashMap::new();
    for row in transaction.query(&put, &[&hashes, &ids, &times]).await? {
        let holder = Holder { lead: LeadId(row.get(1)), arrived_at: row.get::<_, At>(2).0 };
        let hash = hash(row.get(0))?;
        // The row of this batch says the same in whole microseconds.
        let own = asked.get(&hash).filter(|own| own.lead == holder.lead);
        found.insert(hash, own.copied().unwrap_or(holder));
    }
    Ok(found)
}

/// Hands fingerprints to those who took them over, and drops those put down for a lead that turned out to be a duplicate.
async fn correct_fingerprints(
    transaction: &Transaction<'_>,
    asked: &BTreeMap<[u8; 32], Holder>,
    found: &HashMap<[u8; 32], Holder>,
    taken: &HashMap<[u8; 32], Holder>,
) -> Result<(), Fault> {
    let moved: Vec<_> = taken.iter().filter(|(hash, holder)| found.get(*hash) != Some(holder)).collect();
    if !moved.is_empty() {
        let hand = transaction
            .prepare_cached(
                "UPDATE fingerprints f SET lead = n.lead, arrived_at = n.arrived_at
                 FROM unnest($1::bytea[], $2::uuid[], $3::timestamptz[]) AS n (hash, lead, arrived_at) WHERE f.hash = n.hash",
            )
            .await?;
        let (hashes, ids, times) = rows(moved.into_iter());
        transaction.execute(&hand, &[&hashes, &ids, &times]).await?;
    }
    let dropped: Vec<&[u8]> = asked
        .iter()
        .filter(|(hash, holder)| found.get(*hash) == Some(holder) && !taken.contains_key(*hash))
        .map(|(hash, _)| hash.as_slice())
        .collect();
    if !dropped.is_empty() {
        let drop = transaction.prepare_cached("DELETE FROM fingerprints WHERE hash = ANY($1)").await?;
        transaction.execute(&drop, &[&dropped]).await?;
    }
    Ok(())
}

fn rows<'a>(held: impl Iterator<Item = (&'a [u8; 32], &'a Holder)>) -> (Vec<&'a [u8]>, Vec<Uuid>, Vec<At>) {
    let mut rows = (Vec::new(), Vec::new(), Vec::new());
    for (hash, holder) in held {
        rows.0.push(hash.as_slice());
        rows.1.push(holder.lead.0);
        rows.2.push(At(holder.arrived_at));
    }
    rows
}

async fn keep(transaction: &Transaction<'_>, leads: &[NewLead], answers: &[Appended]) -> Result<(), Fault> {
    let kept: Vec<(&NewLead, Option<Uuid>)> = leads
        .iter()
        .zip(answers)
        .filter_map(|(lead, answer)| match answer {
            Appended::New => Some((lead, None)),
            Appended::Duplicate { of } => Some((lead, Some(of.0))),
            Appended::Replayed { .. } | Appended::KeyReused => None,
        })
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    let (put, queue) = try_join!(
        transaction.prepare_cached(
            "INSERT INTO leads (id, source, arrived_at, duplicate_of, state, sealed)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::bytea[])",
        ),
        transaction.prepare_cached(
            "INSERT INTO queue (lead, due, run_since) SELECT lead, due, due FROM unnest($1::uuid[], $2::timestamptz[]) AS n (lead, due)",
        ),
    )?;
    let ids: Vec<Uuid> = kept.iter().map(|(lead, _)| lead.id.0).collect();
    let sources: Vec<&str> = kept.iter().map(|(lead, _)| lead.source.as_str()).collect();
    let times: Vec<At> = kept.iter().map(|(lead, _)| At(lead.arrived_at)).collect();
    let originals: Vec<Option<Uuid>> = kept.iter().map(|(_, of)| *of).collect();
    let state = |of: &Option<Uuid>| if of.is_some() { State::Duplicate } else { State::Queued };
    let states: Vec<&str> = kept.iter().map(|(_, of)| state(of).as_str()).collect();
    let sealed: Vec<&[u8]> = kept.iter().map(|(lead, _)| lead.sealed.0.as_slice()).collect();
    let (new, due): (Vec<Uuid>, Vec<At>) =
        kept.iter().filter(|(_, of)| of.is_none()).map(|(lead, _)| (lead.id.0, At(lead.arrived_at))).unzip();
    try_join(
        transaction.execute(&put, &[&ids, &sources, &times, &originals, &states, &sealed]),
        transaction.execute(&queue, &[&new, &due]),
    )
    .await?;
    Ok(())
}

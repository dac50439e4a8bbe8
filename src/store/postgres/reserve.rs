//! Holding places. Leases are locked first, then places, then rotations, each in the order of their keys: no two processes wait for each other, and what
//! is decided in between holds until the commit.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures::try_join;
use uuid::Uuid;

use super::columns::{self, At};
use super::work::{Fault, Work};
use super::{turns, usage};
use crate::lead::Decision;
use crate::store::places::{self, Books};
use crate::store::{DeliveryState, Hold, Reservation, Reserved, words};

pub(super) struct Reserve(pub Vec<Reservation>);

#[async_trait]
impl Work for Reserve {
    type Done = Vec<Reserved>;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let asked = &self.0;
        let mut books = Books {
            leased: columns::lock(transaction, asked.iter().map(|reservation| reservation.delivery.lead)).await?,
            used: usage::lock(transaction, asked.iter().flat_map(|reservation| &reservation.holds)).await?,
            rotations: turns::lock(transaction, asked).await?,
        };
        let mut answers = places::decide(asked, &mut books);
        let held = asked.iter().zip(&answers).filter(|(_, answer)| matches!(answer, Reserved::Held { .. }));
        let kept: Vec<&Reservation> = held.map(|(asked, _)| asked).collect();
        let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for hold in kept.iter().flat_map(|reservation| &reservation.holds) {
            *counts.entry((hold.recipient.as_str(), &hold.window)).or_default() += hold.amount;
        }
        try_join!(
            turns::put(transaction, asked, &answers),
            put_deliveries(transaction, &kept),
            put_holds(transaction, &kept),
            usage::count(transaction, &counts),
            put_decisions(transaction, kept.iter().flat_map(|reservation| &reservation.decisions)),
        )?;
        turns::tell_stale(transaction, asked, &mut answers).await?;
        Ok(answers)
    }
}

async fn put_deliveries(transaction: &Transaction<'_>, kept: &[&Reservation]) -> Result<(), Fault> {
    if kept.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "INSERT INTO deliveries (lead, number, recipient, tier, policy, endpoint, price_minor, currency, at, request, exclusive, state)
             SELECT n.*, $12 FROM unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
                                         $9::timestamptz[], $10::bytea[], $11::bool[]) AS n",
        )
        .await?;
    let text = |part: fn(&Reservation) -> &str| kept.iter().map(|reservation| part(reservation)).collect::<Vec<&str>>();
    let ids: Vec<Uuid> = kept.iter().map(|reservation| reservation.delivery.lead.0).collect();
    let numbers: Vec<i32> = kept.iter().map(|reservation| reservation.delivery.number).collect();
    let (minors, currencies): (Vec<Option<i64>>, Vec<Option<&str>>) =
        kept.iter().map(|reservation| words::price_columns(&reservation.delivery)).unzip();
    let times: Vec<At> = kept.iter().map(|reservation| At(reservation.at)).collect();
    let requests: Vec<&[u8]> = kept.iter().map(|reservation| reservation.request.0.as_slice()).collect();
    let exclusive: Vec<bool> = kept.iter().map(|reservation| reservation.delivery.exclusive).collect();
    let recipients = text(|reservation| reservation.delivery.recipient.as_str());
    let tiers = text(|reservation| &reservation.delivery.tier);
    let policies = text(|reservation| &reservation.delivery.policy);
    let endpoints = text(|reservation| &reservation.delivery.endpoint);
    let state = words::state_word(DeliveryState::Open);
    transaction
        .execute(
            &statement,
            &[&ids, &numbers, &recipients, &tiers, &policies, &endpoints, &minors, &currencies, &times, &requests, &exclusive, &state],
        )
        .await?;
    Ok(())
}

async fn put_holds(transaction: &Transaction<'_>, kept: &[&Reservation]) -> Result<(), Fault> {
    let rows: Vec<(&Reservation, i32, &Hold)> = kept
        .iter()
        .flat_map(|reservation| (0..).zip(&reservation.holds).map(move |(position, hold)| (*reservation, position, hold)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = transaction
        .prepare_cached(
            "INSERT INTO holds (lead, number, position, recipient, cap_window, amount, keep)
             SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int4[], $4::text[], $5::text[], $6::bigint[], $7::bool[])",
        )
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|(reservation, ..)| reservation.delivery.lead.0).collect();
    let numbers: Vec<i32> = rows.iter().map(|(reservation, ..)| reservation.delivery.number).collect();
    let positions: Vec<i32> = rows.iter().map(|(_, position, _)| *position).collect();
    let recipients: Vec<&str> = rows.iter().map(|(.., hold)| hold.recipient.as_str()).collect();
    let windows: Vec<&str> = rows.iter().map(|(.., hold)| hold.window.as_str()).collect();
    let amounts: Vec<i64> = rows.iter().map(|(.., hold)| hold.amount).collect();
    let keep: Vec<bool> = rows.iter().map(|(.., hold)| hold.keep).collect();
    transaction.execute(&statement, &[&ids, &numbers, &positions, &recipients, &windows, &amounts, &keep]).await?;
    Ok(())
}

/// Puts decisions on record, in the order given.
pub(super) async fn put_decisions(transaction: &Transaction<'_>, decisions: impl Iterator<Item = &Decision>) -> Result<(), Fault> {
    let mut ids: Vec<Uuid> = Vec::new();
    let mut bodies: Vec<String> = Vec::new();
    for decision in decisions {
        ids.push(decision.lead.0);
        bodies.push(words::json(decision)?);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached("INSERT INTO decisions (lead, body) SELECT * FROM unnest($1::uuid[], $2::text[])").await?;
    transaction.execute(&statement, &[&ids, &bodies]).await?;
    Ok(())
}

//! Sets of rules, kept for replay; and the pulse.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use deadpool_postgres::Transaction;

use super::columns::hash;
use super::work::{Fault, Work};
use crate::store::{RuleObject, StoreError};

/// Whether a set of rules is known.
pub(super) struct Knows(pub String);

#[async_trait]
impl Work for Knows {
    type Done = bool;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<bool, Fault> {
        let statement = transaction.prepare_cached("SELECT 1 FROM rule_sets WHERE digest = $1").await?;
        Ok(transaction.query_opt(&statement, &[&self.0]).await?.is_some())
    }
}

pub(super) struct Remember {
    pub digest: String,
    pub objects: Vec<RuleObject>,
}

#[async_trait]
impl Work for Remember {
    type Done = ();

    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        let put = transaction
            .prepare_cached("INSERT INTO rule_objects (hash, body) SELECT * FROM unnest($1::bytea[], $2::text[]) ON CONFLICT DO NOTHING")
            .await?;
        let sorted: BTreeMap<&[u8], &str> = self.objects.iter().map(|object| (object.hash.as_slice(), object.json.as_str())).collect();
        let (hashes, bodies): (Vec<&[u8]>, Vec<&str>) = sorted.into_iter().unzip();
        transaction.execute(&put, &[&hashes, &bodies]).await?;
        let put = transaction.prepare_cached("INSERT INTO rule_sets (digest, objects) VALUES ($1, $2) ON CONFLICT DO NOTHING").await?;
        let hashes: Vec<&[u8]> = self.objects.iter().map(|object| object.hash.as_slice()).collect();
        transaction.execute(&put, &[&self.digest, &hashes]).await?;
        Ok(())
    }
}

pub(super) struct Rules(pub String);

#[async_trait]
impl Work for Rules {
    type Done = Option<Vec<RuleObject>>;
    const READS: bool = true;

    async fn run(&self, transaction: &Transaction<'_>) -> Result<Self::Done, Fault> {
        let statement = transaction.prepare_cached("SELECT objects FROM rule_sets WHERE digest = $1").await?;
        let Some(row) = transaction.query_opt(&statement, &[&self.0]).await? else { return Ok(None) };
        let hashes: Vec<&[u8]> = row.get(0);
        let statement = transaction.prepare_cached("SELECT hash, body FROM rule_objects WHERE hash = ANY($1)").await?;
        let rows = transaction.query(&statement, &[&hashes]).await?;
        let bodies: HashMap<&[u8], &str> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let object = |wanted: &&[u8]| {
            let body = bodies.get(wanted).ok_or_else(|| StoreError::Refused("an object of a set of rules is missing".into()))?;
            Ok(RuleObject { hash: hash(wanted)?, json: (*body).to_owned() })
        };
        Ok(Some(hashes.iter().map(object).collect::<Result<_, StoreError>>()?))
    }
}

/// Writes one row, to see whether writing works.
pub(super) struct Pulse;

#[async_trait]
impl Work for Pulse {
    type Done = ();

    async fn run(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        let statement = transaction.prepare_cached("UPDATE pulse SET beats = beats + 1 WHERE one = 1").await?;
        transaction.execute(&statement, &[]).await?;
        Ok(())
    }
}

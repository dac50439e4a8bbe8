//! From a body to a durable lead.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Builder;

use crate::api::lead_source::Format;
use crate::formats;
use crate::lead::{Lead, LeadId, Submission};
use crate::store::{Appended, Idempotency, NewLead, Sealed, StoreError};
use crate::table::schema::Schema;
use crate::table::source::Source;
use crate::table::{Live, Secrets};

use super::ports::Dice;
use super::refusal::Refusal;
use super::{fingerprint, validate};

/// The longest that keeping a lead may take before the source is told to try again.
const KEEP_WITHIN: Duration = Duration::from_secs(10);
/// What a lead is sealed for.
pub const LEAD_PURPOSE: &str = "lead";
/// What the hash of an Idempotency-Key is for.
const KEY_PURPOSE: &str = "idempotency-key";
/// What the hash of the body that came with it is for.
const BODY_PURPOSE: &str = "idempotency-body";

/// The rules that posts are judged by.
pub trait IngestRules: Send + Sync + 'static {
    fn source(&self, name: &str) -> Option<Arc<Source>>;
    fn schema(&self) -> &Schema;
}

/// The rules and Secrets of the moment.
pub trait CurrentRules: Send + Sync + 'static {
    fn rules(&self) -> Arc<dyn IngestRules>;
    fn secrets(&self) -> Arc<Secrets>;
}

impl<T: IngestRules> CurrentRules for Live<T> {
    fn rules(&self) -> Arc<dyn IngestRules> {
        self.table()
    }

    fn secrets(&self) -> Arc<Secrets> {
        Live::secrets(self)
    }
}

/// Keeps one lead, durably.
#[async_trait]
pub trait Appender: Send + Sync + 'static {
    async fn append(&self, lead: NewLead) -> Result<Appended, StoreError>;

    /// The source of a lead that is kept and that the store may not have yet.
    fn waiting_for_store(&self, _: LeadId) -> Option<Arc<str>> {
        None
    }
}

/// Encrypts what is personal, and hashes what must be looked up.
pub trait Seal: Send + Sync + 'static {
    fn seal(&self, lead: LeadId, purpose: &'static str, plain: &[u8]) -> Result<Sealed, SealFailed>;
    /// Must tell `["ab", "c"]` from `["a", "bc"]`.
    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32];
}

/// The keys of the moment; none until they are loaded.
pub trait CurrentSeal: Send + Sync + 'static {
    fn seal(&self) -> Option<Arc<dyn Seal>>;
}

/// Nothing could be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lead could not be sealed")]
pub struct SealFailed;

/// What the store keeps sealed under [`LEAD_PURPOSE`], as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub lead: Lead,
    pub submission: Submission,
}

/// A post whose sender is known.
pub struct Post<'a> {
    pub source: &'a Source,
    pub schema: &'a Schema,
    pub id: LeadId,
    pub arrived_at: Timestamp,
    pub format: Format,
    pub body: &'a [u8],
    pub idempotency_key: Option<&'a str>,
}

/// A new id: the time, and chance.
pub fn lead_id(now: Timestamp, dice: &dyn Dice) -> LeadId {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let mut chance = [0; 10];
    let rolled = dice.roll().to_le_bytes().into_iter().chain(dice.roll().to_le_bytes());
    chance.iter_mut().zip(rolled).for_each(|(byte, rolled)| *byte = rolled);
    LeadId(Builder::from_unix_timestamp_millis(millis, &chance).into_uuid())
}

/// Judges a post and makes of it what the store keeps. Nothing has been kept when this fails.
pub fn admit(post: &Post<'_>, seal: &dyn Seal) -> Result<NewLead, Refusal> {
    let posted = formats::read(post.format, post.body)?;
    let fields = validate::fields(&posted, post.source, post.schema).map_err(Refusal::Invalid)?;
    let source = post.source.name.clone();
    let lead = Lead { id: post.id, source: source.clone(), arrived_at: post.arrived_at, fields };
    let fingerprints = fingerprint::fingerprints(&lead, post.source, post.schema, &|purpose, parts| seal.hash(purpose, parts));
    let idempotency = post.idempotency_key.map(|key| Idempotency {
        key: seal.hash(KEY_PURPOSE, &[source.as_bytes(), key.as_bytes()]),
        body: seal.hash(BODY_PURPOSE, &[source.as_bytes(), content_type(post.format).as_bytes(), post.body]),
    });
    let body = String::from_utf8(post.body.to_vec()).map_err(|_| Refusal::Internal)?;
    let kept = Kept { lead, submission: Submission { content_type: content_type(post.format).to_owned(), body } };
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&kept).map_err(|_| Refusal::Internal)?);
    let sealed = seal.seal(post.id, LEAD_PURPOSE, &plain).map_err(|_| Refusal::KeysUnavailable)?;
    Ok(NewLead { id: post.id, source, arrived_at: post.arrived_at, sealed, fingerprints, idempotency })
}

/// Keeps the lead. When the store does not answer in time the lead may or may not be kept; the source is told to try again, and fingerprints and its
/// Idempotency-Key tell that it is the same.
pub async fn keep(appender: &dyn Appender, lead: NewLead) -> Result<Appended, Refusal> {
    let source = lead.source.clone();
    match tokio::time::timeout(KEEP_WITHIN, appender.append(lead)).await {
        Ok(Ok(appended)) => Ok(appended),
        Ok(Err(error)) => {
            tracing::debug!(source, %error, "a lead could not be kept");
            Err(Refusal::StoreUnavailable)
        }
        Err(_) => {
            tracing::debug!(source, "a lead could not be kept: the store does not answer");
            Err(Refusal::StoreUnavailable)
        }
    }
}

/// The media type of a format.
pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::JSON => "application/json",
        Format::Form => "application/x-www-form-urlencoded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::ports::LoadedDice;

    #[test]
    fn ids_are_version_7_of_the_clocks_time() {
        let now: Timestamp = "2026-11-22T10:00:00.123Z".parse().unwrap();
        let id = lead_id(now, &LoadedDice(7)).0;
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        assert_eq!((i64::try_from(seconds).unwrap(), nanos), (now.as_second(), 123_000_000));
        assert_eq!(id.get_version_num(), 7);
    }

    #[test]
    fn chance_fills_the_rest_of_an_id() {
        let now = Timestamp::UNIX_EPOCH;
        assert_ne!(lead_id(now, &LoadedDice(7)), lead_id(now, &LoadedDice(8)));
    }
}

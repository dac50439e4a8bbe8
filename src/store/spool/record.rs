//! A lead as bytes, and back. All that is personal in it is sealed already.
//!
//! In this order: a format version (1), the id (16 bytes), the time of arrival (nanoseconds since 1970, 16), the source's name (length in 4, text), the
//! Idempotency-Key (0; or 1, its hash and that of the body), the fingerprints (count in 4; each 32, then 0, or 1 and a time), and to the end what is
//! sealed. Numbers are little-endian.

use jiff::Timestamp;
use uuid::Uuid;

use crate::lead::LeadId;
use crate::store::{Fingerprint, Idempotency, NewLead, Sealed};

const VERSION: u8 = 1;

/// Writes a lead down.
pub fn encode(lead: &NewLead) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + lead.source.len() + 49 * lead.fingerprints.len() + lead.sealed.0.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(lead.id.0.as_bytes());
    put_time(&mut bytes, lead.arrived_at);
    put_count(&mut bytes, lead.source.len());
    bytes.extend_from_slice(lead.source.as_bytes());
    match &lead.idempotency {
        None => bytes.push(0),
        Some(idempotency) => {
            bytes.push(1);
            bytes.extend_from_slice(&idempotency.key);
            bytes.extend_from_slice(&idempotency.body);
        }
    }
    put_count(&mut bytes, lead.fingerprints.len());
    for fingerprint in &lead.fingerprints {
        bytes.extend_from_slice(&fingerprint.hash);
        match fingerprint.remembered_since {
            None => bytes.push(0),
            Some(since) => {
                bytes.push(1);
                put_time(&mut bytes, since);
            }
        }
    }
    bytes.extend_from_slice(&lead.sealed.0);
    bytes
}

/// Reads a lead back. `None` for what was not written by [`encode`], or by that of a newer release.
pub fn decode(bytes: &[u8]) -> Option<NewLead> {
    let mut rest = Rest(bytes);
    if rest.byte()? != VERSION {
        return None;
    }
    let id = LeadId(Uuid::from_bytes(rest.array()?));
    let arrived_at = rest.time()?;
    let length = rest.count()?;
    let source = std::str::from_utf8(rest.take(length)?).ok()?.to_owned();
    let idempotency = if rest.flag()? { Some(Idempotency { key: rest.array()?, body: rest.array()? }) } else { None };
    let mut fingerprints = Vec::new();
    for _ in 0..rest.count()? {
        let hash = rest.array()?;
        let remembered_since = if rest.flag()? { Some(rest.time()?) } else { None };
        fingerprints.push(Fingerprint { hash, remembered_since });
    }
    Some(NewLead { id, source, arrived_at, sealed: Sealed(rest.0.to_vec()), fingerprints, idempotency })
}

fn put_time(bytes: &mut Vec<u8>, time: Timestamp) {
    bytes.extend_from_slice(&time.as_nanosecond().to_le_bytes());
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u32).to_le_bytes());
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        Timestamp::from_nanosecond(i128::from_le_bytes(self.array()?)).ok()
    }
}

//! The log byte by byte, and over restarts.

mod log;
mod modes;
mod restarts;

use jiff::Timestamp;
use uuid::Uuid;

use crate::lead::LeadId;
use crate::store::{Fingerprint, Idempotency, NewLead, Sealed};

/// The lead of this number, which arrived in that second.
fn lead(number: u64) -> NewLead {
    NewLead {
        id: LeadId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0000 | u128::from(number))),
        source: format!("site-{}", number % 3),
        arrived_at: Timestamp::from_second(1_795_000_000 + number as i64).unwrap(),
        sealed: Sealed(format!("sealed {number}").repeat(1 + number as usize % 7).into_bytes()),
        fingerprints: vec![Fingerprint { hash: [number as u8; 32], remembered_since: None }],
        idempotency: None,
    }
}

fn with_key(mut lead: NewLead, key: u8, body: u8) -> NewLead {
    lead.idempotency = Some(Idempotency { key: [key; 32], body: [body; 32] });
    lead
}

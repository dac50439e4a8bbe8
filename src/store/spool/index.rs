//! What is known of the leads in the spool without reading them: whose they are, and the Idempotency-Keys that they came with.

use std::collections::HashMap;
use std::sync::Arc;

use crate::lead::LeadId;
use crate::store::{Appended, Idempotency, NewLead};

/// Half of a keyed hash is enough to tell keys apart, and half the memory.
type Short = [u8; 16];

/// About 150 bytes of memory for a lead with a key.
#[derive(Debug, Default)]
pub struct Index {
    leads: HashMap<LeadId, u32>,
    /// Names, by their number in `leads`.
    sources: Vec<Arc<str>>,
    keys: HashMap<Short, (Short, LeadId)>,
}

impl Index {
    /// Notes a lead.
    pub fn add(&mut self, lead: &NewLead) {
        let number = self.sources.iter().position(|name| **name == *lead.source).unwrap_or_else(|| {
            self.sources.push(lead.source.as_str().into());
            self.sources.len() - 1
        });
        self.leads.insert(lead.id, number as u32);
        if let Some(idempotency) = &lead.idempotency {
            // The first to use a key has it.
            self.keys.entry(short(&idempotency.key)).or_insert((short(&idempotency.body), lead.id));
        }
    }

    /// Forgets a lead, and its key.
    pub fn remove(&mut self, lead: &NewLead) {
        self.leads.remove(&lead.id);
        if let Some(idempotency) = &lead.idempotency
            && self.keys.get(&short(&idempotency.key)).is_some_and(|(_, holder)| *holder == lead.id)
        {
            self.keys.remove(&short(&idempotency.key));
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The source of a lead that is here.
    pub fn source(&self, lead: LeadId) -> Option<Arc<str>> {
        self.leads.get(&lead).and_then(|number| self.sources.get(*number as usize)).cloned()
    }

    /// What a post is answered whose key came with a lead that is here.
    pub fn used(&self, idempotency: Option<&Idempotency>) -> Option<Appended> {
        let idempotency = idempotency?;
        let (body, lead) = self.keys.get(&short(&idempotency.key))?;
        Some(if *body == short(&idempotency.body) { Appended::Replayed { lead: *lead } } else { Appended::KeyReused })
    }
}

fn short(hash: &[u8; 32]) -> Short {
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}

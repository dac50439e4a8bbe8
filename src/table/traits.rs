//! What sets recipients apart beside their filters, as bits: decisions ask these of many at once.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::bits::Bits;
use super::expression::Expression;
use super::recipient::{Recipient, Role};
use super::row::Row;

/// Recipients by trait.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    size: usize,
    /// Who has a CEL condition.
    pub conditional: Bits,
    conditions: HashMap<u32, Expression, FxBuildHasher>,
    /// Who takes leads alone only.
    pub exclusive: Bits,
    /// Who calls leads by phone.
    pub callers: Bits,
    /// Who is an agent.
    pub agents: Bits,
    /// Who has no share by weight.
    pub weightless: Bits,
    /// Who has no target.
    pub aimless: Bits,
    /// The fixed number of each, for ties. Kept here because reading it of each recipient would cost a decision among many more than all else.
    pub hashes: Vec<u64>,
    /// To whom different leads are of different amounts under some limit.
    pub uneven: Bits,
    skills: HashMap<String, Bits>,
    /// By Endpoint.
    endpoints: HashMap<Arc<str>, Vec<u32>>,
}

impl Traits {
    pub fn of(recipients: &Row<Recipient>) -> Self {
        let size = recipients.len();
        let none = || Bits::none(size);
        let mut traits = Self {
            size,
            conditional: none(),
            conditions: HashMap::default(),
            exclusive: none(),
            callers: none(),
            agents: none(),
            weightless: none(),
            aimless: none(),
            hashes: vec![0; size],
            uneven: none(),
            skills: HashMap::new(),
            endpoints: HashMap::new(),
        };
        for (number, recipient) in (0..).zip(recipients.iter()) {
            traits.put(number, recipient);
        }
        traits
    }

    /// The traits with one recipient changed.
    pub fn changed(&self, number: u32, before: &Recipient, after: &Recipient) -> Self {
        let mut next = self.clone();
        for skill in &before.skills {
            if let Some(bits) = next.skills.get_mut(skill) {
                bits.take(number);
            }
        }
        if before.endpoint != after.endpoint
            && let Some(list) = next.endpoints.get_mut(&before.endpoint)
        {
            list.retain(|other| *other != number);
        }
        next.put(number, after);
        next
    }

    fn put(&mut self, number: u32, recipient: &Recipient) {
        if let Some(hash) = self.hashes.get_mut(number as usize) {
            *hash = recipient.hash;
        }
        self.conditional.set(number, recipient.when.is_some());
        match &recipient.when {
            Some(when) => drop(self.conditions.insert(number, when.clone())),
            None => drop(self.conditions.remove(&number)),
        }
        self.exclusive.set(number, recipient.exclusive);
        self.callers.set(number, recipient.calls);
        self.agents.set(number, recipient.role == Role::Agent);
        self.weightless.set(number, recipient.weight == 0);
        self.aimless.set(number, recipient.target.is_none());
        self.uneven.set(number, recipient.limits.iter().any(|limit| limit.is_limited() && !recipient.is_even(limit)));
        for skill in &recipient.skills {
            let size = self.size;
            self.skills.entry(skill.clone()).or_insert_with(|| Bits::none(size)).add(number);
        }
        let list = self.endpoints.entry(Arc::clone(&recipient.endpoint)).or_default();
        if let Err(place) = list.binary_search(&number) {
            list.insert(place, number);
        }
    }

    /// The condition of a recipient.
    pub fn condition(&self, number: u32) -> Option<&Expression> {
        self.conditions.get(&number)
    }

    /// Who has a skill; none when nobody has it.
    pub fn skilled(&self, skill: &str) -> Option<&Bits> {
        self.skills.get(skill)
    }

    /// Whose leads go to an endpoint.
    pub fn delivered_to(&self, endpoint: &str) -> &[u32] {
        self.endpoints.get(endpoint).map_or(&[], Vec::as_slice)
    }
}

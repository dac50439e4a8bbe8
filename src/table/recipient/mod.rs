//! Agents and contracts, compiled: the recipients that a lead can go to.
//!
//! [`compile`] makes them of custom resources: their [`filters`] for the index, their [`limit`]s (capacity, caps, and what is merely counted) and
//! [`price`]s.

pub mod compile;
pub mod filters;
pub mod limit;
pub mod price;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::expression::{Expression, RecipientFacts};
use crate::calendar::{Availability, Per};
use crate::lead::RecipientKey;
use crate::lead::delivery::Money;
use crate::store::Hold;

pub use compile::{Compiled, agent, condition, contracts, time_zone};
pub use limit::{Limit, Reached, What};
pub use price::Price;

/// An agent, or one contract of a buyer.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    pub key: RecipientKey,
    /// A fixed number made of the key, for ties.
    pub hash: u64,
    /// Whether it is an agent or a contract.
    pub role: Role,
    /// Name of the Agent or Buyer.
    pub name: String,
    pub display_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Labels of the Agent or Buyer.
    pub labels: Arc<BTreeMap<String, String>>,
    pub when: Option<Expression>,
    pub availability: Availability,
    /// Whether leads are called by phone.
    pub calls: bool,
    /// Takes a lead only when nobody else gets it.
    pub exclusive: bool,
    pub skills: Vec<String>,
    /// What is counted, limited or not.
    pub limits: Vec<Limit>,
    /// What an open lead weighs, by grade.
    pub weights: BTreeMap<String, i64>,
    pub target: Option<Target>,
    pub priority: i32,
    pub weight: i32,
    pub conversion_rate: f64,
    pub price: Option<Price>,
    /// Name of the Endpoint.
    pub endpoint: Arc<str>,
}

/// What kind of recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Agent,
    Contract(String),
}

/// How much a recipient should get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The place in `limits` that counts towards it.
    pub limit: usize,
    pub leads: i64,
}

/// What a lead is to a recipient, as far as amounts go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    pub grade: Option<&'a str>,
    /// Nobody else gets the lead.
    pub exclusive: bool,
}

impl Recipient {
    /// The place among the limits that counts this.
    pub fn counting(&self, what: What) -> Option<usize> {
        self.limits.iter().position(|limit| limit.what == what)
    }

    /// What a lead adds to one of the limits.
    pub fn amount(&self, limit: &Limit, terms: Terms<'_>) -> i64 {
        match limit.what {
            What::OpenWeight => self.open_weight(terms.grade),
            What::Spent(_) => self.price_of(terms).map_or(0, |price| price.minor),
            What::Open | What::Taken(_) => 1,
        }
    }

    /// The least that any lead adds to a limit.
    pub fn least_amount(&self, limit: &Limit) -> i64 {
        match limit.what {
            What::OpenWeight => self.weights.values().copied().chain([1]).min().unwrap_or(1),
            What::Spent(_) => self.price.as_ref().map_or(0, Price::least),
            What::Open | What::Taken(_) => 1,
        }
    }

    /// Whether all leads add the same to a limit.
    pub fn is_even(&self, limit: &Limit) -> bool {
        match limit.what {
            What::OpenWeight => self.weights.is_empty(),
            What::Spent(_) => self.price.as_ref().is_none_or(Price::is_even),
            What::Open | What::Taken(_) => true,
        }
    }

    fn open_weight(&self, grade: Option<&str>) -> i64 {
        grade.and_then(|grade| self.weights.get(grade)).copied().unwrap_or(1)
    }

    /// What is paid for a lead.
    pub fn price_of(&self, terms: Terms<'_>) -> Option<Money> {
        self.price.as_ref().map(|price| price.of(terms))
    }

    /// The places that one more lead takes, in the windows that `now` is in.
    pub fn holds(&self, now: Timestamp, terms: Terms<'_>) -> Vec<Hold> {
        let hold = |limit: &Limit| {
            let window = limit.window(&self.availability.zone, now);
            Hold {
                recipient: self.key.clone(),
                limit: limit.allowed(&window, &self.availability, now),
                window: limit.label(&window),
                amount: self.amount(limit, terms),
                keep: limit.is_kept(),
            }
        };
        self.limits.iter().map(hold).collect()
    }

    /// What Score expressions see. `used` tells what a limit has counted.
    pub fn facts(&self, terms: Terms<'_>, mut used: impl FnMut(usize) -> i64) -> RecipientFacts<'_> {
        let mut count = |what: What| self.counting(what).map_or(0, &mut used) as f64;
        RecipientFacts {
            name: &self.name,
            conversion_rate: self.conversion_rate,
            load: count(What::Open),
            open_weight: count(What::OpenWeight),
            sold: count(What::Taken(limit::Sold::each(Per::Day))),
            capacity: self.capacity(What::Open).map_or(0.0, |most| most as f64),
            price: self.price_of(terms).map_or(0.0, |price| price.minor as f64 / 100.0),
            priority: f64::from(self.priority),
            weight: f64::from(self.weight),
        }
    }

    /// The most that may be open at a time, when that is limited.
    pub fn capacity(&self, what: What) -> Option<i64> {
        let limit = self.limits.iter().find(|limit| limit.what == what)?;
        limit.is_limited().then(|| limit.least())
    }
}

//! What a simulation found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::count::{Change, Changes, Count, Got, Side};
use super::fairness::{self, Fairness};
use super::roster::Roster;
use crate::lead::LeadId;

/// Leads that a report shows of each kind of change.
pub const EXAMPLES: usize = 10;

/// The report. Everything is there for JSON; people's tables show the most of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub leads: u64,
    /// What other rules would have done, when there are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Totals>,
    pub after: Totals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<AllChanges>,
    /// Recipients that got a lead or hit a cap, on either side; those whose leads change most come first, then those with most leads.
    pub recipients: Vec<Row>,
    pub tiers: Vec<Fairness>,
}

/// One side's sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Leads that somebody gets.
    pub matched: u64,
    /// Recipients of leads, all leads together.
    pub sales: u64,
    /// Leads that nobody gets, by reason.
    pub unmatched: BTreeMap<String, u64>,
    /// By currency.
    pub revenue: BTreeMap<String, Amount>,
    /// How often a cap kept a lead from somebody.
    pub capped: u64,
    /// Recipients that hit a cap.
    pub at_cap: u64,
}

/// Money in hundredths; written as a decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount(pub i64);

/// Leads whose recipients differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllChanges {
    /// Somebody gets them on both sides, but others.
    pub moved: Kind,
    pub newly_unmatched: Kind,
    pub newly_matched: Kind,
}

/// Leads of one kind of change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    pub count: u64,
    pub examples: Vec<Example>,
}

/// One such lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    pub lead: LeadId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What one recipient gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub recipient: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Part>,
    pub after: Part,
}

/// On one side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    pub leads: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub revenue: BTreeMap<String, Amount>,
    /// Leads that a cap kept from it.
    pub capped: u64,
}

impl Report {
    /// Makes the report of a count.
    pub fn of(count: &Count, roster: &Roster) -> Self {
        let mut recipients: Vec<_> = (0u32..)
            .zip(roster.recipients())
            .map(|(number, key)| {
                let part = |side: &Side| side.got.get(number as usize).map(|got| part(got, roster)).unwrap_or_default();
                Row { recipient: key.to_string(), before: count.compares.then(|| part(&count.before)), after: part(&count.after) }
            })
            .filter(|row| row.after != Part::default() || row.before.as_ref().is_some_and(|before| *before != Part::default()))
            .collect();
        recipients.sort_by_cached_key(|row| (std::cmp::Reverse((row.change().unsigned_abs(), row.after.leads)), row.recipient.clone()));
        let none = std::collections::HashMap::new();
        let tiers = roster.tiers().iter().enumerate().map(|(at, tier)| fairness::of(tier, count.tiers.get(at).unwrap_or(&none), roster));
        Self {
            leads: count.leads,
            before: count.compares.then(|| totals(&count.before, roster)),
            after: totals(&count.after, roster),
            changes: count.compares.then(|| AllChanges {
                moved: kind(&count.moved, roster),
                newly_unmatched: kind(&count.newly_unmatched, roster),
                newly_matched: kind(&count.newly_matched, roster),
            }),
            recipients,
            tiers: tiers.collect(),
        }
    }
}

impl Kind {
    /// Leads that are not among the examples.
    pub fn hidden(&self) -> u64 {
        self.count.saturating_sub(self.examples.len() as u64)
    }
}

impl Row {
    /// How many leads more than before.
    pub fn change(&self) -> i64 {
        let number = |leads: u64| i64::try_from(leads).unwrap_or(i64::MAX);
        self.before.as_ref().map_or(0, |before| number(self.after.leads) - number(before.leads))
    }
}

fn part(got: &Got, roster: &Roster) -> Part {
    Part { leads: got.leads, revenue: money(got.revenue.iter().copied(), roster), capped: got.capped }
}

/// By currency, those without any left out.
fn money(sums: impl Iterator<Item = i64>, roster: &Roster) -> BTreeMap<String, Amount> {
    roster.currencies().iter().zip(sums).filter(|(_, minor)| *minor != 0).map(|(code, minor)| (code.clone(), Amount(minor))).collect()
}

fn totals(side: &Side, roster: &Roster) -> Totals {
    let mut revenue = vec![0i64; roster.currencies().len()];
    for got in &side.got {
        revenue.iter_mut().zip(&got.revenue).for_each(|(sum, minor)| *sum = sum.saturating_add(*minor));
    }
    Totals {
        matched: side.matched,
        sales: side.got.iter().map(|got| got.leads).sum(),
        unmatched: side.unmatched.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        revenue: money(revenue.into_iter(), roster),
        capped: side.got.iter().map(|got| got.capped).sum(),
        at_cap: side.got.iter().filter(|got| got.capped > 0).count() as u64,
    }
}

fn kind(changes: &Changes, roster: &Roster) -> Kind {
    let names = |numbers: &[u32]| numbers.iter().map(|number| roster.name(*number)).collect();
    let example = |Change { lead, from, to, reason }: &Change| Example {
        lead: *lead,
        from: names(from),
        to: names(to),
        reason: reason.map(|reason| reason.as_str().to_owned()),
    };
    Kind { count: changes.count, examples: changes.examples.iter().map(example).collect() }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let minor = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let minor = rust_decimal::Decimal::from_str_exact(&text)
            .ok()
            .and_then(|amount| i64::try_from(amount * rust_decimal::Decimal::ONE_HUNDRED).ok());
        minor.map(Self).ok_or_else(|| serde::de::Error::custom("no amount"))
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

//! Counts leads one by one, by numbers alone.

use std::collections::{BTreeMap, HashMap};

use super::report::{EXAMPLES, Report};
use super::roster::Roster;
use crate::lead::{LeadId, UnmatchedReason};

/// One recipient that would get a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    pub recipient: u32,
    /// Number of the tier, on the simulated side; 0 means nothing on the other.
    pub tier: u32,
    /// What it would pay, in hundredths.
    pub minor: i64,
    pub currency: u16,
}

/// What would become of one lead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome<'a> {
    pub sales: &'a [Sale],
    /// Why nobody would get it, when so.
    pub unmatched: Option<UnmatchedReason>,
    /// Recipients that would have been candidates, but for a cap.
    pub capped: &'a [u32],
}

/// What one recipient got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Got {
    pub leads: u64,
    /// In hundredths, by number of the currency.
    pub revenue: Vec<i64>,
    /// Leads that a cap kept from it.
    pub capped: u64,
}

/// What became of leads under one set of rules.
#[derive(Clone, Debug, Default)]
pub struct Side {
    pub matched: u64,
    pub unmatched: BTreeMap<&'static str, u64>,
    /// By recipient number.
    pub got: Vec<Got>,
}

/// A lead with who got it before and who gets it after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub lead: LeadId,
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    /// Why nobody gets it, on the side where nobody does.
    pub reason: Option<UnmatchedReason>,
}

/// Leads of one kind of change: how many, and the first few.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub count: u64,
    pub examples: Vec<Change>,
}

/// The count so far.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub leads: u64,
    pub before: Side,
    pub after: Side,
    /// Whether there is anything to compare with.
    pub compares: bool,
    pub moved: Changes,
    pub newly_unmatched: Changes,
    pub newly_matched: Changes,
    /// Leads by tier number and recipient, on the simulated side.
    pub tiers: Vec<HashMap<u32, u64>>,
}

impl Count {
    /// Counts one lead: what the rules would do, and what the others would when there are others.
    pub fn lead(&mut self, lead: LeadId, before: Option<&Outcome<'_>>, after: &Outcome<'_>) {
        self.leads += 1;
        self.after.add(after);
        for sale in after.sales {
            let at = sale.tier as usize;
            if self.tiers.len() <= at {
                self.tiers.resize_with(at + 1, HashMap::new);
            }
            if let Some(tier) = self.tiers.get_mut(at) {
                *tier.entry(sale.recipient).or_default() += 1;
            }
        }
        if let Some(before) = before {
            self.compares = true;
            self.before.add(before);
            self.compare(lead, before, after);
        }
    }

    fn compare(&mut self, lead: LeadId, before: &Outcome<'_>, after: &Outcome<'_>) {
        let changes = match (before.sales.is_empty(), after.sales.is_empty()) {
            (true, true) => return,
            (false, true) => &mut self.newly_unmatched,
            (true, false) => &mut self.newly_matched,
            (false, false) if same(before.sales, after.sales) => return,
            (false, false) => &mut self.moved,
        };
        changes.count += 1;
        if changes.examples.len() < EXAMPLES {
            let numbers = |sales: &[Sale]| sales.iter().map(|sale| sale.recipient).collect();
            let reason = after.unmatched.or(before.unmatched);
            changes.examples.push(Change { lead, from: numbers(before.sales), to: numbers(after.sales), reason });
        }
    }

    /// The report of all that was counted.
    pub fn finish(self, roster: &Roster) -> Report {
        Report::of(&self, roster)
    }
}

/// Whether the same recipients get the lead, in whatever order.
fn same(these: &[Sale], those: &[Sale]) -> bool {
    these.len() == those.len() && these.iter().all(|one| those.iter().any(|other| other.recipient == one.recipient))
}

impl Side {
    fn add(&mut self, outcome: &Outcome<'_>) {
        if outcome.sales.is_empty() {
            *self.unmatched.entry(outcome.unmatched.map_or("Unknown", UnmatchedReason::as_str)).or_default() += 1;
        } else {
            self.matched += 1;
        }
        for sale in outcome.sales {
            let got = self.got(sale.recipient);
            got.leads += 1;
            let currency = usize::from(sale.currency);
            if sale.minor != 0 {
                if got.revenue.len() <= currency {
                    got.revenue.resize(currency + 1, 0);
                }
                if let Some(sum) = got.revenue.get_mut(currency) {
                    *sum = sum.saturating_add(sale.minor);
                }
            }
        }
        for recipient in outcome.capped {
            self.got(*recipient).capped += 1;
        }
    }

    fn got(&mut self, recipient: u32) -> &mut Got {
        let at = recipient as usize;
        if self.got.len() <= at {
            self.got.resize_with(at + 1, Got::default);
        }
        &mut self.got[at]
    }
}

//! Runs leads under one set of rules, or under two to compare.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::count::Count;
use super::report::Report;
use super::roster::{Intended, Roster, TierOf};
use super::side;
use crate::calendar::Per;
use crate::lead::Lead;
use crate::table::Table;
use crate::table::policy::{Method, Order, Tier};
use crate::table::recipient::What;

/// Days of a month, on average, times a hundred.
const DAYS_OF_100_MONTHS: f64 = 3043.68;

/// What the rules would do with leads, and what others would. Leads are taken in order of their arrival; `open_for` is how long an agent works on one.
pub fn simulate(after: &Arc<Table>, before: Option<&Arc<Table>>, mut leads: Vec<Lead>, open_for: SignedDuration) -> Report {
    leads.sort_by_key(|lead| (lead.arrived_at, lead.id));
    let mut roster = Roster::default();
    let numbers: Vec<_> = after.recipients.iter().map(|recipient| roster.recipient(&recipient.key)).collect();
    let mut tiers: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for policy in &after.policies {
        let of_policy = tiers.entry(policy.name.clone()).or_default();
        for tier in policy.all_tiers() {
            let number = roster.tier(TierOf {
                policy: policy.name.clone(),
                tier: tier.name.clone(),
                method: tier.method.name().to_owned(),
                intended: intended(after, tier, &numbers),
            });
            of_policy.insert(tier.name.clone(), number);
        }
    }
    let new = side::run(after, &leads, &mut roster, &tiers, open_for);
    let old = before.map(|before| side::run(before, &leads, &mut roster, &HashMap::new(), open_for));
    let mut count = Count::default();
    for (at, (lead, end)) in leads.iter().zip(&new).enumerate() {
        let before = old.as_ref().and_then(|old| old.get(at)).map(side::End::outcome);
        count.lead(lead.id, before.as_ref(), &end.outcome());
    }
    count.finish(&roster)
}

/// The shares that a tier's method has in mind.
fn intended(table: &Table, tier: &Tier, numbers: &[u32]) -> Intended {
    let shares = |share: &dyn Fn(&crate::table::recipient::Recipient) -> f64| {
        let members =
            tier.members.iter().filter_map(|member| Some((*numbers.get(member as usize)?, table.recipients.get(member as usize)?)));
        Intended::Shares(members.map(|(number, recipient)| (number, share(recipient))).filter(|(_, share)| *share > 0.0).collect())
    };
    match &tier.method {
        Method::Order(Order::RoundRobin(_)) => shares(&|_| 1.0),
        Method::Order(Order::Weighted(_)) => shares(&|recipient| f64::from(recipient.weight)),
        Method::Order(Order::Attainment) => shares(&|recipient| {
            let target = recipient.target.and_then(|target| Some((target.leads, recipient.limits.get(target.limit)?.what)));
            target.map_or(0.0, |(leads, what)| {
                let days = match what {
                    What::Taken(sold) if sold.per == Per::Week => 7.0,
                    What::Taken(sold) if sold.per == Per::Month => DAYS_OF_100_MONTHS / 100.0,
                    _ => 1.0,
                };
                leads as f64 / days
            })
        }),
        Method::Order(_) | Method::Sticky { .. } => Intended::None,
    }
}

//! Whether a tier's recipients got what its method intended.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::roster::{Intended, Roster, TierOf};

/// Recipients that a tier lists: those furthest from what was intended, or those with most when nothing was.
const LISTED: usize = 8;

/// One tier. Shares are of the leads that the tier gave out, in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fairness {
    pub policy: String,
    pub tier: String,
    pub method: String,
    /// Leads that the tier gave out.
    pub leads: u64,
    /// Recipients that are meant to get a share, or got one.
    pub recipients: usize,
    /// The greatest distance of a recipient's share from the intended one, in percentage points; absent when the method has no shares in mind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    pub shares: Vec<Share>,
}

/// One recipient's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    pub recipient: String,
    pub leads: u64,
    pub percent: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_percent: Option<f64>,
}

/// A tier's shares. A recipient falls short of what was intended for good reasons, too: a cap, its hours, tests that few leads pass.
pub fn of(tier: &TierOf, got: &HashMap<u32, u64>, roster: &Roster) -> Fairness {
    let leads: u64 = got.values().sum();
    let shares = match &tier.intended {
        Intended::Shares(shares) => shares.iter().copied().collect::<HashMap<_, _>>(),
        Intended::None => HashMap::new(),
    };
    let whole: f64 = shares.values().sum();
    let everybody: BTreeSet<u32> = got.keys().chain(shares.keys()).copied().collect();
    let has_shares = tier.intended != Intended::None && whole > 0.0;
    let percent = |part: f64, of: f64| if of > 0.0 { rounded(part / of * 100.0) } else { 0.0 };
    let mut listed: Vec<_> = everybody
        .iter()
        .map(|number| {
            let leads_of = got.get(number).copied().unwrap_or_default();
            Share {
                recipient: roster.name(*number),
                leads: leads_of,
                percent: percent(leads_of as f64, leads as f64),
                intended_percent: has_shares.then(|| percent(shares.get(number).copied().unwrap_or_default(), whole)),
            }
        })
        .collect();
    let distance = |share: &Share| share.intended_percent.map_or(0.0, |intended| (share.percent - intended).abs());
    listed.sort_by(|one, other| {
        distance(other).total_cmp(&distance(one)).then(other.leads.cmp(&one.leads)).then_with(|| one.recipient.cmp(&other.recipient))
    });
    let spread = listed.first().map(distance).filter(|_| has_shares && leads > 0).map(rounded);
    listed.truncate(LISTED);
    let TierOf { policy, tier, method, .. } = tier.clone();
    Fairness { policy, tier, method, leads, recipients: everybody.len(), spread, shares: listed }
}

/// To hundredths.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

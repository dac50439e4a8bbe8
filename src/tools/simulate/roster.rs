//! Recipients, tiers and currencies of both sides by one numbering.

use std::collections::HashMap;

use crate::lead::RecipientKey;

/// The names behind the numbers.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    recipients: Vec<RecipientKey>,
    numbers: HashMap<RecipientKey, u32>,
    currencies: Vec<String>,
    tiers: Vec<TierOf>,
}

/// A tier of the rules that are simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct TierOf {
    pub policy: String,
    pub tier: String,
    /// As users write it, such as `RoundRobin`.
    pub method: String,
    pub intended: Intended,
}

/// How a tier's method means to share leads out.
#[derive(Clone, Debug, PartialEq)]
pub enum Intended {
    /// By shares, such as weights or targets in leads a day, by recipient number.
    Shares(Vec<(u32, f64)>),
    /// It has no shares in mind: the best goes first.
    None,
}

impl Roster {
    /// The number of a recipient: the same whichever side it is named by.
    pub fn recipient(&mut self, key: &RecipientKey) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = u32::try_from(self.recipients.len()).unwrap_or(u32::MAX);
        self.recipients.push(key.clone());
        self.numbers.insert(key.clone(), number);
        number
    }

    /// The number of a currency.
    pub fn currency(&mut self, code: &str) -> u16 {
        let at = self.currencies.iter().position(|known| known == code).unwrap_or_else(|| {
            self.currencies.push(code.to_owned());
            self.currencies.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The number of a tier of the simulated rules.
    pub fn tier(&mut self, tier: TierOf) -> u32 {
        self.tiers.push(tier);
        u32::try_from(self.tiers.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn recipients(&self) -> &[RecipientKey] {
        &self.recipients
    }

    pub fn currencies(&self) -> &[String] {
        &self.currencies
    }

    pub fn tiers(&self) -> &[TierOf] {
        &self.tiers
    }

    /// The name of a recipient.
    pub fn name(&self, number: u32) -> String {
        self.recipients.get(number as usize).map(ToString::to_string).unwrap_or_default()
    }
}

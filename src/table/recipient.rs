//! Agents and contracts, compiled: the recipients that a lead can go to.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;

use super::Problem;
use super::expression::{Expression, RecipientFacts, Use};
use super::index::{FieldTest, Tests};
use super::schema::Schema;
use crate::api::shared::{Cap, CapWindow, Filter};
use crate::api::{Agent, Buyer};
use crate::lead::RecipientKey;
use crate::lead::delivery::Money;
use crate::store::Hold;

/// An agent, or one contract of a buyer.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    pub key: RecipientKey,
    /// Whether it is an agent or a contract.
    pub role: Role,
    /// Name of the Agent or Buyer.
    pub name: String,
    pub display_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Labels of the Agent or Buyer.
    pub labels: BTreeMap<String, String>,
    pub when: Option<Expression>,
    /// The most leads that are open at a time.
    pub open_limit: Option<i64>,
    pub caps: Vec<Cap>,
    pub time_zone: TimeZone,
    pub priority: i32,
    pub weight: i32,
    pub conversion_rate: f64,
    pub price: Option<Money>,
    /// Name of the Endpoint.
    pub endpoint: Arc<str>,
}

/// What kind of recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Agent,
    Contract(String),
}

/// The window of open leads.
pub const OPEN: &str = "open";

impl Recipient {
    /// Compiles an agent, with its tests for the index.
    pub fn agent(agent: &Agent, schema: &Schema, zone: &TimeZone) -> Result<(Self, Tests), Problem> {
        let name = agent.metadata.name.clone().unwrap_or_default();
        let spec = &agent.spec;
        let contact = spec.contact.clone().unwrap_or_default();
        let recipient = Self {
            key: RecipientKey::agent(&name),
            role: Role::Agent,
            display_name: spec.display_name.clone().unwrap_or_else(|| name.clone()),
            name,
            email: contact.email,
            phone: contact.phone,
            labels: agent.metadata.labels.clone().unwrap_or_default(),
            when: condition(spec.when.as_deref(), "spec.when", schema)?,
            open_limit: spec.capacity.as_ref().map(|capacity| capacity.open_leads),
            caps: spec.caps.clone(),
            time_zone: time_zone(spec.time_zone.as_deref(), "spec.timeZone", zone)?,
            priority: spec.priority,
            weight: spec.weight,
            conversion_rate: spec.performance.as_ref().map_or(Ok(0.0), |p| {
                f64::from_str(&p.conversion_rate)
                    .map_err(|_| Problem::new("spec.performance.conversionRate", "must be a decimal from 0 to 1"))
            })?,
            price: None,
            endpoint: spec.deliver_to.as_str().into(),
        };
        Ok((recipient, tests(&spec.accepts, "spec.accepts", schema)?))
    }

    /// Compiles the contracts of a buyer.
    pub fn contracts(buyer: &Buyer, schema: &Schema, zone: &TimeZone) -> Result<Vec<(Self, Tests)>, Problem> {
        let name = buyer.metadata.name.clone().unwrap_or_default();
        let spec = &buyer.spec;
        let zone = time_zone(spec.time_zone.as_deref(), "spec.timeZone", zone)?;
        let compiled = spec.contracts.iter().enumerate().map(|(at, contract)| {
            let field = |rest: &str| format!("spec.contracts[{at}].{rest}");
            let recipient = Self {
                key: RecipientKey::contract(&name, &contract.name),
                role: Role::Contract(contract.name.clone()),
                name: name.clone(),
                display_name: spec.display_name.clone().unwrap_or_else(|| name.clone()),
                email: None,
                phone: None,
                labels: buyer.metadata.labels.clone().unwrap_or_default(),
                when: condition(contract.when.as_deref(), &field("when"), schema)?,
                open_limit: None,
                caps: contract.caps.clone(),
                time_zone: zone.clone(),
                priority: contract.priority,
                weight: contract.weight,
                conversion_rate: 0.0,
                price: contract.price.as_ref().map(|price| money(&price.amount, &spec.currency, &field("price.amount"))).transpose()?,
                endpoint: contract.deliver_to.as_str().into(),
            };
            Ok((recipient, tests(&contract.accepts, &field("accepts"), schema)?))
        });
        compiled.collect()
    }

    /// The places that one more lead takes, in the windows that `now` is in.
    pub fn holds(&self, now: Timestamp) -> Vec<Hold> {
        let open = self.open_limit.map(|limit| (OPEN.to_owned(), limit));
        // Agents' open leads are counted without a limit too: scores see them as load.
        let open = open.or_else(|| (self.role == Role::Agent).then(|| (OPEN.to_owned(), i64::MAX)));
        let caps = self.caps.iter().map(|cap| (self.window(cap.per, now), cap.leads));
        open.into_iter().chain(caps).map(|(window, limit)| Hold { recipient: self.key.clone(), window, limit }).collect()
    }

    /// The name of a calendar window: the recipient's own day or month.
    pub fn window(&self, per: CapWindow, now: Timestamp) -> String {
        let today = self.time_zone.to_datetime(now).date();
        match per {
            CapWindow::Day => format!("day:{today}"),
            CapWindow::Month => format!("month:{:04}-{:02}", today.year(), today.month()),
        }
    }

    /// When a calendar window ends: the first instant of the next day or month in the recipient's time zone.
    pub fn window_end(&self, per: CapWindow, now: Timestamp) -> Option<Timestamp> {
        let here = now.to_zoned(self.time_zone.clone());
        let next = match per {
            CapWindow::Day => here.date().tomorrow().ok()?,
            CapWindow::Month => here.date().first_of_month().checked_add(1.month()).ok()?,
        };
        next.to_zoned(self.time_zone.clone()).ok()?.start_of_day().ok().map(|zoned| zoned.timestamp())
    }

    /// What Score expressions see.
    pub fn facts(&self, load: i64) -> RecipientFacts<'_> {
        RecipientFacts {
            name: &self.name,
            conversion_rate: self.conversion_rate,
            load: load as f64,
            capacity: self.open_limit.map_or(0.0, |limit| limit as f64),
            price: self.price.as_ref().map_or(0.0, |price| price.minor as f64 / 100.0),
            priority: f64::from(self.priority),
            weight: f64::from(self.weight),
            ..RecipientFacts::default()
        }
    }
}

/// A condition over `lead`, compiled.
pub fn condition(text: Option<&str>, field: &str, schema: &Schema) -> Result<Option<Expression>, Problem> {
    text.map(|text| Expression::compile(text, field, Use::Condition, schema)).transpose()
}

/// A time zone by its IANA name.
pub fn time_zone(name: Option<&str>, field: &str, otherwise: &TimeZone) -> Result<TimeZone, Problem> {
    match name {
        None => Ok(otherwise.clone()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| Problem::new(field, format!("'{name}' is no IANA time zone; write one such as America/New_York"))),
    }
}

/// The filters as tests by field.
fn tests(filters: &[Filter], at: &str, schema: &Schema) -> Result<Tests, Problem> {
    let mut tests = Tests::new();
    for (number, filter) in filters.iter().enumerate() {
        let field = |rest: &str| format!("{at}[{number}].{rest}");
        let Some(known) = schema.field(&filter.field) else {
            return Err(Problem::new(field("field"), format!("a lead has no field '{}'", filter.field)));
        };
        if let Some(values) = &filter.any_of
            && !known.values.is_empty()
            && let Some(wrong) = values.iter().find(|value| !known.values.contains(value))
        {
            return Err(Problem::new(
                field("in"),
                format!("'{wrong}' is no value of {}; these are {}", filter.field, known.values.join(", ")),
            ));
        }
        let number_of = |text: &Option<String>, name: &str| {
            text.as_ref()
                .map(|text| Decimal::from_str(text).map_err(|_| Problem::new(field(name), format!("'{text}' is no decimal number"))))
                .transpose()
        };
        let test = FieldTest {
            any_of: filter.any_of.clone(),
            at_least: number_of(&filter.at_least, "atLeast")?,
            below: number_of(&filter.below, "below")?,
        };
        if test.any_of.is_none() && test.at_least.is_none() && test.below.is_none() {
            return Err(Problem::new(format!("{at}[{number}]"), "must give either `in`, or a range by `atLeast`, `below` or both"));
        }
        tests.entry(filter.field.clone()).and_modify(|both: &mut FieldTest| both.and(test.clone())).or_insert(test);
    }
    Ok(tests)
}

fn money(amount: &str, currency: &str, field: &str) -> Result<Money, Problem> {
    let minor = Decimal::from_str(amount).ok().and_then(|amount| i64::try_from((amount * Decimal::from(100)).normalize()).ok());
    match minor {
        Some(minor) => Ok(Money { minor, currency: currency.to_owned() }),
        None => Err(Problem::new(field, "must be an amount such as 42.50")),
    }
}

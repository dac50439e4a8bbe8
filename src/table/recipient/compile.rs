//! An Agent, or the contracts of a Buyer, as recipients.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::filters::tests;
use super::limit::{Limit, Reached, Sold, What};
use super::price::{Price, minor};
use super::{Recipient, Role, Target};
use crate::api::availability::{Hours as HoursSpec, TimeOff as TimeOffSpec};
use crate::api::cap::{Cap, CapCounts, CapWindow, Pacing, RecipientRef, TargetWindow, WeekStart, Weekdays, WhenReached};
use crate::api::{Agent, Buyer, cap};
use crate::calendar::{Availability, Per, TimeOff, pacing};
use crate::lead::RecipientKey;
use crate::table::Problem;
use crate::table::expression::{Expression, Expressions, Use};
use crate::table::index::Tests;
use crate::table::schema::Schema;
use crate::table::texts::Texts;

/// A recipient, and its tests for the index.
pub type Compiled = (Recipient, Tests);

/// Compiles an agent.
pub fn agent(agent: &Agent, schema: &Schema, texts: &mut Texts, zone: &TimeZone) -> Result<Compiled, Problem> {
    let name = agent.metadata.name.clone().unwrap_or_default();
    let spec = &agent.spec;
    let contact = spec.contact.clone().unwrap_or_default();
    let key = RecipientKey::agent(&name);
    let zone = time_zone(spec.time_zone.as_deref(), "spec.timeZone", zone)?;
    let mut limits = Vec::new();
    let capacity = spec.capacity.as_ref();
    // Open leads are counted without a limit too: methods see them as load.
    limits.push(capacity.and_then(|c| c.open_leads).map_or(Limit::counted(What::Open), |most| Limit::at_most(What::Open, most)));
    let weights = capacity.map(|capacity| capacity.weight_by_grade.clone()).unwrap_or_default();
    match capacity.and_then(|capacity| capacity.open_weight) {
        Some(most) => limits.push(Limit::at_most(What::OpenWeight, most)),
        None if !weights.is_empty() => limits.push(Limit::counted(What::OpenWeight)),
        None => {}
    }
    caps(&spec.caps, false, "spec.caps", &mut limits)?;
    let target = target(spec.target.as_ref(), &mut limits);
    let recipient = Recipient {
        hash: hash(&key),
        key,
        role: Role::Agent,
        display_name: spec.display_name.clone().unwrap_or_else(|| name.clone()),
        name,
        email: contact.email,
        phone: contact.phone,
        labels: Arc::new(agent.metadata.labels.clone().unwrap_or_default()),
        when: condition(spec.when.as_deref(), "spec.when", schema, &mut texts.expressions)?,
        availability: availability(spec.hours.as_ref(), &spec.time_off, spec.paused, zone, "spec", texts)?,
        calls: spec.calls,
        exclusive: false,
        skills: spec.skills.clone(),
        limits,
        weights,
        target,
        priority: spec.priority,
        weight: spec.weight,
        conversion_rate: spec.performance.as_ref().map_or(Ok(0.0), |performance| {
            f64::from_str(&performance.conversion_rate)
                .map_err(|_| Problem::new("spec.performance.conversionRate", "must be a decimal from 0 to 1"))
        })?,
        price: None,
        endpoint: spec.deliver_to.as_str().into(),
    };
    Ok((recipient, tests(&spec.accepts, "spec.accepts", schema)?))
}

/// Compiles the contracts of a buyer.
pub fn contracts(buyer: &Buyer, schema: &Schema, texts: &mut Texts, zone: &TimeZone) -> Result<Vec<Compiled>, Problem> {
    let name = buyer.metadata.name.clone().unwrap_or_default();
    let spec = &buyer.spec;
    let zone = time_zone(spec.time_zone.as_deref(), "spec.timeZone", zone)?;
    let labels = Arc::new(buyer.metadata.labels.clone().unwrap_or_default());
    let compiled = spec.contracts.iter().enumerate().map(|(at, contract)| {
        let at = format!("spec.contracts[{at}]");
        let field = |rest: &str| format!("{at}.{rest}");
        let key = RecipientKey::contract(&name, &contract.name);
        let mut limits = Vec::new();
        caps(&contract.caps, contract.price.is_some(), &field("caps"), &mut limits)?;
        let target = target(contract.target.as_ref(), &mut limits);
        let recipient = Recipient {
            hash: hash(&key),
            key,
            role: Role::Contract(contract.name.clone()),
            name: name.clone(),
            display_name: spec.display_name.clone().unwrap_or_else(|| name.clone()),
            email: None,
            phone: None,
            labels: Arc::clone(&labels),
            when: condition(contract.when.as_deref(), &field("when"), schema, &mut texts.expressions)?,
            availability: availability(contract.hours.as_ref(), &contract.time_off, contract.paused, zone.clone(), &at, texts)?,
            calls: contract.calls,
            exclusive: contract.exclusive,
            skills: Vec::new(),
            limits,
            weights: BTreeMap::new(),
            target,
            priority: contract.priority,
            weight: contract.weight,
            conversion_rate: 0.0,
            price: contract.price.as_ref().map(|price| Price::compile(price, &spec.currency, &field("price"))).transpose()?,
            endpoint: contract.deliver_to.as_str().into(),
        };
        Ok((recipient, tests(&contract.accepts, &field("accepts"), schema)?))
    });
    compiled.collect()
}

/// A condition over `lead`, compiled.
pub fn condition(text: Option<&str>, field: &str, schema: &Schema, expressions: &mut Expressions) -> Result<Option<Expression>, Problem> {
    text.map(|text| expressions.compile(text, field, Use::Condition, schema)).transpose()
}

/// A time zone by its IANA name.
pub fn time_zone(name: Option<&str>, field: &str, otherwise: &TimeZone) -> Result<TimeZone, Problem> {
    match name {
        None => Ok(otherwise.clone()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| Problem::new(field, format!("'{name}' is no IANA time zone; write one such as America/New_York"))),
    }
}

/// The key of a recipient that another names.
pub fn key_of(named: &RecipientRef, field: &str) -> Result<RecipientKey, Problem> {
    match (&named.agent, &named.buyer, &named.contract) {
        (Some(agent), None, None) => Ok(RecipientKey::agent(agent)),
        (None, Some(buyer), Some(contract)) => Ok(RecipientKey::contract(buyer, contract)),
        _ => Err(Problem::new(field, "must give either `agent`, or both `buyer` and `contract`")),
    }
}

fn availability(
    hours: Option<&HoursSpec>,
    time_off: &[TimeOffSpec],
    paused: bool,
    zone: TimeZone,
    field: &str,
    texts: &mut Texts,
) -> Result<Availability, Problem> {
    let hours = hours.map(|hours| {
        texts.hours(&hours.weekly, hours.holidays.as_deref()).map_err(|message| Problem::new(format!("{field}.hours.weekly"), message))
    });
    let off = time_off.iter().enumerate().map(|(at, off)| {
        let field = format!("{field}.timeOff[{at}]");
        let cover = off.cover.as_ref().map(|cover| key_of(cover, &format!("{field}.cover"))).transpose()?;
        let cover = cover.as_ref().map(RecipientKey::as_str);
        TimeOff::read(&off.from, &off.to, cover, &zone).map_err(|message| Problem::new(field, message))
    });
    Ok(Availability { hours: hours.transpose()?, time_off: off.collect::<Result<_, _>>()?, paused, zone })
}

fn caps(caps: &[Cap], priced: bool, field: &str, limits: &mut Vec<Limit>) -> Result<(), Problem> {
    for (at, cap) in caps.iter().enumerate() {
        let field = |rest: &str| format!("{field}[{at}].{rest}");
        let sold = Sold { per: per(cap.per), sent: cap.counts == CapCounts::Sent };
        let paced = cap.pacing == Pacing::Even;
        if paced {
            pacing::can_pace(sold.per).map_err(|message| Problem::new(field("pacing"), message))?;
        }
        let reached = match (cap.when_reached, &cap.fallback) {
            (WhenReached::NextCandidate, None) => Reached::NextCandidate,
            (WhenReached::Queue, None) => Reached::Queue,
            (WhenReached::Fallback, Some(named)) => Reached::Fallback(key_of(named, &field("fallback"))?),
            _ => return Err(Problem::new(field("fallback"), "must be given with `whenReached: Fallback`, and only then")),
        };
        let week_start = match cap.week_starts_on.unwrap_or_default() {
            WeekStart::Monday => Weekday::Monday,
            WeekStart::Saturday => Weekday::Saturday,
            WeekStart::Sunday => Weekday::Sunday,
        };
        let mut put = |limit: Limit| {
            if limits.iter().any(|other: &Limit| other.what == limit.what) {
                return Err(Problem::new(field("per"), "stands here twice with the same `counts`; make one cap of the two"));
            }
            limits.push(limit.week_starts_on(week_start).paced(paced).when_reached(reached.clone()));
            Ok(())
        };
        match (&cap.leads_on, cap.leads) {
            (Some(days), leads) => put(Limit::counted(What::Taken(sold)).on_days(on_days(days, leads)))?,
            (None, Some(leads)) => put(Limit::at_most(What::Taken(sold), leads))?,
            (None, None) => {}
        }
        if let Some(spend) = &cap.spend {
            if !priced {
                return Err(Problem::new(field("spend"), "limits money, and nothing is paid: give a `price`, or limit `leads`"));
            }
            put(Limit::at_most(What::Spent(sold), minor(spend, &field("spend"))?))?;
        }
    }
    Ok(())
}

fn on_days(days: &Weekdays, otherwise: Option<i64>) -> [i64; 7] {
    let Weekdays { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = days;
    [monday, tuesday, wednesday, thursday, friday, saturday, sunday].map(|day| day.or(otherwise).unwrap_or(i64::MAX))
}

/// A target counts what a cap of the same window counts.
fn target(target: Option<&cap::Target>, limits: &mut Vec<Limit>) -> Option<Target> {
    let target = target?;
    let what = What::Taken(Sold::each(match target.per {
        TargetWindow::Day => Per::Day,
        TargetWindow::Week => Per::Week,
        TargetWindow::Month => Per::Month,
    }));
    let limit = limits.iter().position(|limit| limit.what == what).unwrap_or_else(|| {
        limits.push(Limit::counted(what));
        limits.len() - 1
    });
    Some(Target { limit, leads: target.leads })
}

fn per(window: CapWindow) -> Per {
    match window {
        CapWindow::Hour => Per::Hour,
        CapWindow::Day => Per::Day,
        CapWindow::Week => Per::Week,
        CapWindow::Month => Per::Month,
        CapWindow::Total => Per::Total,
    }
}

fn hash(key: &RecipientKey) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(key.as_str().as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

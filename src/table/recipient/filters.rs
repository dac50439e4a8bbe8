//! Filters as tests for the index.

use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::api::exchange::FieldType;
use crate::api::shared::{Center, Filter, Within};
use crate::geography;
use crate::table::Problem;
use crate::table::index::{FieldTest, Subject, Tests};
use crate::table::schema::Schema;

/// The tests that a list of filters makes; those of the same field become one.
pub fn tests(filters: &[Filter], at: &str, schema: &Schema) -> Result<Tests, Problem> {
    let mut tests = Tests::new();
    for (number, filter) in filters.iter().enumerate() {
        let at = format!("{at}[{number}]");
        let (subject, test) = test(filter, &at, schema)?;
        match tests.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, both)) => both.and(test),
            None => tests.push((subject, test)),
        }
    }
    tests.sort_unstable_by_key(|(subject, _)| *subject);
    Ok(tests)
}

fn test(filter: &Filter, at: &str, schema: &Schema) -> Result<(Subject, FieldTest), Problem> {
    let (subject, kind) = subject(filter, at, schema)?;
    let given = [
        filter.any_of.is_some(),
        filter.not_in.is_some(),
        filter.starts_with.is_some(),
        filter.exists.is_some(),
        filter.within.is_some(),
        filter.at_least.is_some() || filter.below.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        let message = "must give exactly one of `in`, `notIn`, `startsWith`, `exists`, `within`, or a range by `atLeast`, `below` or both";
        return Err(Problem::new(at, message));
    }
    for (name, list) in [("in", &filter.any_of), ("notIn", &filter.not_in)] {
        known_values(list.as_deref().unwrap_or_default(), filter, &format!("{at}.{name}"), schema)?;
    }
    let number = |text: &Option<String>, name: &str| {
        let read = |text: &String| {
            Decimal::from_str(text).map_err(|_| Problem::new(format!("{at}.{name}"), format!("'{text}' is no decimal number")))
        };
        text.as_ref().map(read).transpose()
    };
    let mut any_of = filter.any_of.as_deref().map(sorted);
    if let Some(circle) = &filter.within {
        if kind != Some(FieldType::Postcode) {
            return Err(Problem::new(format!("{at}.within"), format!("needs a field of type Postcode; {} is none", filter.field)));
        }
        any_of = Some(zips_within(circle, &format!("{at}.within"))?);
    }
    let test = FieldTest {
        any_of,
        none_of: filter.not_in.as_deref().map(sorted),
        starts_with: filter.starts_with.as_deref().map(sorted),
        exists: filter.exists,
        at_least: number(&filter.at_least, "atLeast")?,
        below: number(&filter.below, "below")?,
    };
    Ok((subject, test))
}

fn subject(filter: &Filter, at: &str, schema: &Schema) -> Result<(Subject, Option<FieldType>), Problem> {
    match filter.field.as_str() {
        "lead.grade" => Ok((Subject::Grade, None)),
        "lead.score" => Ok((Subject::Score, None)),
        "lead.source" => Ok((Subject::Source, None)),
        name => match (schema.slot(name), schema.field(name)) {
            (Some(slot), Some(field)) => Ok((Subject::Field(slot), Some(field.kind))),
            _ => {
                let like = schema.nearest(name).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
                Err(Problem::new(format!("{at}.field"), format!("a lead has no field '{name}'{like}")))
            }
        },
    }
}

/// An Enum has the values that the Exchange lists, and no others.
fn known_values(values: &[String], filter: &Filter, at: &str, schema: &Schema) -> Result<(), Problem> {
    let Some(known) = schema.field(&filter.field).filter(|known| !known.values.is_empty()) else { return Ok(()) };
    match values.iter().find(|value| !known.values.contains(value)) {
        None => Ok(()),
        Some(wrong) => Err(Problem::new(at, format!("'{wrong}' is no value of {}; these are {}", filter.field, known.values.join(", ")))),
    }
}

fn sorted(list: &[String]) -> Vec<String> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

fn zips_within(circle: &Within, at: &str) -> Result<Vec<String>, Problem> {
    let radius = match (circle.miles, circle.kilometers) {
        (Some(miles), None) => geography::Distance::Miles(miles.unsigned_abs()),
        (None, Some(kilometers)) => geography::Distance::Kilometres(kilometers.unsigned_abs()),
        _ => return Err(Problem::new(at, "must give either `miles` or `kilometers`")),
    };
    let degrees = |text: &str, name: &str| {
        let number = Decimal::from_str(text).ok().and_then(|number| number.to_f64());
        number.ok_or_else(|| Problem::new(format!("{at}.of.{name}"), format!("'{text}' is no decimal number")))
    };
    let center = match &circle.of {
        Center { zip: Some(zip), latitude: None, longitude: None } => geography::Center::Zip(zip),
        Center { zip: None, latitude: Some(latitude), longitude: Some(longitude) } => {
            geography::Center::Point { latitude: degrees(latitude, "latitude")?, longitude: degrees(longitude, "longitude")? }
        }
        _ => return Err(Problem::new(format!("{at}.of"), "must give either `zip`, or both `latitude` and `longitude`")),
    };
    let zips = geography::within(center, radius).map_err(|error| Problem::new(format!("{at}.of"), error.to_string()))?;
    Ok(zips.into_iter().map(str::to_owned).collect())
}

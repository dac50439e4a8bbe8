//! A LeadSource, checked against the schema.

use jiff::SignedDuration;

use super::{DedupRule, Source};
use crate::api::LeadSource;
use crate::api::lead_source::{Deduplicate, RateLimit};
use crate::table::{Problem, schema::Schema};

const HOURS_PER_DAY: i64 = 24;

/// Makes the source, or says which of its fields is wrong.
pub fn compile(source: &LeadSource, schema: &Schema) -> Result<Source, Problem> {
    let spec = &source.spec;
    let Some(name) = source.metadata.name.clone() else {
        return Err(Problem::new("metadata.name", "must be given"));
    };
    for (index, field) in spec.require.iter().enumerate() {
        known(schema, field, || format!("spec.require[{index}]"))?;
    }
    for (field, path) in &spec.map {
        known(schema, field, || format!("spec.map[{field}]"))?;
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(Problem::new(
                format!("spec.map[{field}]"),
                format!("`{path}` is not a path; write names joined by single dots, such as `property.zip`"),
            ));
        }
    }
    let country = &spec.default_country;
    if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err(Problem::new("spec.defaultCountry", "must be an ISO 3166 code of two capital letters, such as US"));
    }
    Ok(Source {
        name,
        labels: source.metadata.labels.clone().unwrap_or_default(),
        format: spec.format,
        keys: spec.auth.keys_from.secret_ref.name.clone(),
        require: spec.require.clone(),
        map: spec.map.clone(),
        default_country: country.clone(),
        deduplicate: spec.deduplicate.as_ref().map(|rule| deduplicate(rule, schema)).transpose()?,
        rate: spec.rate_limit.as_ref().map(rate).transpose()?,
        answer: spec.answer.when,
        longest_wait: seconds(spec.answer.wait_seconds)?,
    })
}

fn known(schema: &Schema, field: &str, at: impl Fn() -> String) -> Result<(), Problem> {
    if schema.fields.contains_key(field) {
        return Ok(());
    }
    let message = match schema.nearest(field) {
        Some(nearest) => format!("no field `{field}`; did you mean `{nearest}`?"),
        None => format!("no field `{field}`; fields beyond the built-in ones are defined in the Exchange's `spec.schema.fields`"),
    };
    Err(Problem::new(at(), message))
}

fn deduplicate(rule: &Deduplicate, schema: &Schema) -> Result<DedupRule, Problem> {
    if rule.by.is_empty() {
        return Err(Problem::new("spec.deduplicate.by", "must name at least one field"));
    }
    for (index, field) in rule.by.iter().enumerate() {
        known(schema, field, || format!("spec.deduplicate.by[{index}]"))?;
    }
    let within = match rule.within_days {
        0 => None,
        days if days > 0 => Some(SignedDuration::from_hours(i64::from(days) * HOURS_PER_DAY)),
        _ => return Err(Problem::new("spec.deduplicate.withinDays", "must be 0 (for ever) or more")),
    };
    Ok(DedupRule { by: rule.by.clone(), matching: rule.matching, within })
}

fn rate(limit: &RateLimit) -> Result<(u32, u32), Problem> {
    let positive = |number: i32, at: &str| match u32::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Problem::new(at, "must be 1 or more")),
    };
    Ok((positive(limit.per_second, "spec.rateLimit.perSecond")?, positive(limit.burst, "spec.rateLimit.burst")?))
}

fn seconds(number: i32) -> Result<SignedDuration, Problem> {
    if (1..=60).contains(&number) {
        Ok(SignedDuration::from_secs(i64::from(number)))
    } else {
        Err(Problem::new("spec.answer.waitSeconds", "must be from 1 to 60"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::exchange::LeadSchema;
    use crate::api::lead_source::{AnswerWhen, Format, Match};

    fn source(spec: &str) -> Result<Source, Problem> {
        let yaml = format!(
            "{{apiVersion: leadflow.dev/v1alpha1, kind: LeadSource, metadata: {{name: web, labels: {{channel: web}}}}, \
             spec: {{auth: {{keysFrom: {{secretRef: {{name: web-keys}}}}}}, {spec}}}}}"
        );
        compile(&serde_saphyr::from_str(&yaml).unwrap(), &crate::table::schema::compile(&LeadSchema::default()).unwrap())
    }

    #[test]
    fn a_whole_source_compiles() {
        let compiled = source(
            "format: JSON, require: [contact.email], map: {location.zip: property.zip}, defaultCountry: CA, rateLimit: {perSecond: 5, burst: 9}, \
             deduplicate: {by: [contact.email, contact.phone], match: All, withinDays: 30}, answer: {when: Settled, waitSeconds: 7}",
        )
        .unwrap();
        assert_eq!(compiled.name, "web");
        assert_eq!(compiled.labels["channel"], "web");
        assert_eq!(compiled.format, Some(Format::JSON));
        assert_eq!(compiled.keys, "web-keys");
        assert_eq!(compiled.rate, Some((5, 9)));
        assert_eq!(compiled.answer, AnswerWhen::Settled);
        assert_eq!(compiled.longest_wait, SignedDuration::from_secs(7));
        let rule = compiled.deduplicate.unwrap();
        assert_eq!((rule.matching, rule.within), (Match::All, Some(SignedDuration::from_hours(720))));
    }

    #[test]
    fn zero_days_is_for_ever() {
        assert_eq!(source("deduplicate: {by: [contact.email], withinDays: 0}").unwrap().deduplicate.unwrap().within, None);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_place_and_the_nearest_known_one() {
        for (spec, at) in [
            ("require: [contact.phone, contact.emial]", "spec.require[1]"),
            ("map: {contact.emial: mail}", "spec.map[contact.emial]"),
            ("deduplicate: {by: [contact.emial], withinDays: 1}", "spec.deduplicate.by[0]"),
        ] {
            let problem = source(spec).unwrap_err();
            assert_eq!(problem.field, at);
            assert!(problem.message.contains("did you mean `contact.email`"), "{problem}");
        }
    }

    #[test]
    fn a_path_with_an_empty_step_is_a_problem() {
        assert_eq!(source("map: {location.zip: a..b}").unwrap_err().field, "spec.map[location.zip]");
    }

    #[test]
    fn numbers_out_of_range_are_problems_even_where_no_api_server_checked_them() {
        for (spec, at) in [
            ("rateLimit: {perSecond: 0, burst: 1}", "spec.rateLimit.perSecond"),
            ("rateLimit: {perSecond: 1, burst: -1}", "spec.rateLimit.burst"),
            ("answer: {waitSeconds: 0}", "spec.answer.waitSeconds"),
            ("deduplicate: {by: [contact.email], withinDays: -1}", "spec.deduplicate.withinDays"),
            ("deduplicate: {by: [], withinDays: 1}", "spec.deduplicate.by"),
            ("defaultCountry: us", "spec.defaultCountry"),
        ] {
            assert_eq!(source(spec).unwrap_err().field, at);
        }
    }
}

//! Endpoint → [`EndpointRules`], or what is wrong with it.

use std::time::Duration;

use http::HeaderName;
use jiff::SignedDuration;

use super::checks::{bounded, header_name, pointer, secret, status_ranges, url};
use super::{AuthRules, EndpointRules, RetryRules};
use crate::api::Endpoint;
use crate::api::endpoint::{AnswerRule, Auth, Breaker, Encoding, FromAnswer, HttpDelivery, Response};
use crate::breaker::BreakerRules;
use crate::connect::answer::{AnswerMatch, AnswerRules, BodyMatch};
use crate::connect::template::{Template, Text};
use crate::table::Problem;
use crate::table::schema::Schema;

/// Most headers of an Endpoint.
const MOST_HEADERS: usize = 32;

/// Compiles an Endpoint. Checks the bounds of the schema again: manifests also come from folders.
pub fn compile(object: &Endpoint, schema: &Schema) -> Result<EndpointRules, Problem> {
    let spec = &object.spec;
    let http = &spec.http;
    Ok(EndpointRules {
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone(),
        generation: object.metadata.generation,
        url: url("spec.http.url", &http.url)?,
        method: http.method,
        headers: headers(http, schema)?,
        auth: http.auth.as_ref().map(auth).transpose()?,
        encoding: http.encoding,
        body: body(http, schema)?,
        answers: answers(&http.response)?,
        timeout: seconds("spec.timeoutSeconds", spec.timeout_seconds, 120)?,
        retry: RetryRules {
            attempts: bounded("spec.retry.attempts", spec.retry.attempts, 1, 10)?,
            within: SignedDuration::from_secs(bounded("spec.retry.withinSeconds", spec.retry.within_seconds, 1, 3600)?.into()),
        },
        max_in_flight: count("spec.maxInFlight", spec.max_in_flight, 1000)?,
        breaker: breaker(&spec.breaker)?,
        mode: spec.circuit,
    })
}

fn body(http: &HttpDelivery, schema: &Schema) -> Result<Template, Problem> {
    let flat = http.encoding == Encoding::Form;
    match &http.body {
        Some(body) => Template::compile(body, "spec.http.body", schema, flat),
        None => Template::all_fields("spec.http.body", schema, flat),
    }
}

fn headers(http: &HttpDelivery, schema: &Schema) -> Result<Vec<(HeaderName, Text)>, Problem> {
    if http.headers.len() > MOST_HEADERS {
        return Err(Problem::new("spec.http.headers", format!("has more than {MOST_HEADERS} entries")));
    }
    let mut headers: Vec<(HeaderName, Text)> = Vec::with_capacity(http.headers.len());
    for (name, value) in &http.headers {
        let field = format!("spec.http.headers.{name}");
        let name = header_name(&field, name)?;
        if headers.iter().any(|(other, _)| *other == name) {
            return Err(Problem::new(field, "is given twice; letter case does not tell headers apart"));
        }
        let text = Text::parse(value, &field, schema)?;
        if text.literals().any(|literal| literal.chars().any(char::is_control)) {
            return Err(Problem::new(field, "has control characters; a header is one line of printable text"));
        }
        headers.push((name, text));
    }
    headers.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    Ok(headers)
}

fn auth(auth: &Auth) -> Result<AuthRules, Problem> {
    match (&auth.bearer, &auth.basic) {
        (Some(bearer), None) => Ok(AuthRules::Bearer(secret("spec.http.auth.bearer.tokenFrom", &bearer.token_from)?)),
        (None, Some(basic)) => Ok(AuthRules::Basic {
            username: secret("spec.http.auth.basic.usernameFrom", &basic.username_from)?,
            password: secret("spec.http.auth.basic.passwordFrom", &basic.password_from)?,
        }),
        _ => Err(Problem::new("spec.http.auth", "must give exactly one of `bearer` and `basic`")),
    }
}

fn answers(response: &Response) -> Result<AnswerRules, Problem> {
    let rule = |name: &str, rule: &Option<AnswerRule>| match rule {
        Some(rule) => answer_match(&format!("spec.http.response.{name}"), rule).map(Some),
        None => Ok(None),
    };
    let place = |name: &str, from: &Option<FromAnswer>| match from {
        Some(from) => pointer(&format!("spec.http.response.{name}.jsonPointer"), &from.json_pointer).map(Some),
        None => Ok(None),
    };
    Ok(AnswerRules {
        duplicate: rule("duplicate", &response.duplicate)?,
        refused: rule("refused", &response.refused)?,
        accepted: rule("accepted", &response.accepted)?,
        record_id: place("recordId", &response.record_id)?,
        reason: place("reason", &response.reason)?,
    })
}

fn answer_match(field: &str, rule: &AnswerRule) -> Result<AnswerMatch, Problem> {
    if rule.status.is_none() && rule.body.is_none() {
        return Err(Problem::new(field, "must give `status`, `body` or both"));
    }
    let body = |test: &crate::api::endpoint::BodyTest| {
        if test.is.is_empty() {
            return Err(Problem::new(format!("{field}.body.is"), "must have at least one value"));
        }
        Ok(BodyMatch { pointer: pointer(&format!("{field}.body.jsonPointer"), &test.json_pointer)?, is: test.is.clone() })
    };
    Ok(AnswerMatch {
        status: rule.status.as_ref().map(|ranges| status_ranges(&format!("{field}.status"), ranges)).transpose()?,
        body: rule.body.as_ref().map(body).transpose()?,
    })
}

fn breaker(spec: &Breaker) -> Result<BreakerRules, Problem> {
    Ok(BreakerRules {
        consecutive_failures: count("spec.breaker.consecutiveFailures", spec.consecutive_failures, 1000)?,
        failure_percent: count("spec.breaker.failurePercent", spec.failure_percent, 100)?,
        minimum_calls: count("spec.breaker.minimumCalls", spec.minimum_calls, 10_000)?,
        slow: spec.slow_seconds.map(|slow| seconds("spec.breaker.slowSeconds", slow, 120)).transpose()?,
        slow_percent: count("spec.breaker.slowPercent", spec.slow_percent, 100)?,
        open: SignedDuration::from_secs(bounded("spec.breaker.openSeconds", spec.open_seconds, 1, 300)?.into()),
    })
}

/// A number from 1 to `most`.
fn count<T: TryFrom<i32>>(field: &str, number: i32, most: i32) -> Result<T, Problem> {
    bounded(field, number, 1, most)?.try_into().map_err(|_| Problem::new(field, format!("must be from 1 to {most}")))
}

fn seconds(field: &str, number: i32, most: i32) -> Result<Duration, Problem> {
    Ok(Duration::from_secs(count(field, number, most)?))
}

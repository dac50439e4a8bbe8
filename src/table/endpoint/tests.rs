use std::time::Duration;

use super::fixture::{endpoint, valid};
use super::*;

fn problem(spec: &str) -> String {
    match endpoint(spec) {
        Ok(_) => panic!("accepted: {spec}"),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn an_endpoint_with_nothing_but_a_url_has_the_documented_defaults() {
    let rules = valid("http: {url: 'https://crm.example.com/leads'}");
    assert_eq!((rules.name.as_str(), rules.timeout, rules.max_in_flight), ("crm", Duration::from_secs(10), 16));
    assert_eq!(rules.retry, RetryRules { attempts: 3, within: SignedDuration::from_secs(30) });
    assert_eq!(rules.breaker.open, SignedDuration::from_secs(30));
    assert_eq!(rules.secrets().count(), 0);
}

#[test]
fn secrets_are_named_in_the_order_of_their_use() {
    let rules = valid(
        "http: {url: 'https://a.b/', auth: {basic: {usernameFrom: {secretKeyRef: {name: crm, key: user}}, \
         passwordFrom: {secretKeyRef: {name: crm, key: password}}}}}",
    );
    assert_eq!(rules.secrets().map(|at| at.key.as_str()).collect::<Vec<_>>(), ["user", "password"]);
}

#[test]
fn every_mistake_is_told_with_its_field_and_what_would_be_right() {
    let url = "url: 'https://crm.example.com/leads'";
    for (spec, expected) in [
        (
            format!("http: {{{url}, body: {{first_name: '{{{{ lead.contact.frist_name }}}}'}}}}"),
            "spec.http.body.first_name: unknown field lead.contact.frist_name; did you mean lead.contact.first_name?",
        ),
        (
            format!("http: {{{url}, body: {{a: [1, {{b: '{{{{ recipient.mail }}}}'}}]}}}}"),
            "spec.http.body.a[1].b: unknown path recipient.mail; did you mean recipient.email?",
        ),
        (
            format!("http: {{{url}, body: {{a: '{{{{ lead.zip }}}}'}}}}"),
            "spec.http.body.a: unknown field lead.zip; did you mean lead.location.zip?",
        ),
        (format!("http: {{{url}, body: {{a: 'x {{{{ lead.id'}}}}"), "spec.http.body.a: `{{` is not closed by `}}`"),
        (format!("http: {{{url}, body: {{'{{{{ lead.id }}}}': 1}}}}"), "a key can't hold"),
        (format!("http: {{{url}, body: {{a: '{}'}}}}", "x".repeat(16 * 1024)), "spec.http.body: is larger than 16384 bytes"),
        (format!("http: {{{url}, encoding: Form, body: {{a: {{b: c}}}}}}"), "spec.http.body.a: a form has no objects or lists"),
        (format!("http: {{{url}, headers: {{content-type: x}}}}"), "spec.http.headers.content-type: is set by LeadFlow"),
        (
            format!("http: {{{url}, headers: {{Authorization: x}}}}"),
            "spec.http.headers.Authorization: is set by LeadFlow; use spec.http.auth",
        ),
        (format!("http: {{{url}, headers: {{Host: x}}}}"), "spec.http.headers.Host"),
        (format!("http: {{{url}, headers: {{Idempotency-Key: x}}}}"), "spec.http.headers.Idempotency-Key"),
        (format!("http: {{{url}, headers: {{Content-Length: '1'}}}}"), "spec.http.headers.Content-Length"),
        (format!("http: {{{url}, headers: {{'a b': x}}}}"), "spec.http.headers.a b: is no valid header name"),
        (format!("http: {{{url}, headers: {{X-A: '1', x-a: '2'}}}}"), "spec.http.headers.x-a: is given twice"),
        (format!("http: {{{url}, headers: {{X-A: \"a\\nb\"}}}}"), "spec.http.headers.X-A: has control characters"),
        (
            format!("http: {{{url}, response: {{accepted: {{status: ['299-200']}}}}}}"),
            "spec.http.response.accepted.status[0]: the range 299-200 is empty",
        ),
        (
            format!("http: {{{url}, response: {{refused: {{status: ['200', '6xx']}}}}}}"),
            "spec.http.response.refused.status[1]: 6xx is no status code",
        ),
        (format!("http: {{{url}, response: {{duplicate: {{}}}}}}"), "spec.http.response.duplicate: must give `status`, `body` or both"),
        (
            format!("http: {{{url}, response: {{recordId: {{jsonPointer: 'id'}}}}}}"),
            "spec.http.response.recordId.jsonPointer: is no JSON pointer",
        ),
        (
            format!("http: {{{url}, response: {{reason: {{jsonPointer: '/a~2'}}}}}}"),
            "spec.http.response.reason.jsonPointer: is no JSON pointer",
        ),
        (format!("http: {{{url}, auth: {{}}}}"), "spec.http.auth: must give exactly one"),
        ("http: {url: 'https:///leads'}".replace("///", "://"), "spec.http.url"),
        ("http: {url: 'https://user:secret@crm.example.com/'}".to_owned(), "spec.http.url: must not hold a user name or password"),
        ("http: {url: 'ftp://crm.example.com/'}".to_owned(), "spec.http.url: has the scheme ftp"),
        (format!("http: {{{url}}}\ntimeoutSeconds: 0"), "spec.timeoutSeconds: must be from 1 to 120"),
        (format!("http: {{{url}}}\nretry: {{attempts: 99}}"), "spec.retry.attempts: must be from 1 to 10"),
        (format!("http: {{{url}}}\nbreaker: {{failurePercent: 101}}"), "spec.breaker.failurePercent: must be from 1 to 100"),
    ] {
        let told = problem(&spec);
        assert!(told.contains(expected), "{spec}\n  told: {told}\n  expected: {expected}");
        assert!(!told.contains("secret@"), "a problem holds no credential");
    }
}

#[test]
fn a_body_nested_without_end_is_refused_not_followed() {
    let deep = (0..40).fold(serde_json::json!("x"), |inner, _| serde_json::json!({"a": inner}));
    let told = crate::connect::template::Template::compile(&deep, "body", &super::fixture::schema(), false).unwrap_err();
    assert!(told.message.contains("deeper than 32"), "{told}");
}

#[test]
fn fields_that_share_a_place_need_a_body_written_out() {
    let mut schema = super::fixture::schema();
    let field = schema.fields["owner"].clone();
    schema.fields.insert("owner.name".to_owned(), field);
    let told = crate::connect::template::Template::all_fields("spec.http.body", &schema, false).unwrap_err();
    assert!(told.message.contains("owner.name"), "{told}");
    assert!(crate::connect::template::Template::all_fields("spec.http.body", &schema, true).is_ok(), "a form has them side by side");
}

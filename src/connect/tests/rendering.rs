use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{delivery, lead};
use crate::connect::{RecipientView, RenderError, render};
use crate::lead::{Lead, Request, Value};
use crate::table::endpoint::fixture::valid;

const SARAH: RecipientView<'static> =
    RecipientView { name: "sarah-lee", display_name: "Sarah Lee", email: Some("sarah@example.com"), phone: None, contract: None };

fn rendered(http: &str, lead: &Lead) -> Result<Request, RenderError> {
    render(&valid(&format!("http: {{url: 'https://crm.example.com/leads', {http}}}")), lead, &SARAH, &delivery())
}

fn body(http: &str) -> Json {
    serde_json::from_str(&rendered(http, &lead()).unwrap().body).unwrap()
}

#[test]
fn a_string_that_is_one_path_takes_the_values_type() {
    let body =
        body("body: {budget: '{{ lead.price_max }}', owner: '{{lead.owner}}', zip: '{{ lead.location.zip }}', n: 1.5, t: true, z: null}");
    assert_eq!(body, json!({"budget": 750_000, "owner": true, "zip": "02134", "n": 1.5, "t": true, "z": null}));
}

#[test]
fn within_other_text_a_value_is_text() {
    let body = body("body: {note: 'Up to {{ lead.price_max }} for {{ recipient.display_name }} by {{ policy.name }}/{{ tier.name }}'}");
    assert_eq!(body, json!({"note": "Up to 750000 for Sarah Lee by residential/territory"}));
}

#[test]
fn ids_of_lead_and_delivery_are_there() {
    let body = body("body: {a: '{{ lead.id }}', b: '{{ delivery.key }}', c: '{{ lead.source }}', d: '{{ lead.arrived_at }}'}");
    let id = "0193a1b2-0000-7000-8000-000000000001";
    assert_eq!(body, json!({"a": id, "b": format!("{id}-2"), "c": "web", "d": "2026-11-22T10:00:00Z"}));
}

#[test]
fn an_absent_value_leaves_its_key_out_and_is_null_in_a_list() {
    let body = body(
        "body: {last: '{{ lead.contact.last_name }}', phone: 'tel:{{ recipient.phone }}', all: ['{{ lead.contact.last_name }}', x], \
         name: '{{ lead.contact.email }} {{ lead.contact.last_name }}', nested: {only: '{{ recipient.contract }}'}, empty: {}}",
    );
    assert_eq!(body, json!({"all": [null, "x"], "name": "jane@example.com ", "empty": {}}));
}

#[test]
fn without_a_body_all_fields_go_nested_by_their_dots() {
    let expected = json!({
        "lead_id": "0193a1b2-0000-7000-8000-000000000001", "price_max": 750_000, "owner": true, "location": {"zip": "02134"},
        "contact": {"first_name": "Jane \"J\" <Doe>&\\", "email": "jane@example.com"},
    });
    assert_eq!(body(""), expected);
}

#[test]
fn a_form_is_flat_escaped_and_sorted() {
    let request = rendered(
        "encoding: Form, body: {z: '{{ lead.price_max }}', a: 'x {{ lead.contact.first_name }}', n: 3, gone: '{{ recipient.phone }}'}",
        &lead(),
    )
    .unwrap();
    assert_eq!(request.content_type, "application/x-www-form-urlencoded");
    assert_eq!(request.body, "a=x+Jane+%22J%22+%3CDoe%3E%26%5C&n=3&z=750000");
}

#[test]
fn headers_take_values_and_are_left_out_without() {
    let request = rendered("headers: {X-Zip: 'zip={{ lead.location.zip }}', X-Phone: '{{ recipient.phone }}'}", &lead()).unwrap();
    assert_eq!(request.headers, [("x-zip".to_owned(), "zip=02134".to_owned())]);
}

#[test]
fn a_header_never_takes_a_line_break_from_a_lead() {
    let mut lead = lead();
    lead.fields.insert("contact.email".to_owned(), Value::Text("a\r\nX-Admin: 1".to_owned()));
    let error = rendered("headers: {X-Mail: '{{ lead.contact.email }}'}", &lead).unwrap_err();
    assert_eq!(error, RenderError::Header("x-mail".to_owned()));
    assert!(!error.to_string().contains("Admin"), "errors hold nothing of the lead");
}

#[test]
fn a_body_that_grows_too_large_is_refused() {
    let mut lead = lead();
    lead.fields.insert("contact.email".to_owned(), Value::Text("x".repeat(4096)));
    let many = vec!["'{{ lead.contact.email }}'"; 70].join(",");
    assert!(matches!(rendered(&format!("body: {{a: [{many}]}}"), &lead), Err(RenderError::Body(_))));
}

proptest! {
    #[test]
    fn whatever_a_value_holds_the_body_stays_what_the_template_says(text in any::<String>()) {
        let mut lead = lead();
        lead.fields.insert("contact.email".to_owned(), Value::Text(text.clone()));
        let template = "body: {a: '{{ lead.contact.email }}', b: 'x{{ lead.contact.email }}y'}";
        let first = rendered(template, &lead).unwrap();
        let body: Json = serde_json::from_str(&first.body).unwrap();
        prop_assert_eq!(body, json!({"a": text.clone(), "b": format!("x{text}y")}));
        prop_assert!(first == rendered(template, &lead).unwrap(), "the same inputs give the same bytes");

        let form = rendered(&format!("encoding: Form, {template}"), &lead).unwrap().body;
        let pairs: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        prop_assert_eq!(pairs, vec![("a".to_owned(), text.clone()), ("b".to_owned(), format!("x{text}y"))]);
    }
}

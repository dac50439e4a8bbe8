use rust_decimal::Decimal;

use super::*;
use crate::api::exchange::LeadSchema;
use crate::api::lead_source::Format;
use crate::formats;
use crate::table::{schema, source};

const SAMPLE: &str = include_str!("../../../tests/ingest/sample_lead.json");

fn example() -> (Schema, Source) {
    let own: LeadSchema = serde_saphyr::from_str(
        "fields: [{name: property_interest.type, type: Enum, values: [BUYER, SELLER, RENTER]}, \
         {name: property_interest.price_max, type: Decimal, minimum: '0', aliases: [budget, price]}]",
    )
    .unwrap();
    let schema = schema::compile(&own).unwrap();
    let manifest = serde_saphyr::from_str(
        "{apiVersion: leadflow.dev/v1alpha1, kind: LeadSource, metadata: {name: website-form}, spec: {auth: {keysFrom: {secretRef: {name: k}}}, \
         require: [contact.email, contact.phone, location.zip], map: {location.zip: property_interest.location_zip}}}",
    )
    .unwrap();
    let source = source::compile(&manifest, &schema).unwrap();
    (schema, source)
}

fn judge(body: &str) -> Result<BTreeMap<String, Value>, Vec<FieldError>> {
    let (schema, source) = example();
    fields(&formats::read(Format::JSON, body.as_bytes()).unwrap(), &source, &schema)
}

fn text(fields: &BTreeMap<String, Value>, name: &str) -> String {
    fields[name].to_string()
}

#[test]
fn the_sample_lead_comes_out_in_canonical_spelling() {
    let fields = judge(SAMPLE).unwrap();
    let kept: Vec<(&str, Value)> = vec![
        ("contact.email", Value::Text("Jane.Doe@example.com".to_owned())),
        ("contact.first_name", Value::Text("Jane".to_owned())),
        ("contact.last_name", Value::Text("Doe".to_owned())),
        ("contact.phone", Value::Text("+15558675309".to_owned())),
        ("location.zip", Value::Text("90210".to_owned())),
        ("property_interest.price_max", Value::Decimal(Decimal::from(750_000))),
        ("property_interest.type", Value::Text("BUYER".to_owned())),
    ];
    assert_eq!(fields, kept.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}

#[test]
fn every_bad_field_is_named_with_what_would_be_right() {
    let errors = judge(r#"{"email":"no","phone_number":"1","budget":-1,"property_interest":{"type":"x"}}"#).unwrap_err();
    let told: Vec<(&str, FieldCode)> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
    assert_eq!(
        told,
        [
            ("contact.email", FieldCode::NotAnEmail),
            ("contact.phone", FieldCode::NotAPhone),
            ("location.zip", FieldCode::Required),
            ("property_interest.price_max", FieldCode::OutOfRange),
            ("property_interest.type", FieldCode::NotOneOf),
        ]
    );
    assert!(errors[1].message.ends_with("(sent as `phone_number`)"), "{}", errors[1].message);
}

#[test]
fn the_sources_path_goes_before_the_name_and_the_name_before_aliases() {
    let base = r#""email":"a@b.co","phone":"555-867-5309""#;
    let zip = |more: &str| text(&judge(&format!("{{{base},{more}}}")).unwrap(), "location.zip");
    let mapped = r#""property_interest":{"location_zip":"11111"}"#;
    assert_eq!(zip(&format!(r#"{mapped},"location.zip":"22222","zip":"33333""#)), "11111");
    assert_eq!(zip(r#""location":{"zip":"22222"},"zip":"33333""#), "22222");
    assert_eq!(zip(r#""postal_code":"44444","zip":"33333""#), "33333");
}

#[test]
fn an_empty_value_gives_way_to_the_next_name() {
    let body = |zip: &str| format!(r#"{{"email":"a@b.co","phone":"555-867-5309","location.zip":{zip},"zip":"33333"}}"#);
    for empty in ["\"\"", "null", "\" \\u200b\""] {
        assert_eq!(text(&judge(&body(empty)).unwrap(), "location.zip"), "33333", "{empty}");
    }
}

#[test]
fn an_empty_value_of_a_required_field_counts_as_missing() {
    let errors = judge(r#"{"email":"  ","phone":"555-867-5309","zip":"90210"}"#).unwrap_err();
    assert_eq!((errors.len(), errors[0].code), (1, FieldCode::Required));
}

#[test]
fn a_list_or_group_is_no_value_but_a_group_with_the_name_of_an_alias_is_another_thing() {
    let base = r#""email":"a@b.co","phone":"555-867-5309","zip":"90210""#;
    for body in [r#""contact.company":{"a":1}"#, r#""company":["x"]"#] {
        let errors = judge(&format!("{{{base},{body}}}")).unwrap_err();
        assert_eq!((errors[0].field.as_str(), errors[0].code), ("contact.company", FieldCode::NotASingleValue));
    }
    let fields = judge(&format!(r#"{{{base},"address":{{"street":"1 Main St"}}}}"#)).unwrap();
    assert_eq!(text(&fields, "location.street"), "1 Main St");
}

#[test]
fn fields_that_the_schema_does_not_know_are_not_used() {
    let fields = judge(r#"{"email":"a@b.co","phone":"555-867-5309","zip":"90210","grade":"A","id":7}"#).unwrap();
    assert_eq!(fields.len(), 3);
}

#[test]
fn the_leads_own_country_goes_before_the_sources() {
    let base = r#""email":"a@b.co","phone":"555-867-5309""#;
    let fields = judge(&format!(r#"{{{base},"zip":"sw1a 1aa","country":"gb","state":"Greater London"}}"#)).unwrap();
    assert_eq!((text(&fields, "location.zip"), text(&fields, "location.state")), ("SW1A 1AA".to_owned(), "Greater London".to_owned()));
    assert_eq!(judge(&format!(r#"{{{base},"zip":"sw1a 1aa"}}"#)).unwrap_err()[0].code, FieldCode::NotAPostcode);
}

#[test]
fn forms_and_json_come_to_the_same_fields() {
    let (schema, source) = example();
    let form = "contact[email]=a@b.co&contact.phone=555-867-5309&zip=90210-1234&budget=750000";
    let json = r#"{"contact":{"email":"a@b.co","phone":"555-867-5309"},"zip":"90210-1234","budget":750000}"#;
    let of = |format, body: &str| fields(&formats::read(format, body.as_bytes()).unwrap(), &source, &schema).unwrap();
    assert_eq!(of(Format::Form, form), of(Format::JSON, json));
}

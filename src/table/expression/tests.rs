//! What expressions may be, and what they see.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::api::exchange::LeadSchema;
use crate::lead::LeadId;
use crate::table::schema;

fn schema() -> Schema {
    let fields = serde_json::json!({"fields": [
        {"name": "home.type", "type": "Enum", "values": ["BUYER", "SELLER"]},
        {"name": "home.price_max", "type": "Decimal"},
        {"name": "home.rooms", "type": "Integer"},
        {"name": "home.owner", "type": "Boolean"},
    ]});
    let spec: LeadSchema = serde_json::from_value(fields).unwrap();
    schema::compile(&spec).unwrap()
}

fn lead() -> LeadFacts {
    let fields = BTreeMap::from([
        ("home.type".to_owned(), Value::Text("BUYER".to_owned())),
        ("home.price_max".to_owned(), Value::Decimal(Decimal::from(750_000))),
        ("home.rooms".to_owned(), Value::Integer(3)),
        ("contact.email".to_owned(), Value::Text("jane@example.com".to_owned())),
    ]);
    LeadFacts::of(&Lead { id: LeadId(uuid::Uuid::nil()), source: "web".to_owned(), arrived_at: jiff::Timestamp::UNIX_EPOCH, fields })
}

fn condition(text: &str) -> Result<Expression, Problem> {
    Expression::compile(text, "spec.when", Use::Condition, &schema())
}

fn refused(text: &str) -> String {
    condition(text).unwrap_err().to_string()
}

#[test]
fn conditions_read_fields_by_their_names() {
    for text in [
        "lead.home.type == 'BUYER'",
        "lead.home.price_max >= 750000.0 && lead.home.rooms > 2",
        "lead.home.price_max >= 750000",
        "has(lead.contact.email) && !has(lead.contact.phone)",
        "lead.source == 'web'",
        "lead.home.type in ['BUYER', 'SELLER']",
        "['a', 'b'].exists(x, x == 'a')",
        "lead.contact.email.matches('^[a-z]+@')",
    ] {
        assert_eq!(condition(text).unwrap().holds(&lead()), Ok(true), "{text}");
    }
}

#[test]
fn a_field_that_the_lead_lacks_is_an_error_and_not_false() {
    assert!(condition("lead.home.owner").unwrap().holds(&lead()).is_err());
}

#[test]
fn mistakes_are_named_before_a_lead_meets_them() {
    for (text, wanted) in [
        ("lead.home.typ == 'BUYER'", "a lead has no field 'home.typ'"),
        ("recipient.load > 1.0", "speaks of 'recipient'; there is only `lead`"),
        ("lead.home.rooms", "gave no boolean"),
        ("lead.home.type + 1 == 2", "fails on a lead that has every field"),
        ("lead.home.type ==", "is no CEL"),
        ("now() > 1", "calls 'now', which is no function here"),
        ("lead.contact.email.matches(lead.home.type)", "the pattern of `matches` must be a literal"),
        ("[[1]].exists(x, x.exists(y, y == 1))", "at most one of all, exists"),
    ] {
        let said = refused(text);
        assert!(said.starts_with("spec.when: ") && said.contains(wanted), "{text}: {said}");
    }
}

#[test]
fn no_expression_is_large_or_deep_enough_to_hurt() {
    assert!(refused(&format!("{}true", " ".repeat(1024))).contains("at most 1024 bytes"));
    assert!(refused(&format!("1{} > 0", "+1".repeat(400))).contains("must "));
    let deep = refused(&format!("{}true{}", "(!".repeat(80), ")".repeat(80)));
    assert!(deep.contains("must be nested") || deep.contains("is no CEL"), "{deep}");
    let brackets = refused(&format!("{}{} == []", "[".repeat(400), "]".repeat(400)));
    assert!(brackets.contains("must be nested") || brackets.contains("is no CEL"), "{brackets}");
}

#[test]
fn scores_are_numbers_over_lead_and_recipient() {
    let facts = RecipientFacts { name: "sarah", conversion_rate: 0.25, load: 2.0, price: 42.5, priority: 1.0, weight: 3.0 };
    let score = |text: &str| {
        Expression::compile(text, "f", Use::Score, &schema())
            .and_then(|e| e.score(&lead(), &facts).map_err(|why| Problem::new("score", why)))
    };
    assert_eq!(score("recipient.conversionRate * 10.0 - recipient.load"), Ok(0.5));
    assert_eq!(score("recipient.price + double(lead.home.rooms)"), Ok(45.5));
    assert_eq!(score("lead.home.rooms"), Ok(3.0));
    assert!(score("recipient.load / 0.0").unwrap_err().to_string().contains("no finite number"));
    assert!(score("recipient.nmae").unwrap_err().to_string().contains("a recipient has no 'nmae'"));
    assert!(score("recipient.conversionRate * 10").unwrap_err().to_string().contains("write 10.0"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_is_written_is_compiled_or_refused(text in r#"[ ()\[\]!+*<>=&|?:'".,a-z0-9{}-]{0,120}"#) {
        let _ = condition(&text);
    }
}

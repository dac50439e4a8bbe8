//! Equal texts are one expression.

use super::*;
use crate::api::exchange::LeadSchema;

fn compile(expressions: &mut Expressions, text: &str, uses: Use) -> Expression {
    expressions.compile(text, "f", uses, &SCHEMA).unwrap()
}

#[test]
fn equal_texts_are_compiled_once() {
    let mut expressions = Expressions::default();
    let first = compile(&mut expressions, "lead.home.rooms > 2", Use::Condition);
    let again = compile(&mut expressions, "lead.home.rooms > 2", Use::Condition);
    let other = compile(&mut expressions, "lead.home.rooms > 3", Use::Condition);
    assert_eq!(first.id(), again.id());
    assert_ne!(first.id(), other.id());
    assert_ne!(first.id(), compile(&mut expressions, "lead.home.rooms > 2", Use::BeforeScore).id());
}

#[test]
fn a_refused_text_is_refused_again_where_it_stands() {
    let mut expressions = Expressions::default();
    for field in ["spec.when", "spec.contracts[0].when"] {
        let said = expressions.compile("lead.home.rooms >", field, Use::Condition, &SCHEMA).unwrap_err();
        assert_eq!(said.field, field);
        assert!(said.message.starts_with("is no CEL"), "{said}");
    }
    assert_eq!(expressions.len(), 1);
}

#[test]
fn what_is_in_use_lives_from_table_to_table() {
    let mut expressions = Expressions::default();
    let kept = compile(&mut expressions, "lead.home.rooms > 2", Use::Condition);
    compile(&mut expressions, "lead.home.rooms > 3", Use::Condition);
    let _ = expressions.compile("lead.nothing", "f", Use::Condition, &SCHEMA);
    expressions.forget_unused();
    assert_eq!(expressions.len(), 1);
    // The same schema, compiled anew.
    let again = expressions.compile("lead.home.rooms > 2", "f", Use::Condition, &schema()).unwrap();
    assert_eq!(kept.id(), again.id());
}

#[test]
fn another_schema_makes_all_anew() {
    let mut expressions = Expressions::default();
    let text = "lead.contact.email != ''";
    let before = compile(&mut expressions, text, Use::Condition);
    let other = crate::table::schema::compile(&LeadSchema::default()).unwrap();
    let after = expressions.compile(text, "f", Use::Condition, &other).unwrap();
    assert_ne!(before.id(), after.id());
    assert_eq!(after.holds(&LeadFacts::of(&LEAD, &other)), Ok(true));
    assert!(expressions.compile("lead.home.rooms > 2", "f", Use::Condition, &other).unwrap_err().message.contains("no field 'home.rooms'"));
}

#[test]
fn the_parser_lives_on_after_a_text_that_is_no_cel() {
    let mut expressions = Expressions::default();
    for _ in 0..3 {
        assert!(expressions.compile("((", "f", Use::Condition, &SCHEMA).is_err());
        compile(&mut expressions, "[1, 2].all(x, x > 0)", Use::Condition);
        expressions.forget_unused();
    }
}

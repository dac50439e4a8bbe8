//! Our program says what the `cel` crate says, of whatever is written. `PROPTEST_CASES` makes it more.

use proptest::collection::vec;

use super::spelling::bare;
use super::written::{leads, number, truth};
use super::*;
use crate::table::expression::reading::Reader;
use crate::table::expression::{crates, native, syntax};

fn say_the_same(text: &str, leads: &[Lead], parser: &mut Reader) {
    let parsed = parser.parse(text);
    let tree = match (syntax::read(text), parsed) {
        (Some(tree), parsed) => {
            assert_eq!(Ok(&tree), parsed.as_ref().map(bare).as_ref(), "{text}");
            tree
        }
        (None, Ok(tree)) => tree,
        (None, Err(_)) => return,
    };
    let condition = native::condition(&tree, &SCHEMA);
    let score = native::score(&tree, &SCHEMA);
    for (number, lead) in leads.iter().enumerate() {
        let facts = LeadFacts::of(lead, &SCHEMA);
        let facts = if number % 2 == 0 { facts } else { facts.with_score(70, (number % 4 == 1).then_some("A")) };
        let recipient = RecipientFacts { name: "jane", load: 1.5, price: 3.0, ..RecipientFacts::default() };
        if !text.contains("recipient")
            && let Some(test) = &condition
        {
            let ours = native::holds(test, &facts);
            if ours != Err(native::Wrong::Beyond) {
                let crates = crates::holds(&tree, &facts);
                assert_eq!(ours.as_ref().ok(), crates.as_ref().ok(), "{text} on {:?}: {ours:?} and {crates:?}", lead.fields);
            }
        }
        if let Some(term) = &score {
            let ours = native::number(term, &facts, &recipient);
            if ours != Err(native::Wrong::Beyond) {
                let crates = crates::score(&tree, &facts, &recipient);
                assert_eq!(ours.as_ref().ok(), crates.as_ref().ok(), "{text} on {:?}: {ours:?} and {crates:?}", lead.fields);
            }
        }
    }
}

proptest! {
    #[test]
    fn program_and_crate_say_the_same(texts in vec(prop_oneof![3 => truth(3), 1 => number(3)], 8), leads in vec(leads(), 12)) {
        let mut parser = Reader::default();
        for text in texts {
            say_the_same(&text, &leads, &mut parser);
        }
    }

    #[test]
    fn what_a_compiled_expression_gives_is_what_the_crate_gives(text in truth(2), leads in vec(leads(), 8)) {
        if let Ok(expression) = condition(&text) {
            let tree = Reader::default().parse(&text).unwrap();
            for lead in &leads {
                let facts = LeadFacts::of(lead, &SCHEMA);
                prop_assert_eq!(expression.holds(&facts).ok(), crates::holds(&tree, &facts).ok(), "{}", text);
            }
        }
    }
}

#[test]
fn numbers_at_the_edge_of_their_range_fail_as_in_the_crate() {
    let (most, least) = ("9223372036854775807", "-9223372036854775808");
    for (left, right) in
        [(most, "1"), (least, "-1"), (least, "1"), (most, "2"), ("1", "0"), ("1.0", "0.0"), ("0.0", "0.0"), ("1", "1.0"), ("true", "'a'")]
    {
        for operator in ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="] {
            say_the_same(&format!("({left}) {operator} ({right}) == 0"), &[lead()], &mut Reader::default());
            say_the_same(&format!("({left}) {operator} ({right})"), &[lead()], &mut Reader::default());
            say_the_same(&format!("(({left}) {operator} ({right})) / 0.0 >= 0.0"), &[lead()], &mut Reader::default());
        }
        for number in
            ["1.9", "-1.9", "9223372036854775807.0", "-9223372036854775808.0", "-9223372036854774784.0", "0.0 / 0.0", "1.0 / 0.0", "true"]
        {
            say_the_same(&format!("int({number}) / {right} == 0"), &[lead()], &mut Reader::default());
            say_the_same(&format!("double({number}) + double({left})"), &[lead()], &mut Reader::default());
        }
        say_the_same(&format!("-({left}) == 0 || -({right}) == 0"), &[lead()], &mut Reader::default());
    }
}

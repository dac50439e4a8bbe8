//! The same matching by others: a plain loop, the crates `a-tree`, `cel` alone and `zen-expression`. Each answers which recipients take a lead, and the
//! answers are held against each other.

use std::hint::black_box;
use std::sync::Arc;

use a_tree::{ATree, AttributeDefinition};
use cel::{Context, Program};
use leadflow::lead::{Lead, Value};
use leadflow::table::bits::Bits;
use leadflow::table::compile;
use leadflow::table::expression::LeadFacts;
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;
use zen_expression::Isolate;
use zen_expression::expression::{Expression, Standard};
use zen_expression::variable::Variable;

use crate::workload::{self, Wants};
use crate::{Figures, keep, spread};

/// A lead's values, as plain as they get.
struct Plain {
    product: String,
    state: String,
    zip: String,
    price: i64,
    points: i64,
}

impl Plain {
    fn of(lead: &Lead) -> Self {
        let text = |field: &str| lead.get(field).map(ToString::to_string).unwrap_or_default();
        let number = |field: &str| lead.get(field).and_then(Value::number).and_then(|number| number.to_i64()).unwrap_or_default();
        Self {
            product: text("product"),
            state: text("location.state"),
            zip: text("location.zip"),
            price: number("price"),
            points: number("points"),
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({"product": self.product, "state": self.state, "zip": self.zip, "price": self.price, "points": self.points})
    }
}

impl Wants {
    fn take(&self, lead: &Plain) -> bool {
        self.product == lead.product
            && self.states.contains(&lead.state)
            && (self.low..self.high).contains(&(lead.price as u64))
            && lead.points >= self.score as i64
            && (self.zips.is_empty() || self.zips.contains(&lead.zip))
    }

    /// The filters as one text; `and`, `is` and brackets differ between languages.
    fn text(&self, and: &str, is: &str) -> String {
        let list = |list: &[String]| list.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(", ");
        let mut text = format!(
            "product {is} '{}' {and} state in [{}] {and} price >= {} {and} price < {} {and} points >= {}",
            self.product,
            list(&self.states),
            self.low,
            self.high,
            self.score
        );
        if !self.zips.is_empty() {
            text.push_str(&format!(" {and} zip in [{}]", list(&self.zips)));
        }
        text
    }
}

/// How many leads a peer is asked, by how long it takes over one.
const MANY: usize = 2048;
const SOME: usize = 64;
const FEW: usize = 16;

pub fn figures(leads: &[Lead], figures: &mut Figures) {
    for size in [1_000, 10_000] {
        let wants = workload::wants(size);
        let plain: Vec<Plain> = leads.iter().take(MANY).map(Plain::of).collect();
        let mut put = |name: &str, median: f64| figures.push((format!("{name}/{size}"), median, "µs"));
        put("loop", spread(&plain, |lead| drop(black_box(by_loop(&wants, lead)))).median);

        let tree = a_tree(&wants);
        put("a-tree", spread(&plain[..MANY.min(SOME * 4)], |lead| drop(black_box(by_tree(&tree, lead)))).median);
        let programs: Vec<Program> = wants.iter().map(|wants| Program::compile(&wants.text("&&", "==")).unwrap()).collect();
        put("cel", spread(&plain[..SOME], |lead| drop(black_box(by_cel(&programs, lead)))).median);
        let mut isolate = Isolate::new();
        let expressions: Vec<Expression<Standard>> =
            wants.iter().map(|wants| isolate.compile_standard(&wants.text("and", "==")).unwrap()).collect();
        put("zen-expression", spread(&plain[..SOME], |lead| drop(black_box(by_zen(&expressions, lead)))).median);

        let (table, _) = compile(&workload::objects(size));
        let table = Arc::new(table);
        for (lead, plain) in leads.iter().zip(&plain).take(FEW * 4) {
            let mut left = Bits::all(size);
            keep(&table, &LeadFacts::of(lead, &table.schema), &mut left);
            let ours: Vec<u32> = left.iter().collect();
            assert_eq!(ours, by_loop(&wants, plain), "the plain loop");
            assert_eq!(ours, by_tree(&tree, plain), "a-tree");
            assert_eq!(ours, by_cel(&programs, plain), "cel");
            assert_eq!(ours, by_zen(&expressions, plain), "zen-expression");
        }
    }
}

fn by_loop(wants: &[Wants], lead: &Plain) -> Vec<u32> {
    (0..).zip(wants).filter(|(_, wants)| wants.take(lead)).map(|(number, _)| number).collect()
}

fn a_tree(wants: &[Wants]) -> ATree<u32> {
    let definitions = [
        AttributeDefinition::string("product"),
        AttributeDefinition::string("state"),
        AttributeDefinition::string("zip"),
        AttributeDefinition::integer("price"),
        AttributeDefinition::integer("points"),
    ];
    let mut tree = ATree::new(&definitions).unwrap();
    for (number, wants) in (0..).zip(wants) {
        assert!(tree.insert(&number, &wants.text("and", "=")).is_ok());
    }
    tree
}

fn by_tree(tree: &ATree<u32>, lead: &Plain) -> Vec<u32> {
    let mut event = tree.make_event();
    event.with_string("product", &lead.product).unwrap();
    event.with_string("state", &lead.state).unwrap();
    event.with_string("zip", &lead.zip).unwrap();
    event.with_integer("price", lead.price).unwrap();
    event.with_integer("points", lead.points).unwrap();
    let event = event.build().unwrap();
    let mut matches: Vec<u32> = tree.search(&event).unwrap().matches().iter().map(|number| **number).collect();
    matches.sort_unstable();
    matches
}

fn by_cel(programs: &[Program], lead: &Plain) -> Vec<u32> {
    let mut context = Context::default();
    context.add_variable_from_value("product", lead.product.as_str());
    context.add_variable_from_value("state", lead.state.as_str());
    context.add_variable_from_value("zip", lead.zip.as_str());
    context.add_variable_from_value("price", lead.price);
    context.add_variable_from_value("points", lead.points);
    let holds = |program: &Program| matches!(program.execute(&context), Ok(cel::Value::Bool(true)));
    (0..).zip(programs).filter(|(_, program)| holds(program)).map(|(number, _)| number).collect()
}

fn by_zen(expressions: &[Expression<Standard>], lead: &Plain) -> Vec<u32> {
    let context: Variable = lead.json().into();
    let holds = |expression: &Expression<Standard>| matches!(expression.evaluate(context.clone()), Ok(Variable::Bool(true)));
    (0..).zip(expressions).filter(|(_, expression)| holds(expression)).map(|(number, _)| number).collect()
}

//! Expressions that are compiled once for equal texts, within a table and from one table to the next.

use std::collections::HashMap;

use super::facts::{sample, sample_facts};
use super::reading::Reader;
use super::{Expression, Use};
use crate::lead::Lead;
use crate::table::Problem;
use crate::table::schema::Schema;

/// All expressions of one schema. A table is compiled with it, then [`Expressions::forget_unused`] is called; keep it for the next table.
#[derive(Default)]
pub struct Expressions {
    schema: Schema,
    sample: Option<Lead>,
    /// By use, then by text; what was refused with the reason.
    known: HashMap<Use, HashMap<Box<str>, Result<Expression, String>>>,
    reader: Reader,
}

impl Expressions {
    /// Compiles and tries an expression, or gives the one of the same text and use. `field` is where it stands, for the problem. Another schema makes
    /// all that is known forgotten.
    pub fn compile(&mut self, text: &str, field: &str, uses: Use, schema: &Schema) -> Result<Expression, Problem> {
        self.turn_to(schema);
        let known = self.known.entry(uses).or_default();
        let outcome = match known.get(text) {
            Some(outcome) => outcome.clone(),
            None => {
                let lead = self.sample.get_or_insert_with(|| sample(schema));
                let outcome = Expression::make(text, uses, &sample_facts(lead, uses, schema), &mut self.reader);
                known.insert(text.into(), outcome.clone());
                outcome
            }
        };
        outcome.map_err(|message| Problem::new(field, message))
    }

    /// Forgets what only this knows, and what was refused, and ends the parser's thread.
    pub fn forget_unused(&mut self) {
        for known in self.known.values_mut() {
            known.retain(|_, outcome| outcome.as_ref().is_ok_and(|expression| !expression.is_last()));
        }
        self.reader = Reader::default();
    }

    /// How many texts are known, by use.
    pub fn len(&self) -> usize {
        self.known.values().map(HashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn turn_to(&mut self, schema: &Schema) {
        if self.schema.is_same(schema) {
            return;
        }
        if self.schema != *schema {
            self.known.clear();
            self.sample = None;
        }
        self.schema = schema.clone();
    }
}

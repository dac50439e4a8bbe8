//! Evaluation by the `cel` crate, of what is beyond our own program. It needs the lead as nested maps.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::objects::{Key, Map};
use cel::{Context, Env, Value as Cel};

use super::facts::{Fact, LeadFacts};
use super::fault::Fault;
use super::recipient::{RecipientFacts, RecipientField};

/// CEL's standard environment.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

pub(super) fn holds<'a>(tree: &IdedExpr, lead: &LeadFacts<'a>) -> Result<bool, Fault<'a>> {
    match value(tree, lead, None)? {
        Cel::Bool(truth) => Ok(truth),
        _ => Err(Fault::NoBoolean),
    }
}

pub(super) fn score<'a>(tree: &IdedExpr, lead: &LeadFacts<'a>, recipient: &RecipientFacts<'_>) -> Result<f64, Fault<'a>> {
    let number = match value(tree, lead, Some(recipient))? {
        Cel::Float(number) => number,
        Cel::Int(number) => number as f64,
        Cel::UInt(number) => number as f64,
        _ => return Err(Fault::NoNumber),
    };
    if number.is_finite() { Ok(number) } else { Err(Fault::NotFinite) }
}

fn value<'a>(tree: &IdedExpr, lead: &LeadFacts<'a>, recipient: Option<&RecipientFacts<'_>>) -> Result<Cel, Fault<'a>> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.add_variable_from_value("lead", lead.map().clone());
    if let Some(recipient) = recipient {
        let fields = RecipientField::NAMED.map(|(name, field)| match recipient.number(field) {
            Some(number) => (name, Cel::Float(number)),
            None => (name, Cel::from(recipient.name)),
        });
        context.add_variable_from_value("recipient", map(fields));
    }
    Cel::resolve(tree, &context).map_err(|error| Fault::Cel(error.to_string()))
}

/// A lead as nested maps, with the facts that are no fields.
pub(super) fn map_of(lead: &LeadFacts<'_>) -> Cel {
    let mut root = Node::default();
    for (name, fact) in lead.present() {
        let value = match fact {
            Fact::Absent => continue,
            Fact::Text(text) => Cel::from(*text),
            Fact::Integer(number) => Cel::Int(*number),
            Fact::Decimal(number) => Cel::Float(*number),
            Fact::Boolean(truth) => Cel::Bool(*truth),
            Fact::Date(date) => Cel::from(&**date),
        };
        root.put(name, value);
    }
    root.put("source", Cel::from(lead.source));
    if let Some(points) = lead.score {
        root.put("score", Cel::Int(points));
    }
    if let Some(grade) = lead.grade {
        root.put("grade", Cel::from(grade));
    }
    root.build()
}

/// A value, or what is below it.
#[derive(Default)]
struct Node {
    value: Option<Cel>,
    below: HashMap<String, Node>,
}

impl Node {
    /// Puts a value where a dotted name leads.
    fn put(&mut self, name: &str, value: Cel) {
        name.split('.').fold(self, |node, part| node.below.entry(part.to_owned()).or_default()).value = Some(value);
    }

    fn build(self) -> Cel {
        match self.value {
            Some(value) => value,
            None => map(self.below.into_iter().map(|(name, node)| (name, node.build()))),
        }
    }
}

fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Cel)>) -> Cel {
    let map: HashMap<Key, Cel> = entries.into_iter().map(|(key, value)| (Key::String(Arc::new(key.into())), value)).collect();
    Cel::Map(Map { map: Arc::new(map) })
}

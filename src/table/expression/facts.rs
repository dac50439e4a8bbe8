//! A lead as expressions see it.

use std::cell::OnceCell;

use jiff::Timestamp;
use jiff::civil::date;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Use, crates};
use crate::api::exchange::FieldType;
use crate::lead::{Lead, LeadId, Value};
use crate::table::schema::Schema;

/// One lead, laid out by the slots of a schema once a decision. Fields that the schema does not know are not seen. Expressions must have been compiled
/// with the same schema.
pub struct LeadFacts<'a> {
    pub(super) schema: &'a Schema,
    pub(super) source: &'a str,
    pub(super) score: Option<i64>,
    pub(super) grade: Option<&'a str>,
    values: Vec<Option<&'a Value>>,
    facts: Vec<Fact<'a>>,
    /// The `cel` crate's view, made when an expression first needs it.
    map: OnceCell<cel::Value>,
}

/// What a field is to expressions: numbers with a fraction are doubles, days are text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact<'a> {
    Absent,
    Text(&'a str),
    Integer(i64),
    Decimal(f64),
    Boolean(bool),
    Date(Box<str>),
}

impl<'a> LeadFacts<'a> {
    /// A lead that was not scored yet.
    pub fn of(lead: &'a Lead, schema: &'a Schema) -> Self {
        let names = schema.names();
        let mut values = vec![None; names.len()];
        let mut facts = vec![Fact::Absent; names.len()];
        let mut at = 0;
        // Both sides are in the order of names.
        for (name, value) in &lead.fields {
            while names.get(at).is_some_and(|known| **known < **name) {
                at += 1;
            }
            if names.get(at).is_some_and(|known| **known == **name) {
                values[at] = Some(value);
                facts[at] = Fact::of(value);
                at += 1;
            }
        }
        Self { schema, source: &lead.source, score: None, grade: None, values, facts, map: OnceCell::new() }
    }

    /// The same lead, scored: `lead.score` is `points`, and `lead.grade` is there when there is a grade.
    pub fn with_score(self, points: i64, grade: Option<&'a str>) -> Self {
        Self { score: Some(points), grade, map: OnceCell::new(), ..self }
    }

    /// The value of a field, by its slot in the schema.
    pub fn slot(&self, slot: u16) -> Option<&'a Value> {
        self.values.get(usize::from(slot)).copied().flatten()
    }

    pub(super) fn fact(&self, slot: u16) -> &Fact<'a> {
        self.facts.get(usize::from(slot)).unwrap_or(&Fact::Absent)
    }

    /// The fields that are there, by name.
    pub(super) fn present(&self) -> impl Iterator<Item = (&'a str, &Fact<'a>)> {
        let names = self.schema.names().iter().map(|name| &**name);
        names.zip(&self.facts).filter(|(_, fact)| **fact != Fact::Absent)
    }

    pub(super) fn map(&self) -> &cel::Value {
        self.map.get_or_init(|| crates::map_of(self))
    }
}

impl<'a> Fact<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Integer(number) => Self::Integer(*number),
            Value::Decimal(number) => Self::Decimal(f64::try_from(*number).unwrap_or(f64::NAN)),
            Value::Boolean(truth) => Self::Boolean(*truth),
            Value::Date(date) => Self::Date(date.to_string().into()),
        }
    }
}

/// A lead with every field of the schema, to try expressions on.
pub(super) fn sample(schema: &Schema) -> Lead {
    let fields = schema.fields.iter().map(|(name, field)| {
        let value = match field.kind {
            FieldType::Integer => Value::Integer(1),
            FieldType::Decimal => Value::Decimal(Decimal::ONE),
            FieldType::Boolean => Value::Boolean(true),
            FieldType::Date => Value::Date(date(2026, 1, 1)),
            FieldType::Enum => Value::Text(field.values.first().cloned().unwrap_or_default()),
            _ => Value::Text("1".to_owned()),
        };
        (name.clone(), value)
    });
    Lead { id: LeadId(Uuid::nil()), source: "sample".to_owned(), arrived_at: Timestamp::UNIX_EPOCH, fields: fields.collect() }
}

/// The facts of that lead, scored unless an expression runs before that.
pub(super) fn sample_facts<'a>(lead: &'a Lead, uses: Use, schema: &'a Schema) -> LeadFacts<'a> {
    let facts = LeadFacts::of(lead, schema);
    if uses == Use::BeforeScore { facts } else { facts.with_score(1, Some("A")) }
}

//! Running a program over the facts of a lead.

use std::cmp::Ordering;
use std::ops::Range;

use super::{Literal, Operator, Part, Presence, Rank, Term, Test};
use crate::table::expression::facts::{Fact, LeadFacts};
use crate::table::expression::fault::Fault;
use crate::table::expression::recipient::RecipientFacts;

/// Why a program gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Wrong {
    /// The field of this slot is missing; with a length, the group that its name begins with.
    Missing(u16, Option<usize>),
    NoGrade,
    NoScore,
    /// Values that do not go together.
    Kinds,
    Overflow,
    DivisionByZero,
    NoNumber,
    NotFinite,
    /// Two texts were added, or one was made a number, so the `cel` crate must tell what comes of it.
    Beyond,
}

impl Wrong {
    /// The same in words for others; nothing when the `cel` crate must tell.
    pub(in super::super) fn fault<'a>(self, lead: &LeadFacts<'a>) -> Option<Fault<'a>> {
        let name = |slot: u16| lead.schema.names().get(usize::from(slot)).map_or("such field", |name| &**name);
        Some(match self {
            Self::Missing(slot, None) => Fault::Missing(name(slot)),
            Self::Missing(slot, Some(length)) => Fault::Missing(name(slot).get(..length).unwrap_or_default()),
            Self::NoGrade => Fault::Missing("grade"),
            Self::NoScore => Fault::Missing("score"),
            Self::Kinds => Fault::Kinds,
            Self::Overflow => Fault::Overflow,
            Self::DivisionByZero => Fault::DivisionByZero,
            Self::NoNumber => Fault::NoNumber,
            Self::NotFinite => Fault::NotFinite,
            Self::Beyond => return None,
        })
    }
}

/// Whether a condition holds.
pub(in super::super) fn holds(test: &Test, lead: &LeadFacts<'_>) -> Result<bool, Wrong> {
    Run { lead, recipient: None }.test(test)
}

/// What a score comes to.
pub(in super::super) fn number(term: &Term, lead: &LeadFacts<'_>, recipient: &RecipientFacts<'_>) -> Result<f64, Wrong> {
    let number = match (Run { lead, recipient: Some(recipient) }).value(term)? {
        Value::Decimal(number) => number,
        Value::Integer(number) => number as f64,
        Value::Text(_) | Value::Boolean(_) => return Err(Wrong::NoNumber),
    };
    if number.is_finite() { Ok(number) } else { Err(Wrong::NotFinite) }
}

/// What a term gives.
#[derive(Clone, Copy)]
enum Value<'r> {
    Text(&'r str),
    Integer(i64),
    Decimal(f64),
    Boolean(bool),
}

struct Run<'r, 'a> {
    lead: &'r LeadFacts<'a>,
    recipient: Option<&'r RecipientFacts<'r>>,
}

impl<'r> Run<'r, '_> {
    fn test(&self, test: &'r Test) -> Result<bool, Wrong> {
        match test {
            Test::All(tests) => self.connect(tests, false),
            Test::Any(tests) => self.connect(tests, true),
            Test::Not(test) => self.test(test).map(|truth| !truth),
            Test::Equal(left, right) => Ok(equal(self.value(left)?, self.value(right)?)),
            Test::Unequal(left, right) => Ok(!equal(self.value(left)?, self.value(right)?)),
            Test::Ordered(left, rank, right) => {
                let order = order(self.value(left)?, self.value(right)?)?;
                Ok(match rank {
                    Rank::Below => order == Ordering::Less,
                    Rank::AtMost => order != Ordering::Greater,
                    Rank::Above => order == Ordering::Greater,
                    Rank::AtLeast => order != Ordering::Less,
                })
            }
            Test::In(term, list) => {
                let value = self.value(term)?;
                Ok(list.iter().any(|literal| equal(literal.value(), value)))
            }
            Test::Has(presence) => self.has(presence),
            Test::Text(whole, part, sought) => match (self.value(whole)?, part, self.value(sought)?) {
                (Value::Text(whole), Part::Start, Value::Text(sought)) => Ok(whole.starts_with(sought)),
                (Value::Text(whole), Part::End, Value::Text(sought)) => Ok(whole.ends_with(sought)),
                (Value::Text(whole), Part::Anywhere, Value::Text(sought)) => Ok(whole.contains(sought)),
                _ => Err(Wrong::Kinds),
            },
            Test::Matches(term, pattern) => match self.value(term)? {
                Value::Text(text) => Ok(pattern.is_match(text)),
                _ => Err(Wrong::Kinds),
            },
            Test::Term(term) => match self.value(term)? {
                Value::Boolean(truth) => Ok(truth),
                _ => Err(Wrong::Kinds),
            },
        }
    }

    /// `decisive` is the truth of one that decides for all, whatever failed before it.
    fn connect(&self, tests: &'r [Test], decisive: bool) -> Result<bool, Wrong> {
        let mut wrong = None;
        for test in tests {
            match self.test(test) {
                Ok(truth) if truth == decisive => return Ok(decisive),
                Ok(_) => {}
                // What only the crate can tell may still decide.
                Err(Wrong::Beyond) => wrong = Some(Wrong::Beyond),
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        wrong.map_or(Ok(!decisive), Err)
    }

    fn value(&self, term: &'r Term) -> Result<Value<'r>, Wrong> {
        match term {
            Term::Literal(literal) => Ok(literal.value()),
            Term::Field(slot) => match self.lead.fact(*slot) {
                Fact::Text(text) => Ok(Value::Text(text)),
                Fact::Integer(number) => Ok(Value::Integer(*number)),
                Fact::Decimal(number) => Ok(Value::Decimal(*number)),
                Fact::Boolean(truth) => Ok(Value::Boolean(*truth)),
                Fact::Date(date) => Ok(Value::Text(date)),
                Fact::Absent => Err(Wrong::Missing(*slot, None)),
            },
            Term::Source => Ok(Value::Text(self.lead.source)),
            Term::Grade => self.lead.grade.map(Value::Text).ok_or(Wrong::NoGrade),
            Term::Score => self.lead.score.map(Value::Integer).ok_or(Wrong::NoScore),
            Term::Recipient(field) => {
                let recipient = self.recipient.ok_or(Wrong::Kinds)?;
                Ok(recipient.number(*field).map_or(Value::Text(recipient.name), Value::Decimal))
            }
            Term::Calculation(parts) => calculate(self.value(&parts.0)?, parts.1, self.value(&parts.2)?),
            Term::Negative(term) => match self.value(term)? {
                Value::Integer(number) => number.checked_neg().map(Value::Integer).ok_or(Wrong::Overflow),
                Value::Decimal(number) => Ok(Value::Decimal(-number)),
                _ => Err(Wrong::Kinds),
            },
            Term::Size(term) => match self.value(term)? {
                Value::Text(text) => Ok(Value::Integer(text.chars().count() as i64)),
                _ => Err(Wrong::Kinds),
            },
            Term::ToDecimal(term) => match self.value(term)? {
                Value::Integer(number) => Ok(Value::Decimal(number as f64)),
                Value::Text(_) => Err(Wrong::Beyond),
                Value::Boolean(_) => Err(Wrong::Kinds),
                decimal => Ok(decimal),
            },
            Term::ToInteger(term) => match self.value(term)? {
                Value::Decimal(number) if number > i64::MIN as f64 && number < i64::MAX as f64 => Ok(Value::Integer(number as i64)),
                Value::Decimal(_) => Err(Wrong::Overflow),
                Value::Text(_) => Err(Wrong::Beyond),
                Value::Boolean(_) => Err(Wrong::Kinds),
                integer => Ok(integer),
            },
            Term::Choice(parts) => self.value(if self.test(&parts.0)? { &parts.1 } else { &parts.2 }),
            Term::Test(test) => self.test(test).map(Value::Boolean),
        }
    }

    fn has(&self, presence: &Presence) -> Result<bool, Wrong> {
        let any = |slots: &Range<u16>| slots.clone().any(|slot| *self.lead.fact(slot) != Fact::Absent);
        match presence {
            Presence::Always => Ok(true),
            Presence::Grade => Ok(self.lead.grade.is_some()),
            Presence::Score => Ok(self.lead.score.is_some()),
            Presence::Fields { wanted, .. } if any(wanted) => Ok(true),
            Presence::Fields { within: Some((group, length)), .. } if !any(group) => Err(Wrong::Missing(group.start, Some(*length))),
            Presence::Fields { .. } => Ok(false),
        }
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Integer(number) => Value::Integer(*number),
            Self::Decimal(number) => Value::Decimal(*number),
            Self::Boolean(truth) => Value::Boolean(*truth),
        }
    }
}

/// Values of different kinds are unequal; whole numbers and decimals are one kind.
fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Integer(left), Value::Integer(right)) => left == right,
        (Value::Decimal(left), Value::Decimal(right)) => left == right,
        (Value::Integer(whole), Value::Decimal(decimal)) | (Value::Decimal(decimal), Value::Integer(whole)) => whole as f64 == decimal,
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        _ => false,
    }
}

/// Values of different kinds have no order, nor has what is no number.
fn order(left: Value<'_>, right: Value<'_>) -> Result<Ordering, Wrong> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(&right)),
        (Value::Decimal(left), Value::Decimal(right)) => left.partial_cmp(&right),
        (Value::Integer(left), Value::Decimal(right)) => (left as f64).partial_cmp(&right),
        (Value::Decimal(left), Value::Integer(right)) => left.partial_cmp(&(right as f64)),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(&right)),
        _ => None,
    }
    .ok_or(Wrong::Kinds)
}

/// Whole numbers go with whole numbers and decimals with decimals.
fn calculate<'r>(left: Value<'r>, operator: Operator, right: Value<'r>) -> Result<Value<'r>, Wrong> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => {
            let by_zero = right == 0 && matches!(operator, Operator::Divide | Operator::Remainder);
            let number = match operator {
                Operator::Add => left.checked_add(right),
                Operator::Subtract => left.checked_sub(right),
                Operator::Multiply => left.checked_mul(right),
                Operator::Divide => left.checked_div(right),
                Operator::Remainder => left.checked_rem(right),
            };
            number.map(Value::Integer).ok_or(if by_zero { Wrong::DivisionByZero } else { Wrong::Overflow })
        }
        (Value::Decimal(left), Value::Decimal(right)) => Ok(Value::Decimal(match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide => left / right,
            Operator::Remainder => return Err(Wrong::Kinds),
        })),
        (Value::Text(_), Value::Text(_)) if matches!(operator, Operator::Add) => Err(Wrong::Beyond),
        _ => Err(Wrong::Kinds),
    }
}

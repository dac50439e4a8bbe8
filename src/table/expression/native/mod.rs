//! Our own program for the most of CEL that conditions and scores are made of: no maps, no boxes, no allocation when it runs.
//!
//! It means what the `cel` crate means by the same text, errors included. [`build`] makes it of a tree, [`run`] evaluates it.

mod build;
mod run;

use std::ops::Range;

use regex::Regex;

use super::recipient::RecipientField;

pub(super) use build::{condition, score};
pub(super) use run::{Wrong, holds, number};

/// Gives true, false, or an error.
#[derive(Debug)]
pub(super) enum Test {
    /// `a && b && …`: false as soon as one is, even after an error.
    All(Box<[Test]>),
    /// `a || b || …`: true as soon as one is, even after an error.
    Any(Box<[Test]>),
    Not(Box<Test>),
    Equal(Term, Term),
    Unequal(Term, Term),
    Ordered(Term, Rank, Term),
    In(Term, Box<[Literal]>),
    Has(Presence),
    Text(Term, Part, Term),
    Matches(Term, Box<Regex>),
    /// A term that must give a boolean.
    Term(Term),
}

/// Gives a value, or an error.
#[derive(Debug)]
pub(super) enum Term {
    Literal(Literal),
    Field(u16),
    Source,
    Grade,
    Score,
    Recipient(RecipientField),
    Calculation(Box<(Term, Operator, Term)>),
    Negative(Box<Term>),
    Size(Box<Term>),
    /// `double()`.
    ToDecimal(Box<Term>),
    /// `int()`.
    ToInteger(Box<Term>),
    Choice(Box<(Test, Term, Term)>),
    Test(Box<Test>),
}

#[derive(Debug)]
pub(super) enum Literal {
    Text(Box<str>),
    Integer(i64),
    Decimal(f64),
    Boolean(bool),
}

/// `<`, `<=`, `>`, `>=`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rank {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What one text may be of another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Start,
    End,
    Anywhere,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// What `has()` asks for. In a group that the lead lacks altogether, asking is an error.
#[derive(Debug)]
pub(super) enum Presence {
    Always,
    Grade,
    Score,
    /// One field, or any of a group, within the group of these slots, whose name has this many bytes; without one, `lead` itself is asked.
    Fields {
        wanted: Range<u16>,
        within: Option<(Range<u16>, usize)>,
    },
}

//! One expression, compiled.

use std::sync::Arc;

use cel::common::ast::IdedExpr;

use super::bounds::{self, LONGEST};
use super::facts::{LeadFacts, sample, sample_facts};
use super::fault::Fault;
use super::native::{self, Term, Test, Wrong};
use super::reading::Reader;
use super::recipient::RecipientFacts;
use super::{Use, crates, syntax};
use crate::table::Problem;
use crate::table::schema::Schema;

/// A compiled expression. Clones are one expression, and so are equal texts of one [`super::Expressions`].
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    text: Box<str>,
    uses: Use,
    way: Way,
}

/// How an expression is evaluated.
enum Way {
    Condition(Test),
    Score(Term),
    Crate(IdedExpr),
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text().fmt(f)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id() || (self.0.uses == other.0.uses && self.0.text == other.0.text)
    }
}

impl Expression {
    /// Compiles and tries one expression. `field` is where it stands, for the problem. Who compiles many has an [`super::Expressions`].
    pub fn compile(text: &str, field: &str, uses: Use, schema: &Schema) -> Result<Self, Problem> {
        let lead = sample(schema);
        Self::make(text, uses, &sample_facts(&lead, uses, schema), &mut Reader::default()).map_err(|message| Problem::new(field, message))
    }

    /// Compiles an expression and tries it on `sample`, a lead that has every field of its schema.
    pub(super) fn make(text: &str, uses: Use, sample: &LeadFacts<'_>, reader: &mut Reader) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("must be at most {LONGEST} bytes of CEL, is {}", text.len()));
        }
        let tree = reader.read(text)?;
        bounds::check(&tree, uses, sample.schema)?;
        let way = match native_way(&tree, uses, sample) {
            Some(way) => way,
            None => crate_way(tree, uses, sample)?,
        };
        Ok(Self(Arc::new(Compiled { text: text.into(), uses, way })))
    }

    /// Whether the condition holds. A fault says why it could not be told, most often for a field that the lead lacks.
    pub fn holds<'a>(&self, lead: &LeadFacts<'a>) -> Result<bool, Fault<'a>> {
        match &self.0.way {
            Way::Condition(test) => {
                native::holds(test, lead).or_else(|wrong| self.otherwise(wrong, lead, |tree| crates::holds(tree, lead)))
            }
            Way::Score(_) => Err(Fault::NoBoolean),
            Way::Crate(tree) => crates::holds(tree, lead),
        }
    }

    /// The score of a recipient, which is finite.
    pub fn score<'a>(&self, lead: &LeadFacts<'a>, recipient: &RecipientFacts<'_>) -> Result<f64, Fault<'a>> {
        match &self.0.way {
            Way::Score(term) => native::number(term, lead, recipient)
                .or_else(|wrong| self.otherwise(wrong, lead, |tree| crates::score(tree, lead, recipient))),
            Way::Condition(_) => Err(Fault::NoNumber),
            Way::Crate(tree) => crates::score(tree, lead, recipient),
        }
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The same for clones, and for equal texts of one [`super::Expressions`]; different for different expressions that are in use at one time. What an
    /// expression gave for a lead can be kept under it.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Whether nobody else has this expression.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Whether the expression runs as our own program.
    #[cfg(test)]
    pub(super) fn is_native(&self) -> bool {
        !matches!(self.0.way, Way::Crate(_))
    }

    /// What a program could not tell, the crate tells by a tree that is read anew: that is rare.
    #[cold]
    fn otherwise<'a, T>(
        &self,
        wrong: Wrong,
        lead: &LeadFacts<'a>,
        crates: impl FnOnce(&IdedExpr) -> Result<T, Fault<'a>>,
    ) -> Result<T, Fault<'a>> {
        match wrong.fault(lead) {
            Some(fault) => Err(fault),
            None => match syntax::read(&self.0.text).map_or_else(|| Reader::default().parse(&self.0.text), Ok) {
                Ok(tree) => crates(&tree),
                Err(message) => Err(Fault::Cel(message)),
            },
        }
    }
}

/// Our own program, when there is one and it runs on the sample.
fn native_way(tree: &IdedExpr, uses: Use, sample: &LeadFacts<'_>) -> Option<Way> {
    match uses {
        Use::BeforeScore | Use::Condition => {
            let test = native::condition(tree, sample.schema)?;
            native::holds(&test, sample).is_ok().then_some(Way::Condition(test))
        }
        Use::Score => {
            let term = native::score(tree, sample.schema)?;
            native::number(&term, sample, &RecipientFacts::sample()).is_ok().then_some(Way::Score(term))
        }
    }
}

/// The crate's way, when it runs on the sample; else the crate's words for why it does not.
fn crate_way(tree: IdedExpr, uses: Use, sample: &LeadFacts<'_>) -> Result<Way, String> {
    let outcome = match uses {
        Use::BeforeScore | Use::Condition => crates::holds(&tree, sample).map(|_| ()),
        Use::Score => crates::score(&tree, sample, &RecipientFacts::sample()).map(|_| ()),
    };
    outcome.map(|()| Way::Crate(tree)).map_err(|fault| {
        format!("fails on a lead that has every field: {fault}. Numbers of one kind go together: write 10.0 beside decimals")
    })
}

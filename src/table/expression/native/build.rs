//! From tree to program; nothing where the tree says more than a program can.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use regex::Regex;

use super::{Literal, Operator, Part, Presence, Rank, Term, Test};
use crate::table::expression::bounds::{path, selected};
use crate::table::expression::recipient::RecipientField;
use crate::table::schema::Schema;

/// The program of a condition. The tree has been held to its bounds, so that it is not deep.
pub(in super::super) fn condition(tree: &IdedExpr, schema: &Schema) -> Option<Test> {
    Builder { schema }.test(tree)
}

/// The program of a score.
pub(in super::super) fn score(tree: &IdedExpr, schema: &Schema) -> Option<Term> {
    Builder { schema }.term(tree)
}

struct Builder<'s> {
    schema: &'s Schema,
}

impl Builder<'_> {
    fn test(&self, tree: &IdedExpr) -> Option<Test> {
        match &tree.expr {
            Expr::Call(call) => match self.call_test(call) {
                Some(test) => Some(test),
                None => self.call_term(call).map(Test::Term),
            },
            Expr::Select(select) if select.test => self.presence(select).map(Test::Has),
            _ => self.term(tree).map(Test::Term),
        }
    }

    fn term(&self, tree: &IdedExpr) -> Option<Term> {
        match &tree.expr {
            Expr::Literal(value) => literal(value).map(Term::Literal),
            Expr::Call(call) => match self.call_term(call) {
                Some(term) => Some(term),
                None => self.call_test(call).map(|test| Term::Test(Box::new(test))),
            },
            Expr::Select(select) if select.test => Some(Term::Test(Box::new(Test::Has(self.presence(select)?)))),
            Expr::Select(_) => self.field(&path(&tree.expr)?),
            _ => None,
        }
    }

    /// A call that gives a boolean.
    fn call_test(&self, call: &CallExpr) -> Option<Test> {
        if let Some(target) = &call.target {
            return self.text_test(target, call);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [of]) => Some(Test::Not(Box::new(self.test(of)?))),
            (operators::LOGICAL_AND, [_, _]) => self.chain(call).map(Test::All),
            (operators::LOGICAL_OR, [_, _]) => self.chain(call).map(Test::Any),
            (operators::EQUALS, [left, right]) => Some(Test::Equal(self.term(left)?, self.term(right)?)),
            (operators::NOT_EQUALS, [left, right]) => Some(Test::Unequal(self.term(left)?, self.term(right)?)),
            (operators::IN, [left, IdedExpr { expr: Expr::List(list), .. }]) => {
                let items = list.elements.iter().map(|item| match &item.expr {
                    Expr::Literal(value) => literal(value),
                    _ => None,
                });
                Some(Test::In(self.term(left)?, items.collect::<Option<_>>()?))
            }
            (name, [left, right]) => {
                let rank = match name {
                    operators::LESS => Rank::Below,
                    operators::LESS_EQUALS => Rank::AtMost,
                    operators::GREATER => Rank::Above,
                    operators::GREATER_EQUALS => Rank::AtLeast,
                    _ => return None,
                };
                Some(Test::Ordered(self.term(left)?, rank, self.term(right)?))
            }
            _ => None,
        }
    }

    /// A call that gives some value.
    fn call_term(&self, call: &CallExpr) -> Option<Term> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            ("size", Some(of), []) | ("size", None, [of]) => Some(Term::Size(Box::new(self.term(of)?))),
            ("double", None, [of]) => Some(Term::ToDecimal(Box::new(self.term(of)?))),
            ("int", None, [of]) => Some(Term::ToInteger(Box::new(self.term(of)?))),
            (operators::NEGATE, None, [of]) => Some(Term::Negative(Box::new(self.term(of)?))),
            (operators::CONDITIONAL, None, [condition, then, otherwise]) => {
                Some(Term::Choice(Box::new((self.test(condition)?, self.term(then)?, self.term(otherwise)?))))
            }
            (name, None, [left, right]) => {
                let operator = match name {
                    operators::ADD => Operator::Add,
                    operators::SUBSTRACT => Operator::Subtract,
                    operators::MULTIPLY => Operator::Multiply,
                    operators::DIVIDE => Operator::Divide,
                    operators::MODULO => Operator::Remainder,
                    _ => return None,
                };
                Some(Term::Calculation(Box::new((self.term(left)?, operator, self.term(right)?))))
            }
            _ => None,
        }
    }

    fn text_test(&self, target: &IdedExpr, call: &CallExpr) -> Option<Test> {
        let [argument] = call.args.as_slice() else { return None };
        let part = match call.func_name.as_str() {
            "startsWith" => Part::Start,
            "endsWith" => Part::End,
            "contains" => Part::Anywhere,
            "matches" => {
                let Expr::Literal(LiteralValue::String(pattern)) = &argument.expr else { return None };
                // A pattern that is none fails when it is evaluated, as the crate has it.
                return Some(Test::Matches(self.term(target)?, Box::new(Regex::new(pattern.inner()).ok()?)));
            }
            _ => return None,
        };
        Some(Test::Text(self.term(target)?, part, self.term(argument)?))
    }

    /// All terms of nested calls of the same connective, in order.
    fn chain(&self, call: &CallExpr) -> Option<Box<[Test]>> {
        fn collect(builder: &Builder<'_>, call: &CallExpr, tests: &mut Vec<Test>) -> Option<()> {
            for part in &call.args {
                match &part.expr {
                    Expr::Call(inner) if inner.func_name == call.func_name => collect(builder, inner, tests)?,
                    _ => tests.push(builder.test(part)?),
                }
            }
            Some(())
        }
        let mut tests = Vec::new();
        collect(self, call, &mut tests)?;
        Some(tests.into())
    }

    /// A field of `lead` or `recipient`; groups are none.
    fn field(&self, path: &[&str]) -> Option<Term> {
        match path {
            ["recipient", name] => RecipientField::of(name).map(Term::Recipient),
            ["lead", "source"] => Some(Term::Source),
            ["lead", "grade"] => Some(Term::Grade),
            ["lead", "score"] => Some(Term::Score),
            ["lead", names @ ..] => self.schema.slot(&names.join(".")).map(Term::Field),
            _ => None,
        }
    }

    fn presence(&self, select: &SelectExpr) -> Option<Presence> {
        match selected(select)?.as_slice() {
            ["recipient", name] => RecipientField::of(name).map(|_| Presence::Always),
            ["lead", "source"] => Some(Presence::Always),
            ["lead", "grade"] => Some(Presence::Grade),
            ["lead", "score"] => Some(Presence::Score),
            ["lead", names @ ..] => {
                let (_, groups) = names.split_last()?;
                let group = groups.join(".");
                let within = (!groups.is_empty()).then(|| (self.schema.group(&group), group.len()));
                Some(Presence::Fields { wanted: self.slots(&names.join("."))?, within })
            }
            _ => None,
        }
    }

    /// The slots of a field or of a group.
    fn slots(&self, name: &str) -> Option<Range<u16>> {
        match self.schema.slot(name) {
            Some(slot) => Some(slot..slot + 1),
            None => Some(self.schema.group(name)).filter(|group| !group.is_empty()),
        }
    }
}

fn literal(value: &LiteralValue) -> Option<Literal> {
    Some(match value {
        LiteralValue::String(text) => Literal::Text(text.inner().into()),
        LiteralValue::Int(number) => Literal::Integer(*number.inner()),
        LiteralValue::Double(number) => Literal::Decimal(*number.inner()),
        LiteralValue::Boolean(truth) => Literal::Boolean(*truth.inner()),
        LiteralValue::Bytes(_) | LiteralValue::Null | LiteralValue::UInt(_) => return None,
    })
}

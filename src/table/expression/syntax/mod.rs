//! A reader for the CEL that conditions are mostly made of. It gives the very tree that the `cel` crate's parser would (but for node numbers), in a
//! fraction of the time, or nothing: then that parser has the word, also on what is wrong.
//!
//! Not read: indexing, maps, messages, bytes, unsigned and hexadecimal numbers, comments, triple quotes, rare escapes, `all` and its like, chains of
//! signs, and whatever is nested deeper than a few levels.

mod logic;
mod tokens;

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators};

use logic::balanced;
use tokens::{Token, Tokens};

/// Levels of brackets and conditionals that are read here.
const DEEPEST: usize = 12;

/// Macros that the parser expands into comprehensions.
const MACROS: [&str; 6] = ["all", "exists", "exists_one", "existsOne", "filter", "map"];

/// Words that can't stand for a variable or a function.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The tree of a text; nothing when it is not one that is certainly understood here.
pub(super) fn read(text: &str) -> Option<IdedExpr> {
    let mut reading = Reading { tokens: Tokens::of(text), depth: 0 };
    let tree = reading.expression()?;
    reading.tokens.at_end().then_some(tree)
}

struct Reading<'t> {
    tokens: Tokens<'t>,
    depth: usize,
}

impl<'t> Reading<'t> {
    /// `or`, or `or ? or : expression`.
    fn expression(&mut self) -> Option<IdedExpr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let first = self.or()?;
        let whole = if self.tokens.skip("?")? {
            let then = self.or()?;
            if !self.tokens.skip(":")? {
                return None;
            }
            let otherwise = self.expression()?;
            call(operators::CONDITIONAL, vec![first, then, otherwise])
        } else {
            first
        };
        self.depth -= 1;
        Some(whole)
    }

    fn or(&mut self) -> Option<IdedExpr> {
        let mut terms = vec![self.and()?];
        while self.tokens.skip("||")? {
            terms.push(self.and()?);
        }
        Some(balanced(operators::LOGICAL_OR, terms))
    }

    fn and(&mut self) -> Option<IdedExpr> {
        let mut terms = vec![self.relation()?];
        while self.tokens.skip("&&")? {
            terms.push(self.relation()?);
        }
        Some(balanced(operators::LOGICAL_AND, terms))
    }

    fn relation(&mut self) -> Option<IdedExpr> {
        let mut left = self.sum()?;
        while let Some(name) = self.tokens.one_of(&RELATIONS)? {
            left = call(name, vec![left, self.sum()?]);
        }
        Some(left)
    }

    fn sum(&mut self) -> Option<IdedExpr> {
        let mut left = self.product()?;
        while let Some(name) = self.tokens.one_of(&SUMS)? {
            left = call(name, vec![left, self.product()?]);
        }
        Some(left)
    }

    fn product(&mut self) -> Option<IdedExpr> {
        let mut left = self.unary()?;
        while let Some(name) = self.tokens.one_of(&PRODUCTS)? {
            left = call(name, vec![left, self.unary()?]);
        }
        Some(left)
    }

    /// A sign right before a number belongs to the number. Two signs in a row are left to the parser: no operand begins with one.
    fn unary(&mut self) -> Option<IdedExpr> {
        if self.tokens.skip("!")? {
            return Some(call(operators::LOGICAL_NOT, vec![self.member()?]));
        }
        if self.tokens.skip("-")? {
            return match self.tokens.number(true)? {
                Some(number) => Some(literal(number)),
                None => Some(call(operators::NEGATE, vec![self.member()?])),
            };
        }
        self.member()
    }

    fn member(&mut self) -> Option<IdedExpr> {
        let mut left = self.primary()?;
        while self.tokens.skip(".")? {
            let name = self.tokens.name()?;
            left = if self.tokens.skip("(")? {
                if MACROS.contains(&name) {
                    return None;
                }
                let args = self.list(")")?;
                node(Expr::Call(CallExpr { func_name: name.to_owned(), target: Some(Box::new(left)), args }))
            } else {
                node(Expr::Select(SelectExpr { operand: Box::new(left), field: name.to_owned(), test: false }))
            };
        }
        Some(left)
    }

    fn primary(&mut self) -> Option<IdedExpr> {
        match self.tokens.primary()? {
            Token::Literal(value) => Some(literal(value)),
            Token::Open("(") => {
                let inner = self.expression()?;
                self.tokens.skip(")")?.then_some(inner)
            }
            Token::Open(_) => Some(node(Expr::List(ListExpr::new(self.list("]")?)))),
            Token::Name(name) if RESERVED.contains(&name) => None,
            Token::Name(name) if !self.tokens.skip("(")? => Some(node(Expr::Ident(name.to_owned()))),
            Token::Name("has") => self.has(),
            Token::Name(name) => Some(call(name, self.list(")")?)),
        }
    }

    /// `has(a.b)` asks for `b` in `a`.
    fn has(&mut self) -> Option<IdedExpr> {
        let inner = self.expression()?;
        match inner.expr {
            Expr::Select(select) if self.tokens.skip(")")? => Some(node(Expr::Select(SelectExpr { test: true, ..select }))),
            _ => None,
        }
    }

    /// Expressions up to the closing bracket.
    fn list(&mut self, close: &'static str) -> Option<Vec<IdedExpr>> {
        let mut items = Vec::new();
        if self.tokens.skip(close)? {
            return Some(items);
        }
        loop {
            items.push(self.expression()?);
            if self.tokens.skip(close)? {
                return Some(items);
            }
            if !self.tokens.skip(",")? {
                return None;
            }
        }
    }
}

const RELATIONS: [(&str, &str); 7] = [
    ("==", operators::EQUALS),
    ("!=", operators::NOT_EQUALS),
    ("<=", operators::LESS_EQUALS),
    (">=", operators::GREATER_EQUALS),
    ("<", operators::LESS),
    (">", operators::GREATER),
    ("in", operators::IN),
];
const SUMS: [(&str, &str); 2] = [("+", operators::ADD), ("-", operators::SUBSTRACT)];
const PRODUCTS: [(&str, &str); 3] = [("*", operators::MULTIPLY), ("/", operators::DIVIDE), ("%", operators::MODULO)];

fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
}

fn literal(value: LiteralValue) -> IdedExpr {
    node(Expr::Literal(value))
}

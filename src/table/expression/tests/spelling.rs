//! Our reader reads what the `cel` crate's parser reads.

use cel::common::ast::{Expr, IdedExpr};
use proptest::collection::vec;
use proptest::sample::select;

use super::*;
use crate::table::expression::reading::Reader;
use crate::table::expression::syntax;

/// The tree without its node numbers.
pub(super) fn bare(tree: &IdedExpr) -> IdedExpr {
    let all = |trees: &[IdedExpr]| trees.iter().map(bare).collect();
    let mut expr = tree.expr.clone();
    match &mut expr {
        Expr::Call(call) => {
            call.target = call.target.as_deref().map(bare).map(Box::new);
            call.args = all(&call.args);
        }
        Expr::List(list) => list.elements = all(&list.elements),
        Expr::Select(select) => *select.operand = bare(&select.operand),
        _ => {}
    }
    IdedExpr { id: 0, expr }
}

proptest! {
    #[test]
    fn whatever_is_read_is_read_as_the_parser_does(words in vec(select(WORDS), 1..14)) {
        let text = words.concat();
        if let Some(tree) = syntax::read(&text) {
            let parsed = Reader::default().parse(&text);
            prop_assert_eq!(Ok(tree), parsed.as_ref().map(bare).map_err(Clone::clone), "{}", text);
        }
    }
}

/// What texts are made of, right and wrong.
const WORDS: &[&str] = &[
    "lead",
    ".",
    "home",
    ".rooms",
    "lead.x",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    ",",
    "?",
    ":",
    " ",
    "\n",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "in",
    " in ",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "1",
    "2.5",
    "1e5",
    "0x1f",
    "1u",
    "'a'",
    "\"b\"",
    "r'c'",
    "''",
    "'",
    "\\",
    "true",
    "null",
    "has",
    "has(lead.a)",
    "size(",
    ".size()",
    ".matches('x')",
    ".exists(x, x)",
    "if",
    "{",
    "}",
    "b",
    "//",
    "é",
    ".5",
    "=",
    "&",
    "`",
    ";",
    "exists(",
    "all",
    "int(1)",
];

#[test]
fn odd_spellings_are_read_as_the_parser_reads_them_or_left_to_it() {
    let mut parser = Reader::default();
    for text in [
        "--1",
        "- -1",
        "1--1",
        "1 - -1",
        "-1-1",
        "!!true",
        "!-1",
        "-lead.x",
        "-(1)",
        "1 -1",
        "2-1",
        "a-1",
        "-1.5",
        "- 1.5",
        "1.",
        ".5",
        "1..5",
        "1.5.5",
        "1.size()",
        "1 .size()",
        "(1).size()",
        "'a'.size()",
        "a ? b : c ? d : e",
        "(a ? b : c) ? d : e",
        "a ? b ? c : d : e",
        "a<b<c",
        "a in b in c",
        "a inb",
        "a in[b]",
        "1in [1]",
        "a==b!=c",
        "a+b*c-d/e%f",
        "a||b&&c||d",
        "a&&b&&c&&d&&e&&f&&g",
        "[a,]",
        "[]",
        "[,]",
        "f(a,)",
        "f()",
        "has(a)",
        "has(a.b, c)",
        "has(a.b).c",
        "has(has(a.b).c)",
        ".a",
        "a.",
        "a.?b",
        "a[?b]",
        "a[0]",
        "a{b: c}",
        "{}",
        "true.x",
        "truex",
        "true x",
        "nulls",
        "a.true",
        "a.in",
        "in",
        "for",
        "a.for",
        "for(a)",
        "a.for()",
        "r'\\'",
        "R\"a\"",
        "rb'a'",
        "br'a'",
        "'a''b'",
        "''''''",
        "'''a'''",
        "r'''a'''",
        "'a\nb'",
        "'a\\qb'",
        "'\\u00e9'",
        "a // c",
        "a /* c */",
        "a//",
        "a\u{c}",
        "a\u{a0}",
        "é",
        "'é'",
        "9223372036854775808",
        "-9223372036854775808",
        "00",
        "007",
        "1e400",
        "1e",
        "1e+",
        "1e+5",
        "1E-5",
        "0x10",
        "1_0",
        "1a",
        "a.1",
        "a . b",
        "a .b ( )",
        "all(a, b)",
        "a.all(b, c)",
        "a.map(b, c, d)",
        "a.map(b)",
        "a.size",
        "size",
        "_a",
        "a_1._b",
        "((((((((((a))))))))))",
        "((((((((((((((a))))))))))))))",
        "",
        " ",
        "a b",
        "a = b",
        "a & b",
        "a | b",
        "a ! b",
        "a !",
        "a !== b",
        "!a == b",
        "!a.b",
        "!(a)",
        "! a",
        "(a",
        "a)",
        "a?b",
        "a?b:",
        "a ?: b",
        "as",
        "a.as.b",
        "lead.namespace == 'x'",
    ] {
        if let Some(tree) = syntax::read(text) {
            assert_eq!(Ok(tree), parser.parse(text).as_ref().map(bare).map_err(Clone::clone), "{text}");
        }
    }
}

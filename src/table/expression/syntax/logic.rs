//! The shape of `a && b && c`: the parser makes balanced trees of such chains, so that they are not deep.

use std::iter::Peekable;
use std::vec::IntoIter;

use cel::common::ast::IdedExpr;

use super::call;

/// All terms joined by one operator, in order.
pub(super) fn balanced(operator: &str, terms: Vec<IdedExpr>) -> IdedExpr {
    let operators = terms.len().saturating_sub(1);
    let mut terms = terms.into_iter().peekable();
    tree(operator, &mut terms, operators)
}

/// The tree of the next `operators + 1` terms. The operator at the middle, rounded up, is the root.
fn tree(operator: &str, terms: &mut Peekable<IntoIter<IdedExpr>>, operators: usize) -> IdedExpr {
    if operators == 0 {
        return terms.next().unwrap_or_default();
    }
    let before = operators / 2;
    let left = tree(operator, terms, before);
    let right = tree(operator, terms, operators - 1 - before);
    call(operator, vec![left, right])
}

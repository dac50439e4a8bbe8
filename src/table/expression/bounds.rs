//! The bounds of an expression: at most 1,024 bytes (the CRD says so too), 256 parts, 32 levels and one comprehension; only known variables, functions
//! and fields; and patterns of `matches` are literals.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr};

use super::Use;
use super::recipient::RecipientField;
use crate::table::schema::{RESERVED, Schema};

pub(super) const LONGEST: usize = 1024;
const MOST_NODES: usize = 256;
const DEEPEST: usize = 32;

/// The functions of CEL's standard environment, and the operators' inner names.
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "bytes",
    "type",
    "dyn",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

/// Names of types, as in `type(x) == string`.
const TYPES: [&str; 9] = ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type"];

/// Holds a tree to its bounds.
pub(super) fn check(tree: &IdedExpr, uses: Use, schema: &Schema) -> Result<(), String> {
    Check { uses, schema, nodes: 0, comprehensions: 0 }.walk(tree, 1, &mut Vec::new())
}

/// The names of `a.b.c`, when the node is nothing else.
pub(super) fn path(node: &Expr) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut at = node;
    loop {
        match at {
            Expr::Select(select) if !select.test => {
                names.push(select.field.as_str());
                at = &select.operand.expr;
            }
            Expr::Ident(name) => {
                names.push(name.as_str());
                names.reverse();
                return Some(names);
            }
            _ => return None,
        }
    }
}

/// The names of `a.b.c` and of `has(a.b.c)`.
pub(super) fn selected(select: &SelectExpr) -> Option<Vec<&str>> {
    let mut names = path(&select.operand.expr)?;
    names.push(&select.field);
    Some(names)
}

/// The walk over a tree.
struct Check<'a> {
    uses: Use,
    schema: &'a Schema,
    nodes: usize,
    comprehensions: usize,
}

impl<'t> Check<'_> {
    /// `bound` are the variables that macros bind.
    fn walk(&mut self, node: &'t IdedExpr, depth: usize, bound: &mut Vec<&'t str>) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("must have at most {MOST_NODES} parts"));
        }
        if depth > DEEPEST {
            return Err(format!("must be nested at most {DEEPEST} deep"));
        }
        match &node.expr {
            Expr::Ident(name) => self.variable(name, bound),
            Expr::Select(select) => match selected(select) {
                Some(path) if !bound.contains(&path[0]) => self.path(&path),
                _ => self.walk(&select.operand, depth + 1, bound),
            },
            Expr::Call(call) => {
                self.function(&call.func_name, &call.args)?;
                call.target.iter().map(Box::as_ref).chain(&call.args).try_for_each(|part| self.walk(part, depth + 1, bound))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|part| self.walk(part, depth + 1, bound)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.walk(&entry.key, depth + 1, bound).and_then(|()| self.walk(&entry.value, depth + 1, bound))
                }
                EntryExpr::StructField(entry) => self.walk(&entry.value, depth + 1, bound),
            }),
            Expr::Comprehension(inner) => {
                self.comprehensions += 1;
                if self.comprehensions > 1 {
                    return Err("must have at most one of all, exists, exists_one, filter and map".to_owned());
                }
                self.walk(&inner.iter_range, depth + 1, bound)?;
                let outer = bound.len();
                bound.extend([inner.iter_var.as_str(), inner.accu_var.as_str()]);
                bound.extend(inner.iter_var2.as_deref());
                let parts = [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
                let walked = parts.into_iter().try_for_each(|part| self.walk(part, depth + 1, bound));
                bound.truncate(outer);
                walked
            }
            Expr::Struct(_) => Err("may not build messages".to_owned()),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn variable(&self, name: &str, bound: &[&str]) -> Result<(), String> {
        let known = name == "lead" || (name == "recipient" && self.uses == Use::Score) || bound.contains(&name);
        if known || TYPES.contains(&name) {
            return Ok(());
        }
        Err(match self.uses {
            Use::BeforeScore | Use::Condition => format!("speaks of '{name}'; there is only `lead`"),
            Use::Score => format!("speaks of '{name}'; there are only `lead` and `recipient`"),
        })
    }

    fn path(&self, path: &[&str]) -> Result<(), String> {
        self.variable(path[0], &[])?;
        match path {
            ["recipient", name] if RecipientField::of(name).is_some() => Ok(()),
            ["recipient", names @ ..] => {
                let known = RecipientField::NAMED.map(|(name, _)| name).join(", ");
                Err(format!("a recipient has no '{}'; it has {known}", names.join(".")))
            }
            [_, name @ ("grade" | "score")] if self.uses == Use::BeforeScore => Err(format!(
                "reads `lead.{name}`, which is unknown before the lead is scored; it can stand in conditions of tiers and of recipients"
            )),
            [_, name] if RESERVED.contains(name) => Ok(()),
            [_, names @ ..] => {
                let name = names.join(".");
                if self.schema.slot(&name).is_some() || !self.schema.group(&name).is_empty() {
                    Ok(())
                } else {
                    Err(format!("a lead has no field '{name}'"))
                }
            }
            [] => Ok(()),
        }
    }

    fn function(&self, name: &str, args: &[IdedExpr]) -> Result<(), String> {
        let word = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if word && !FUNCTIONS.contains(&name) {
            return Err(format!("calls '{name}', which is no function here"));
        }
        if name == "matches" && !args.last().is_some_and(|pattern| matches!(pattern.expr, Expr::Literal(LiteralValue::String(_)))) {
            return Err("the pattern of `matches` must be a literal".to_owned());
        }
        Ok(())
    }
}

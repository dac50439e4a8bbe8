//! CEL, bounded: expressions that users write, so that none can stall or end a router.
//!
//! Admission: at most 1,024 bytes (the CRD says so too), 256 nodes, 32 levels and one comprehension; only known variables, functions and fields;
//! patterns of `matches` are literals; and a trial run on a lead with every field of the schema, which catches mistakes of type. Parsing happens on
//! a thread with a stack of its own, because the parser's depth is the text's.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::objects::{Key, Map};
use cel::{Context, Env, Program, Value as Cel};

use super::Problem;
use super::schema::Schema;
use crate::api::exchange::FieldType;
use crate::lead::{Lead, Value};

const LONGEST: usize = 1024;
const MOST_NODES: usize = 256;
const DEEPEST: usize = 32;
const STACK: usize = 16 << 20;

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

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// What an expression may speak of, and what it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A condition over `lead`.
    Condition,
    /// A number over `lead` and `recipient`.
    Score,
}

/// A compiled expression.
#[derive(Clone)]
pub struct Expression {
    program: Arc<Program>,
    text: String,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What is known of a recipient in a Score.
#[derive(Clone, Debug)]
pub struct RecipientFacts<'a> {
    pub name: &'a str,
    pub conversion_rate: f64,
    pub load: f64,
    pub price: f64,
    pub priority: f64,
    pub weight: f64,
}

impl Expression {
    /// Compiles and tries an expression. `field` is where it stands, for the problem.
    pub fn compile(text: &str, field: &str, uses: Use, schema: &Schema) -> Result<Self, Problem> {
        let problem = |message: String| Problem::new(field, message);
        if text.len() > LONGEST {
            return Err(problem(format!("must be at most {LONGEST} bytes of CEL, is {}", text.len())));
        }
        let program = parse(text).map_err(problem)?;
        let mut check = Check { uses, schema, nodes: 0, comprehensions: 0 };
        check.walk(program.expression(), 1, &mut Vec::new()).map_err(problem)?;
        let expression = Self { program: Arc::new(program), text: text.to_owned() };
        expression.trial(schema, uses).map_err(problem)?;
        Ok(expression)
    }

    /// Whether the condition holds. An error says why it could not be told, most often for a field that the lead lacks.
    pub fn holds(&self, lead: &LeadFacts) -> Result<bool, String> {
        match self.program.execute(&lead.context()).map_err(|error| error.to_string())? {
            Cel::Bool(truth) => Ok(truth),
            _ => Err("the condition gave no boolean".to_owned()),
        }
    }

    /// The score of a recipient.
    pub fn score(&self, lead: &LeadFacts, recipient: &RecipientFacts<'_>) -> Result<f64, String> {
        let mut context = lead.context();
        context.add_variable_from_value("recipient", recipient.value());
        let number = match self.program.execute(&context).map_err(|error| error.to_string())? {
            Cel::Float(number) => number,
            Cel::Int(number) => number as f64,
            Cel::UInt(number) => number as f64,
            _ => return Err("the expression gave no number".to_owned()),
        };
        if number.is_finite() { Ok(number) } else { Err("the expression gave no finite number".to_owned()) }
    }

    /// Runs on a lead that has every field.
    fn trial(&self, schema: &Schema, uses: Use) -> Result<(), String> {
        let lead = LeadFacts::sample(schema);
        let outcome = match uses {
            Use::Condition => self.holds(&lead).map(|_| ()),
            Use::Score => {
                let recipient = RecipientFacts { name: "trial", conversion_rate: 0.5, load: 1.0, price: 1.0, priority: 1.0, weight: 1.0 };
                self.score(&lead, &recipient).map(|_| ())
            }
        };
        outcome.map_err(|error| {
            format!("fails on a lead that has every field: {error}. Numbers of one kind go together: write 10.0 beside decimals")
        })
    }
}

impl RecipientFacts<'_> {
    fn value(&self) -> Cel {
        map([
            ("name", Cel::from(self.name)),
            ("conversionRate", Cel::Float(self.conversion_rate)),
            ("load", Cel::Float(self.load)),
            ("price", Cel::Float(self.price)),
            ("priority", Cel::Float(self.priority)),
            ("weight", Cel::Float(self.weight)),
        ])
    }
}

const RECIPIENT_FIELDS: &[&str] = &["name", "conversionRate", "load", "price", "priority", "weight"];

/// A lead as expressions see it.
pub struct LeadFacts(Cel);

impl LeadFacts {
    pub fn of(lead: &Lead) -> Self {
        Self(nested(lead.fields.iter().map(|(name, value)| (name.as_str(), cel(value))), Some(&lead.source)))
    }

    /// A lead with every field of the schema.
    fn sample(schema: &Schema) -> Self {
        let fields = schema.fields.iter().map(|(name, field)| {
            let value = match field.kind {
                FieldType::Integer => Cel::Int(1),
                FieldType::Decimal => Cel::Float(1.0),
                FieldType::Boolean => Cel::Bool(true),
                FieldType::Date => Cel::from("2026-01-01"),
                FieldType::Enum => Cel::from(field.values.first().map_or("", String::as_str)),
                _ => Cel::from("1"),
            };
            (name.as_str(), value)
        });
        Self(nested(fields, Some("sample")))
    }

    fn context(&self) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value("lead", self.0.clone());
        context
    }
}

/// Numbers with a fraction are doubles in CEL, and so is every field of type Decimal.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Text(text) => Cel::from(text.as_str()),
        Value::Integer(number) => Cel::Int(*number),
        Value::Decimal(number) => Cel::Float(f64::try_from(*number).unwrap_or(f64::NAN)),
        Value::Boolean(truth) => Cel::Bool(*truth),
        Value::Date(date) => Cel::from(date.to_string()),
    }
}

/// Dotted names as nested maps.
fn nested<'a>(fields: impl Iterator<Item = (&'a str, Cel)>, source: Option<&str>) -> Cel {
    #[derive(Default)]
    struct Node {
        value: Option<Cel>,
        below: HashMap<String, Node>,
    }
    impl Node {
        fn build(self) -> Cel {
            match self.value {
                Some(value) => value,
                None => map(self.below.into_iter().map(|(name, node)| (name, node.build()))),
            }
        }
    }
    let mut root = Node::default();
    for (name, value) in fields {
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.below.entry(part.to_owned()).or_default();
        }
        node.value = Some(value);
    }
    if let Some(source) = source {
        root.below.entry("source".to_owned()).or_insert_with(|| Node { value: Some(Cel::from(source)), below: HashMap::new() });
    }
    root.build()
}

fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Cel)>) -> Cel {
    let map: HashMap<Key, Cel> = entries.into_iter().map(|(key, value)| (Key::String(Arc::new(key.into())), value)).collect();
    Cel::Map(Map { map: Arc::new(map) })
}

/// Parses on a thread with a large stack.
fn parse(text: &str) -> Result<Program, String> {
    let text = text.to_owned();
    let parsing = std::thread::Builder::new()
        .name("cel".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            ENVIRONMENT.compile(&text).map_err(|errors| format!("is no CEL: {}", errors.to_string().lines().next().unwrap_or_default()))
        })
        .map_err(|error| format!("can't be parsed now: {error}"))?;
    parsing.join().map_err(|_| "can't be parsed".to_owned())?
}

/// The walk that holds an expression to its bounds.
struct Check<'a> {
    uses: Use,
    schema: &'a Schema,
    nodes: usize,
    comprehensions: usize,
}

impl Check<'_> {
    /// `bound` are the variables that macros bind.
    fn walk(&mut self, node: &IdedExpr, depth: usize, bound: &mut Vec<String>) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(format!("must have at most {MOST_NODES} parts"));
        }
        if depth > DEEPEST {
            return Err(format!("must be nested at most {DEEPEST} deep"));
        }
        match &node.expr {
            Expr::Ident(name) => self.variable(name, bound),
            Expr::Select(select) => match path(&node.expr) {
                Some(path) if !bound.contains(&path[0].to_owned()) => self.path(&path),
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
                bound.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
                bound.extend(inner.iter_var2.clone());
                let parts = [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
                let walked = parts.into_iter().try_for_each(|part| self.walk(part, depth + 1, bound));
                bound.truncate(outer);
                walked
            }
            Expr::Struct(_) => Err("may not build messages".to_owned()),
            Expr::Literal(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn variable(&self, name: &str, bound: &[String]) -> Result<(), String> {
        let known = name == "lead" || (name == "recipient" && self.uses == Use::Score) || bound.iter().any(|b| b == name);
        // Names of types, as in type(x) == string.
        let type_name = ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type"].contains(&name);
        if known || type_name {
            return Ok(());
        }
        Err(match self.uses {
            Use::Condition => format!("speaks of '{name}'; there is only `lead`"),
            Use::Score => format!("speaks of '{name}'; there are only `lead` and `recipient`"),
        })
    }

    fn path(&self, path: &[&str]) -> Result<(), String> {
        self.variable(path[0], &[])?;
        let name = path[1..].join(".");
        if path[0] == "recipient" {
            return if RECIPIENT_FIELDS.contains(&name.as_str()) {
                Ok(())
            } else {
                Err(format!("a recipient has no '{name}'; it has {}", RECIPIENT_FIELDS.join(", ")))
            };
        }
        let prefix = format!("{name}.");
        if name == "source" || self.schema.fields.contains_key(&name) || self.schema.fields.keys().any(|field| field.starts_with(&prefix)) {
            Ok(())
        } else {
            Err(format!("a lead has no field '{name}'"))
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

/// The names of `a.b.c`, when the node is nothing else.
fn path(node: &Expr) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut at = node;
    loop {
        match at {
            Expr::Select(select) => {
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

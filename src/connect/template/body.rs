//! A whole body: an object of literals and strings with paths.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{Path, Scope, Text};
use crate::table::Problem;
use crate::table::schema::Schema;

/// Largest rendered body, in bytes.
pub const LARGEST_BODY: usize = 256 * 1024;
/// Largest template, in bytes of JSON.
const LARGEST_TEMPLATE: usize = 16 * 1024;
/// Deepest nesting of a template.
const DEEPEST: usize = 32;

/// A compiled body.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(BTreeMap<String, Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Null, a truth or a number, as it stands.
    Plain(Json),
    Text(Text),
    List(Vec<Node>),
    Object(BTreeMap<String, Node>),
}

/// The rendered body is larger than [`LARGEST_BODY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rendered body is larger than {LARGEST_BODY} bytes")]
pub struct TooLarge;

impl Template {
    /// Compiles the body that a user wrote; `field` is where it stands. `flat` allows no objects or lists within.
    pub fn compile(body: &Json, field: &str, schema: &Schema, flat: bool) -> Result<Self, Problem> {
        let Json::Object(entries) = body else {
            return Err(Problem::new(field, "must be an object"));
        };
        if body.to_string().len() > LARGEST_TEMPLATE {
            return Err(Problem::new(field, format!("is larger than {LARGEST_TEMPLATE} bytes of JSON")));
        }
        object(entries, field, schema, 1).and_then(|entries| {
            let nested = entries.iter().find(|(_, node)| flat && matches!(node, Node::List(_) | Node::Object(_)));
            match nested {
                Some((key, _)) => {
                    Err(Problem::new(format!("{field}.{key}"), "a form has no objects or lists; give a string, number or boolean"))
                }
                None => Ok(Self(entries)),
            }
        })
    }

    /// The body of those who wrote none: all of the lead's fields and `lead_id`. Nested by the dots of their names, or, when `flat`, under
    /// their full names.
    pub fn all_fields(field: &str, schema: &Schema, flat: bool) -> Result<Self, Problem> {
        let mut entries = BTreeMap::from([("lead_id".to_owned(), Node::Text(Text::of(Path::LeadId)))]);
        for name in schema.fields.keys() {
            let node = Node::Text(Text::of(Path::Field(name.clone())));
            let put = if flat { entries.insert(name.clone(), node).is_none() } else { nest(&mut entries, name, node) };
            if !put {
                return Err(Problem::new(field, format!("the lead's field {name} shares its place with another; write the body out")));
            }
        }
        Ok(Self(entries))
    }

    /// The body as JSON, keys sorted.
    pub fn json(&self, scope: &Scope<'_>) -> Result<String, TooLarge> {
        let mut left = LARGEST_BODY;
        let body = Json::Object(rendered(&self.0, scope, &mut left)?).to_string();
        if body.len() > LARGEST_BODY { Err(TooLarge) } else { Ok(body) }
    }

    /// The body as a form, keys sorted.
    pub fn form(&self, scope: &Scope<'_>) -> Result<String, TooLarge> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let mut left = LARGEST_BODY;
        for (key, node) in &self.0 {
            let text = match node {
                Node::Text(text) => text.render(scope),
                Node::Plain(Json::Null) | Node::List(_) | Node::Object(_) => None,
                Node::Plain(plain) => Some(plain.to_string()),
            };
            if let Some(text) = text {
                spend(&mut left, key.len() + text.len())?;
                form.append_pair(key, &text);
            }
        }
        let body = form.finish();
        if body.len() > LARGEST_BODY { Err(TooLarge) } else { Ok(body) }
    }
}

fn object(entries: &Map<String, Json>, field: &str, schema: &Schema, depth: usize) -> Result<BTreeMap<String, Node>, Problem> {
    entries
        .iter()
        .map(|(key, value)| {
            let field = format!("{field}.{key}");
            if key.contains("{{") {
                return Err(Problem::new(field, "a key can't hold `{{ path }}`; only values can"));
            }
            Ok((key.clone(), node(value, &field, schema, depth)?))
        })
        .collect()
}

fn node(value: &Json, field: &str, schema: &Schema, depth: usize) -> Result<Node, Problem> {
    if depth > DEEPEST {
        return Err(Problem::new(field, format!("is nested deeper than {DEEPEST}")));
    }
    Ok(match value {
        Json::String(text) => Node::Text(Text::parse(text, field, schema)?),
        Json::Array(items) => {
            let compiled = |(at, item)| node(item, &format!("{field}[{at}]"), schema, depth + 1);
            Node::List(items.iter().enumerate().map(compiled).collect::<Result<_, _>>()?)
        }
        Json::Object(entries) => Node::Object(object(entries, field, schema, depth + 1)?),
        plain => Node::Plain(plain.clone()),
    })
}

/// Puts a node at the place that the dots of `name` tell; false when something is there already.
fn nest(entries: &mut BTreeMap<String, Node>, name: &str, node: Node) -> bool {
    match name.split_once('.') {
        None if entries.contains_key(name) => false,
        None => entries.insert(name.to_owned(), node).is_none(),
        Some((first, rest)) => match entries.entry(first.to_owned()).or_insert_with(|| Node::Object(BTreeMap::new())) {
            Node::Object(inner) => nest(inner, rest, node),
            _ => false,
        },
    }
}

/// An object without the keys whose values are absent, and without objects that only had such keys.
fn rendered(entries: &BTreeMap<String, Node>, scope: &Scope<'_>, left: &mut usize) -> Result<Map<String, Json>, TooLarge> {
    let mut object = Map::new();
    for (key, node) in entries {
        if let Some(value) = value(node, scope, left)? {
            spend(left, key.len())?;
            object.insert(key.clone(), value);
        }
    }
    Ok(object)
}

fn value(node: &Node, scope: &Scope<'_>, left: &mut usize) -> Result<Option<Json>, TooLarge> {
    Ok(match node {
        Node::Plain(plain) => Some(plain.clone()),
        Node::Text(text) => match text.sole_path() {
            Some(path) => path.find(scope).map(|found| found.json()),
            None => text.render(scope).map(Json::String),
        }
        .map(|value| spend(left, value.as_str().map_or(1, str::len)).map(|()| value))
        .transpose()?,
        Node::List(items) => {
            let values = items.iter().map(|item| Ok(value(item, scope, left)?.unwrap_or(Json::Null)));
            Some(Json::Array(values.collect::<Result<_, _>>()?))
        }
        Node::Object(entries) => {
            let object = rendered(entries, scope, left)?;
            (entries.is_empty() || !object.is_empty()).then_some(Json::Object(object))
        }
    })
}

/// Keeps the memory of a rendering within the bound while it grows.
fn spend(left: &mut usize, bytes: usize) -> Result<(), TooLarge> {
    *left = left.checked_sub(bytes).ok_or(TooLarge)?;
    Ok(())
}

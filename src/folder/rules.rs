//! Holds a document to what its definition says beyond shapes: CEL rules (`x-kubernetes-validations`), and lists whose entries must differ.

use std::collections::HashSet;
use std::sync::Arc;

use cel::{Context, Program};
use serde_json::{Map, Value};

use super::{Wrong, below};

/// Words that CEL keeps for itself. The API server writes a field of such a name as `__in__`.
#[rustfmt::skip]
const KEYWORDS: [&str; 21] = [
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package",
    "return", "true", "var", "void", "while",
];

/// All that is wrong with a document that fits the schema and has its defaults.
pub fn check(schema: &Value, document: &Value) -> Vec<Wrong> {
    let mut context = Context::default();
    // Known by the API server, and not by CEL itself. Declared once in a fresh context, so it can't be there yet.
    let _ = context.add_function("isURL", |text: Arc<String>| url::Url::parse(&text).is_ok_and(|url| url.has_host()));
    let mut wrongs = Vec::new();
    walk(schema, document, "", &context, &mut wrongs);
    wrongs
}

fn walk(schema: &Value, value: &Value, path: &str, context: &Context<'_, '_>, wrongs: &mut Vec<Wrong>) {
    for rule in list(schema, "x-kubernetes-validations") {
        if let Err(message) = test(rule, value, context) {
            wrongs.push(Wrong::new(path, message));
        }
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner =
                    schema.get("properties").and_then(|properties| properties.get(name)).or_else(|| schema.get("additionalProperties"));
                if let Some(inner) = inner {
                    walk(inner, value, &below(path, name), context, wrongs);
                }
            }
        }
        Value::Array(items) => {
            unique(schema, items, path, wrongs);
            if let Some(inner) = schema.get("items") {
                for (at, item) in items.iter().enumerate() {
                    walk(inner, item, &format!("{path}[{at}]"), context, wrongs);
                }
            }
        }
        _ => {}
    }
}

/// Entries of a set differ, entries of a list that is a map differ in their keys.
fn unique(schema: &Value, items: &[Value], path: &str, wrongs: &mut Vec<Wrong>) {
    let keys = list(schema, "x-kubernetes-list-map-keys");
    let identity = |item: &Value| match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => Some(item.to_string()),
        Some("map") => Some(keys.iter().filter_map(|key| item.get(key.as_str()?)).map(Value::to_string).collect()),
        _ => None,
    };
    let mut seen = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        if identity(item).is_some_and(|identity| !seen.insert(identity)) {
            wrongs.push(Wrong::new(format!("{path}[{at}]"), "is there twice"));
        }
    }
}

fn test(rule: &Value, value: &Value, context: &Context<'_, '_>) -> Result<(), String> {
    let source = rule.get("rule").and_then(Value::as_str).unwrap_or_default();
    // It is about a change on the API server; a folder has nothing that was before.
    if source.contains("oldSelf") {
        return Ok(());
    }
    let program = Program::compile(source).map_err(|_| format!("the rule `{source}` can't be read"))?;
    let mut scope = context.new_inner_scope();
    scope.add_variable("self", escaped(value)).map_err(|_| format!("the rule `{source}` can't be tested"))?;
    match program.execute(&scope) {
        Ok(cel::Value::Bool(true)) => Ok(()),
        Ok(_) => Err(rule.get("message").and_then(Value::as_str).unwrap_or(source).to_owned()),
        Err(_) => Err(format!("the rule `{source}` can't be tested")),
    }
}

/// The value under the names that rules know its fields by.
fn escaped(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (escaped_name(name), escaped(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(escaped).collect()),
        other => other.clone(),
    }
}

fn escaped_name(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("__{name}__") } else { name.to_owned() }
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::crds::crds;

    fn sources(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                found.extend(
                    list(schema, "x-kubernetes-validations").iter().filter_map(|rule| Some(rule.get("rule")?.as_str()?.to_owned())),
                );
                map.values().for_each(|inner| sources(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| sources(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn every_rule_of_the_definitions_can_be_read() {
        let mut found = Vec::new();
        crds().iter().for_each(|(_, crd)| sources(crd, &mut found));
        assert!(found.len() > 5);
        for source in found {
            assert!(Program::compile(&source).is_ok(), "{source}");
        }
    }

    #[test]
    fn urls_are_told_from_other_text() {
        let schema = json!({"x-kubernetes-validations": [{"rule": "isURL(self)", "message": "must be a URL"}]});
        assert_eq!(check(&schema, &json!("https://crm.example.com/leads")), []);
        assert_eq!(check(&schema, &json!("crm.example.com")), [Wrong::new("", "must be a URL")]);
    }
}

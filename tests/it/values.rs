//! The chart's values: each is described, in the schema, and in the table that people read.

use serde_json::Value;

use crate::sources::{hold, read};

/// One value as `values.yaml` has it.
struct Row {
    /// Its place, such as `image.tag`.
    path: String,
    /// What it is unless set, as written.
    default: String,
    about: String,
}

/// The values in the order of the file. A comment right above a key is about it.
fn rows() -> Vec<Row> {
    let text = read("charts/leadflow/values.yaml");
    let (mut rows, mut parents, mut about) = (Vec::new(), Vec::<(usize, String)>::new(), Vec::new());
    for line in text.lines() {
        let plain = line.trim_start();
        let depth = line.len() - plain.len();
        if let Some(comment) = plain.strip_prefix("# ") {
            if !comment.starts_with('─') {
                about.push(comment.to_owned());
            }
            continue;
        }
        let Some((key, value)) = plain.split_once(':') else {
            about.clear();
            continue;
        };
        parents.retain(|(outer, _)| *outer < depth);
        let value = value.split(" #").next().unwrap().trim();
        let path = parents.iter().map(|(_, key)| key.as_str()).chain([key]).collect::<Vec<_>>().join(".");
        if value.is_empty() {
            parents.push((depth, key.to_owned()));
        } else {
            rows.push(Row { path, default: value.to_owned(), about: about.join(" ") });
        }
        about.clear();
    }
    rows
}

#[test]
fn the_table_of_values_is_the_file_of_values() {
    let mut table = "| value | default | what it is |\n|---|---|---|\n".to_owned();
    for Row { path, default, about } in rows() {
        assert!(!about.is_empty(), "values.yaml says nothing about {path}");
        table += &format!("| `{path}` | `{default}` | {} |\n", about.replace('|', "\\|"));
    }
    hold("charts/leadflow/README.md", "values", &table);
}

/// A place in the schema. Maps that take any key have their values' schema for each.
fn schema_of<'s>(schema: &'s Value, place: &'s Value, key: &str) -> Option<&'s Value> {
    let resolved = match place["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#'))?,
        None => place,
    };
    let named = &resolved["properties"][key];
    if named.is_null() { Some(&resolved["additionalProperties"]).filter(|any| any.is_object()) } else { Some(named) }
}

#[test]
fn every_value_is_in_the_schema() {
    let schema: Value = serde_json::from_str(&read("charts/leadflow/values.schema.json")).unwrap();
    for Row { path, .. } in rows() {
        let found = path.split('.').try_fold(&schema, |place, key| schema_of(&schema, place, key));
        assert!(found.is_some(), "values.schema.json does not know {path}");
    }
}

/// Objects with named keys that take others, too.
fn open(place: &Value, path: &str, found: &mut Vec<String>) {
    match place {
        Value::Object(fields) => {
            if fields.contains_key("properties") && fields.get("additionalProperties") != Some(&Value::Bool(false)) {
                found.push(path.to_owned());
            }
            fields.iter().for_each(|(key, value)| open(value, &format!("{path}/{key}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| open(item, path, found)),
        _ => {}
    }
}

#[test]
fn the_schema_takes_no_key_that_it_does_not_name() {
    let schema: Value = serde_json::from_str(&read("charts/leadflow/values.schema.json")).unwrap();
    let mut found = Vec::new();
    open(&schema, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

//! What may be told of Secrets: which are named by whom, and their entries' names and sizes. A value is counted while it is read, and never kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

use crate::tools::kubectl::object::{name, text};

/// A Secret without its values.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Outline {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    data: BTreeMap<String, Size>,
}

/// How many bytes a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size(usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counted;
        impl Visitor<'_> for Counted {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value in base64")
            }

            fn visit_str<E: Error>(self, base64: &str) -> Result<Size, E> {
                Ok(Size(base64.trim_end_matches('=').len() * 3 / 4))
            }
        }
        deserializer.deserialize_str(Counted)
    }
}

/// The Secrets that objects name, and which objects these are.
pub fn named<'a>(objects: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for object in objects {
        let who = format!("{} {}", text(object, "/kind"), name(object));
        if let Some(spec) = object.get("spec") {
            walk(spec, &who, &mut found);
        }
    }
    found
}

fn walk(value: &Value, who: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, who, found)),
        Value::Object(fields) => {
            for (field, value) in fields {
                match (field.as_str(), text(value, "/name")) {
                    ("secretRef" | "secretKeyRef", name) if !name.is_empty() => {
                        let key = text(value, "/key");
                        let who = if key.is_empty() { who.to_owned() } else { format!("{who} ({key})") };
                        found.entry(name.to_owned()).or_default().insert(who);
                    }
                    _ => walk(value, who, found),
                }
            }
        }
        _ => {}
    }
}

/// A Secret in lines for people.
pub fn outlined(secret: &str, by: &BTreeSet<String>, outline: &Result<Outline, String>) -> String {
    let mut told = format!("{secret}\n  named by {}\n", by.iter().cloned().collect::<Vec<_>>().join(", "));
    match outline {
        Err(why) => _ = writeln!(told, "  {why}"),
        Ok(outline) => {
            let _ = writeln!(told, "  type {}", outline.kind);
            for (key, Size(bytes)) in &outline.data {
                let _ = writeln!(told, "  {key}: {bytes} bytes");
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_told_by_name_and_size() {
        let outline: Outline =
            serde_json::from_value(json!({"type": "Opaque", "data": {"a": "aHVudGVyMg==", "b": "", "c": "Zm9v"}})).unwrap();
        let told = outlined("crm", &BTreeSet::from(["Endpoint crm (a)".to_owned()]), &Ok(outline));
        assert_eq!(told, "crm\n  named by Endpoint crm (a)\n  type Opaque\n  a: 7 bytes\n  b: 0 bytes\n  c: 3 bytes\n");
    }

    #[test]
    fn secrets_are_found_wherever_they_are_named() {
        let source =
            json!({"kind": "LeadSource", "metadata": {"name": "form"}, "spec": {"auth": {"keysFrom": {"secretRef": {"name": "keys"}}}}});
        let endpoint = json!({"kind": "Endpoint", "metadata": {"name": "crm"}, "spec": {"http": {"auth": {"bearer": {"tokenFrom": {"secretKeyRef": {"name": "keys", "key": "t"}}}}}}});
        let found = named([&source, &endpoint]);
        assert_eq!(
            found,
            BTreeMap::from([("keys".to_owned(), BTreeSet::from(["Endpoint crm (t)".to_owned(), "LeadSource form".to_owned()]))])
        );
    }
}

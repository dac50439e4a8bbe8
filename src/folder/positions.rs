//! Where fields stand in a file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::documents::ManifestFile;

/// A line and a column, from 1.
pub type Position = (u64, u64);

/// Where everything in one document stands.
pub struct Positions(Spanned<Node>);

/// A value by its shape.
enum Node {
    /// Each entry stands where its key does.
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Single,
}

/// The positions in each document of a file, in order; none for a file that is no YAML. Empty documents are not counted, as in
/// [`documents`](super::documents::documents).
pub fn positions(file: &ManifestFile) -> Vec<Positions> {
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let documents: Vec<Spanned<Node>> = serde_saphyr::from_multiple_with_options(&file.text, options).unwrap_or_default();
    documents.into_iter().map(Positions).collect()
}

impl Positions {
    /// Where a field stands, by a path such as `spec.tiers[0].method.type`; for one that is not there, where the innermost field around it does.
    pub fn of(&self, path: &str) -> Position {
        let mut here = position(&self.0);
        let mut node = &self.0.value;
        for step in steps(path) {
            match node {
                Node::Map(entries) => {
                    let Some((key, value)) = entries.iter().find(|(key, _)| key.value == step) else { break };
                    here = (key.referenced.line(), key.referenced.column());
                    node = &value.value;
                }
                Node::List(items) => {
                    let Some(item) = step.parse::<usize>().ok().and_then(|at| items.get(at)) else { break };
                    here = position(item);
                    node = &item.value;
                }
                Node::Single => break,
            }
        }
        here
    }
}

fn position(node: &Spanned<Node>) -> Position {
    (node.referenced.line(), node.referenced.column())
}

/// `a.b[0][x.y]` → `a`, `b`, `0`, `x.y`.
fn steps(path: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let step;
        (step, rest) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some(inside) => inside,
            None => {
                let bare = rest.strip_prefix('.').unwrap_or(rest);
                bare.split_at(bare.find(['.', '[']).unwrap_or(bare.len()))
            }
        };
        steps.push(step);
    }
    steps
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Single)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Node::Single)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::documents::documents;

    const FILE: &str = "\
# nothing
---
kind: Agent
metadata: {name: sarah-lee}
spec:
  accepts:
    - {field: location.zip, in: [\"90210\"]}
    - field: price
      below: '5'
  map: {location.zip: property.zip}
---
---
kind: Buyer
spec: {weight: 3, paused: true, none: null, share: 0.5}
";

    fn at(document: usize, path: &str) -> Position {
        positions(&ManifestFile { name: "a.yaml".into(), text: FILE.into() })[document].of(path)
    }

    #[test]
    fn a_field_is_found_where_its_key_stands_and_an_item_where_it_begins() {
        assert_eq!(at(0, "kind"), (3, 1));
        assert_eq!(at(0, "metadata.name"), (4, 12));
        assert_eq!(at(0, "spec.accepts[1].below"), (9, 7));
        assert_eq!(at(0, "spec.accepts[0].in[0]"), (7, 34));
        assert_eq!(at(0, "spec.map[location.zip]"), (10, 9));
        assert_eq!(at(1, "spec.share"), (14, 45));
    }

    #[test]
    fn a_field_that_is_not_there_is_looked_for_where_it_should_be() {
        assert_eq!(at(0, "spec.deliverTo"), (5, 1));
        assert_eq!(at(0, "spec.accepts[7].in"), (6, 3));
        assert_eq!(at(1, "spec.none.deeper"), (14, 33));
        assert_eq!(at(1, ""), (13, 1));
    }

    #[test]
    fn documents_are_counted_as_they_are_read() {
        let file = ManifestFile { name: "a.yaml".into(), text: FILE.into() };
        assert_eq!(positions(&file).len(), documents(&file).unwrap().len());
        assert!(positions(&ManifestFile { name: "a.yaml".into(), text: "{".into() }).is_empty());
    }
}

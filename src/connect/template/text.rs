//! One string with `{{ path }}` in it.

use super::{Found, Path, Scope};
use crate::table::Problem;
use crate::table::schema::Schema;

/// A string, cut into what stands there and what is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Path(Path),
}

impl Text {
    /// Reads a string; `field` is where it stands, for the problem.
    pub fn parse(text: &str, field: &str, schema: &Schema) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once("{{") {
            let Some((path, after)) = inner.split_once("}}") else {
                return Err(Problem::new(field, "`{{` is not closed by `}}`"));
            };
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(Part::Path(Path::parse(path.trim(), schema).map_err(|message| Problem::new(field, message))?));
            rest = after;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// A string that is one path and nothing else.
    pub(super) fn of(path: Path) -> Self {
        Self(vec![Part::Path(path)])
    }

    /// The path, when the string is one path and nothing else; such a string takes the value's type.
    pub fn sole_path(&self) -> Option<&Path> {
        match self.0.as_slice() {
            [Part::Path(path)] => Some(path),
            _ => None,
        }
    }

    /// The parts that stand in the template itself.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Path(_) => None,
        })
    }

    /// The string with its values. A path without a value gives nothing; when all paths are so, there is no string at all.
    pub fn render(&self, scope: &Scope<'_>) -> Option<String> {
        let mut text = String::new();
        let (mut paths, mut found) = (0, 0);
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Path(path) => {
                    paths += 1;
                    if let Some(value) = path.find(scope) {
                        found += 1;
                        match value {
                            Found::Text(value) => text.push_str(&value),
                            Found::Value(value) => text.push_str(&value.to_string()),
                        }
                    }
                }
            }
        }
        (paths == 0 || found > 0).then_some(text)
    }
}

//! A whole post → the lead's fields, or everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::exchange::FieldType;
use crate::formats::{Entry, Posted};
use crate::lead::Value;
use crate::table::schema::{Schema, SchemaField};
use crate::table::source::Source;

use super::field_error::{FieldCode, FieldError};
use super::normalise::{self, Country, Unfit};

/// The fields of the lead in canonical spelling. What the schema does not know stays in the submission only.
pub fn fields(posted: &Posted, source: &Source, schema: &Schema) -> Result<BTreeMap<String, Value>, Vec<FieldError>> {
    let required: BTreeSet<&str> = source.require.iter().map(String::as_str).collect();
    let mut values = BTreeMap::new();
    let mut errors = Vec::new();
    for (name, field) in &schema.fields {
        let Some((path, entry)) = look_up(posted, source, name, field) else {
            if required.contains(name.as_str()) {
                errors.push(FieldError { field: name.clone(), code: FieldCode::Required, message: "must be given".to_owned() });
            }
            continue;
        };
        match normalise::value(field, entry, country(posted, source, schema, name).as_country(source)) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(Unfit(code, message)) => {
                let message = if path == name { message } else { format!("{message} (sent as `{path}`)") };
                errors.push(FieldError { field: name.clone(), code, message });
            }
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// What was sent for a field, and under which path: the source's own path for it, then its name, then its aliases in order; the first that is not
/// empty. A group that happens to bear an alias, such as `address`, is another thing and passed over.
fn look_up<'a>(posted: &'a Posted, source: &'a Source, name: &'a str, field: &'a SchemaField) -> Option<(&'a str, &'a Entry)> {
    let own = source.map.get(name).map(String::as_str).into_iter().chain([name]);
    let aliases = field.aliases.iter().map(String::as_str);
    let sent = |path: &'a str| posted.get(path).map(|entry| (path, entry)).filter(|(_, entry)| !normalise::is_empty(entry));
    own.filter_map(sent).next().or_else(|| aliases.filter_map(sent).find(|(_, entry)| **entry != Entry::Group))
}

/// The country that a field's neighbour of type Country names: `location.country` for `location.zip`.
enum Neighbour {
    Named(String),
    Default,
}

impl Neighbour {
    fn as_country<'a>(&'a self, source: &'a Source) -> Country<'a> {
        match self {
            Self::Named(code) => Country { code, named: true },
            Self::Default => Country { code: &source.default_country, named: false },
        }
    }
}

fn country(posted: &Posted, source: &Source, schema: &Schema, name: &str) -> Neighbour {
    let neighbour = name.rsplit_once('.').map(|(group, _)| format!("{group}.country"));
    let named = neighbour.as_ref().and_then(|neighbour| {
        let field = schema.field(neighbour).filter(|field| field.kind == FieldType::Country && neighbour != name)?;
        let (_, entry) = look_up(posted, source, neighbour, field)?;
        normalise::value(field, entry, Country { code: &source.default_country, named: false }).ok()
    });
    match named {
        Some(Value::Text(code)) => Neighbour::Named(code),
        _ => Neighbour::Default,
    }
}

#[cfg(test)]
mod tests;

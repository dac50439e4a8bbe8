//! A post's values by dotted path, whatever format they came in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

use super::{LONGEST_NAME, MOST_LEVELS, MOST_VALUES, Malformed};

/// Everything that a source sent. `{"contact": {"email": …}}`, `{"contact.email": …}` and `contact[email]=…` all come to `contact.email`; the items
/// of a list come to `list.0`, `list.1` and so on.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Posted {
    entries: BTreeMap<String, Entry>,
}

/// What stands at a path.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// JSON's null.
    Nothing,
    Text(String),
    /// A JSON number, letter for letter: no digit is lost.
    Number(String),
    Boolean(bool),
    /// A list; its items have paths of their own.
    List,
    /// An object; what is in it has paths of its own.
    Group,
}

impl Posted {
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts in what stands at a path. A group may be come by twice, as in `{"a.b": 1, "a": {"c": 2}}`; a value may not.
    pub(super) fn put(&mut self, path: String, entry: Entry) -> Result<(), Malformed> {
        if let Entry::Text(text) = &entry
            && text.contains('\0')
        {
            return Err(Malformed::NulCharacter { field: path });
        }
        match self.entries.entry(path) {
            Place::Vacant(place) => {
                place.insert(entry);
            }
            Place::Occupied(there) if *there.get() == Entry::Group && entry == Entry::Group => {}
            Place::Occupied(there) => return Err(Malformed::SentTwice { field: there.key().clone() }),
        }
        if self.entries.len() > MOST_VALUES { Err(Malformed::TooManyValues) } else { Ok(()) }
    }
}

/// The path of `name` within `path`.
pub(super) fn join(path: &str, name: &str) -> Result<String, Malformed> {
    if name.len() > LONGEST_NAME {
        return Err(Malformed::NameTooLong);
    }
    let joined = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if joined.contains('\0') {
        return Err(Malformed::NulCharacter { field: joined.replace('\0', "\u{fffd}") });
    }
    if joined.bytes().filter(|byte| *byte == b'.').count() >= MOST_LEVELS {
        return Err(Malformed::TooDeep { field: joined });
    }
    Ok(joined)
}

/// What a lead's source sent is personal; only names show.
impl std::fmt::Debug for Posted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

/// The shape only.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Boolean(_) => "Boolean",
            Self::List => "List",
            Self::Group => "Group",
        })
    }
}

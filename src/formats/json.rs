//! JSON: an object, nested or with dotted names.
//!
//! Numbers are kept letter for letter, and a name that stands twice in one object is refused: neither is what serde makes of JSON by itself,
//! so each level is read as pairs of a name and its unread text.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::posted::join;
use super::{Entry, MOST_LEVELS, Malformed, Posted};

/// Reads a body.
pub fn read(text: &str) -> Result<Posted, Malformed> {
    let raw: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    if !raw.get().starts_with('{') {
        return Err(Malformed::NotAnObject);
    }
    let mut posted = Posted::default();
    object(&mut posted, "", raw, 1)?;
    Ok(posted)
}

fn value(posted: &mut Posted, path: String, raw: &RawValue, level: usize) -> Result<(), Malformed> {
    let text = raw.get();
    let deeper = |path: &str| if level < MOST_LEVELS { Ok(level + 1) } else { Err(Malformed::TooDeep { field: path.to_owned() }) };
    match text.as_bytes().first() {
        Some(b'{') => {
            let level = deeper(&path)?;
            posted.put(path.clone(), Entry::Group)?;
            object(posted, &path, raw, level)
        }
        Some(b'[') => {
            let level = deeper(&path)?;
            posted.put(path.clone(), Entry::List)?;
            list(posted, &path, raw, level)
        }
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(decoded) => posted.put(path, Entry::Text(decoded)),
            Err(_) => Err(Malformed::NotAString { field: path }),
        },
        Some(b't') => posted.put(path, Entry::Boolean(true)),
        Some(b'f') => posted.put(path, Entry::Boolean(false)),
        Some(b'n') => posted.put(path, Entry::Nothing),
        _ => posted.put(path, Entry::Number(text.to_owned())),
    }
}

fn object(posted: &mut Posted, path: &str, raw: &RawValue, level: usize) -> Result<(), Malformed> {
    let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(|_| Malformed::NotAString { field: path.to_owned() })?;
    let mut names = HashSet::new();
    for (name, inner) in &pairs {
        let inner_path = join(path, name)?;
        if !names.insert(name) {
            return Err(Malformed::SentTwice { field: inner_path });
        }
        value(posted, inner_path, inner, level)?;
    }
    Ok(())
}

fn list(posted: &mut Posted, path: &str, raw: &RawValue, level: usize) -> Result<(), Malformed> {
    let Items(items) = serde_json::from_str(raw.get()).map_err(|_| Malformed::NotAString { field: path.to_owned() })?;
    for (index, inner) in items.iter().enumerate() {
        value(posted, join(path, &index.to_string())?, inner, level)?;
    }
    Ok(())
}

fn not_json(error: serde_json::Error) -> Malformed {
    Malformed::NotJson { line: error.line(), column: error.column() }
}

/// An object's names and unread values, in the order in which they stand.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

/// A list's unread items.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{LONGEST_NAME, MOST_VALUES};

    fn refusal(text: &str) -> Malformed {
        read(text).unwrap_err()
    }

    fn text(value: &str) -> Option<Entry> {
        Some(Entry::Text(value.to_owned()))
    }

    #[test]
    fn nested_and_dotted_names_come_to_the_same_path() {
        for body in [r#"{"contact":{"email":"a@b.co"}}"#, r#"{"contact.email":"a@b.co"}"#] {
            assert_eq!(read(body).unwrap().get("contact.email").cloned(), text("a@b.co"));
        }
    }

    #[test]
    fn list_items_have_paths_by_number() {
        let posted = read(r#"{"answers":[{"value":"x"},["y"]]}"#).unwrap();
        assert_eq!(posted.get("answers"), Some(&Entry::List));
        assert_eq!(posted.get("answers.0.value").cloned(), text("x"));
        assert_eq!(posted.get("answers.1.0").cloned(), text("y"));
    }

    #[test]
    fn numbers_are_kept_letter_for_letter() {
        for number in ["750000", "0.1", "1e400", "-0", "123456789012345678901234567890.000000000000001", "1E+2"] {
            let posted = read(&format!(r#"{{"n":{number}}}"#)).unwrap();
            assert_eq!(posted.get("n"), Some(&Entry::Number(number.to_owned())));
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_with_its_path() {
        for (body, path) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"a":{"b":1,"b":2}}"#, "a.b"),
            (r#"{"a":{},"a":{}}"#, "a"),
            (r#"{"a.b":1,"a":{"b":2}}"#, "a.b"),
            (r#"{"a":1,"\u0061":2}"#, "a"),
            (r#"{"a":null,"a":2}"#, "a"),
        ] {
            assert_eq!(refusal(body), Malformed::SentTwice { field: path.to_owned() }, "{body}");
        }
    }

    #[test]
    fn a_group_may_be_come_by_twice() {
        let posted = read(r#"{"a.b":{"c":1},"a":{"b":{"d":2}}}"#).unwrap();
        assert_eq!((posted.get("a.b.c").is_some(), posted.get("a.b.d").is_some()), (true, true));
    }

    #[test]
    fn sixteen_levels_are_read_and_one_more_is_not() {
        let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        assert!(read(&nested(16)).is_ok());
        assert!(matches!(refusal(&nested(17)), Malformed::TooDeep { .. }));
        assert!(matches!(refusal(&format!(r#"{{"{}":1}}"#, vec!["a"; 17].join("."))), Malformed::TooDeep { .. }));
        let lists = format!(r#"{{"a":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(refusal(&lists), Malformed::TooDeep { .. }));
    }

    #[test]
    fn a_thousand_values_are_read_and_one_more_is_not() {
        let items = |count: usize| format!(r#"{{"a":[{}]}}"#, vec!["1"; count].join(","));
        assert_eq!(read(&items(MOST_VALUES - 1)).unwrap().len(), MOST_VALUES);
        assert_eq!(refusal(&items(MOST_VALUES)), Malformed::TooManyValues);
    }

    #[test]
    fn nul_is_refused_in_values_and_names() {
        assert_eq!(refusal(r#"{"a":"x\u0000y"}"#), Malformed::NulCharacter { field: "a".to_owned() });
        assert!(matches!(refusal(r#"{"a\u0000":1}"#), Malformed::NulCharacter { .. }));
    }

    #[test]
    fn long_names_are_refused() {
        assert_eq!(refusal(&format!(r#"{{"{}":1}}"#, "x".repeat(LONGEST_NAME + 1))), Malformed::NameTooLong);
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for body in ["[]", "1", "\"x\"", "null", "true"] {
            assert_eq!(refusal(body), Malformed::NotAnObject, "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for body in ["", "{", "{a:1}", "{\"a\":01}", "{\"a\":1,}", "{\"a\":NaN}", "{} {}", "{\"a\":\"\u{1}\"}"] {
            assert!(matches!(refusal(body), Malformed::NotJson { .. }), "{body}");
        }
        assert_eq!(refusal("{\"a\":\n x}"), Malformed::NotJson { line: 2, column: 2 });
    }

    #[test]
    fn half_a_surrogate_pair_is_refused_with_the_field() {
        assert_eq!(refusal(r#"{"a":{"b":"\ud800"}}"#), Malformed::NotAString { field: "a.b".to_owned() });
        assert_eq!(refusal(r#"{"a":{"\ud800":1}}"#), Malformed::NotAString { field: "a".to_owned() });
    }
}

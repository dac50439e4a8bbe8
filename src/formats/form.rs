//! Forms: `application/x-www-form-urlencoded`, with dotted names (`contact.email=`), bracketed ones (`contact[email]=`), and lists (`tags[]=`).

use std::collections::HashMap;

use super::posted::join;
use super::{Entry, MOST_VALUES, Malformed, Posted};

/// Reads a body.
pub fn read(text: &str) -> Result<Posted, Malformed> {
    let mut posted = Posted::default();
    let mut lists: HashMap<String, usize> = HashMap::new();
    for (count, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count >= MOST_VALUES {
            return Err(Malformed::TooManyValues);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).ok_or_else(|| Malformed::NotUtf8 { field: String::new() })?;
        let (path, is_item) = path(&name)?;
        let value = decode(value).ok_or_else(|| Malformed::NotUtf8 { field: path.clone() })?;
        if is_item {
            let items = lists.entry(path.clone()).or_default();
            if *items == 0 {
                posted.put(path.clone(), Entry::List)?;
            }
            posted.put(join(&path, &items.to_string())?, Entry::Text(value))?;
            *items += 1;
        } else {
            posted.put(path, Entry::Text(value))?;
        }
    }
    Ok(posted)
}

/// The dotted path of a name, and whether it ends in `[]`. Brackets that don't pair are letters like any other.
fn path(name: &str) -> Result<(String, bool), Malformed> {
    let (name, is_item) = match name.strip_suffix("[]") {
        Some(list) if !list.is_empty() => (list, true),
        _ => (name, false),
    };
    let Some((first, brackets)) = name.strip_suffix(']').and_then(|rest| rest.split_once('[')).filter(|(first, _)| !first.is_empty())
    else {
        return Ok((join("", name)?, is_item));
    };
    let mut path = join("", first)?;
    for step in brackets.split("][") {
        path = join(&path, step)?;
    }
    Ok((path, is_item))
}

/// Undoes the encoding: `+` is a space, `%2B` a byte by its number. A `%` without two digits stands for itself, as in the URL standard. `None`
/// when the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => match after {
                [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    bytes.push(digit(*high) << 4 | digit(*low));
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The value of a hexadecimal digit.
fn digit(letter: u8) -> u8 {
    match letter {
        b'0'..=b'9' => letter - b'0',
        _ => (letter | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(body: &str, path: &str) -> Option<String> {
        match read(body).unwrap().get(path) {
            Some(Entry::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn dotted_and_bracketed_names_come_to_the_same_path() {
        for body in ["contact.email=jane%40example.com", "contact[email]=jane@example.com", "contact%5Bemail%5D=jane%40example.com"] {
            assert_eq!(at(body, "contact.email").as_deref(), Some("jane@example.com"), "{body}");
        }
        assert_eq!(at("a[b][c]=1", "a.b.c").as_deref(), Some("1"));
    }

    #[test]
    fn lists_have_items_by_number() {
        let body = "tags[]=x&tags[]=y";
        assert_eq!(read(body).unwrap().get("tags"), Some(&Entry::List));
        assert_eq!((at(body, "tags.0").as_deref(), at(body, "tags.1").as_deref()), (Some("x"), Some("y")));
    }

    #[test]
    fn plus_is_a_space_and_a_lone_percent_itself() {
        assert_eq!(at("a=Jane+Doe&b=100%&c=%4", "a").as_deref(), Some("Jane Doe"));
        assert_eq!(at("b=100%&c=%4", "b").as_deref(), Some("100%"));
        assert_eq!(at("c=%4", "c").as_deref(), Some("%4"));
        assert_eq!(at("a", "a").as_deref(), Some(""));
    }

    #[test]
    fn brackets_that_do_not_pair_are_letters() {
        assert_eq!(at("a[b=1", "a[b").as_deref(), Some("1"));
        assert_eq!(at("a]=1", "a]").as_deref(), Some("1"));
        assert_eq!(at("[]=1", "[]").as_deref(), Some("1"));
    }

    #[test]
    fn what_is_sent_twice_is_refused() {
        for body in ["a=1&a=2", "a.b=1&a[b]=2", "a[]=1&a=2", "a[]=1&a[0]=2"] {
            assert!(matches!(read(body), Err(Malformed::SentTwice { .. })), "{body}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_and_nul_are_refused_with_the_field() {
        assert_eq!(read("a=%FF"), Err(Malformed::NotUtf8 { field: "a".to_owned() }));
        assert_eq!(read("a=%00"), Err(Malformed::NulCharacter { field: "a".to_owned() }));
        assert_eq!(read("%FF=1"), Err(Malformed::NotUtf8 { field: String::new() }));
    }

    #[test]
    fn too_many_pairs_and_too_deep_names_are_refused() {
        let many: String = (0..=MOST_VALUES).map(|number| format!("a{number}=1&")).collect();
        assert_eq!(read(&many), Err(Malformed::TooManyValues));
        assert!(matches!(read(&format!("a{}=1", "[a]".repeat(16))), Err(Malformed::TooDeep { .. })));
    }

    proptest! {
        #[test]
        fn what_browsers_encode_is_read_back(value in "[^\0]{0,40}") {
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("a", &value).finish();
            prop_assert_eq!(at(&body, "a"), Some(value));
        }
    }
}

//! Whether a key is one of a source's.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::table::secrets::Entries;

/// Whether the key equals the value of any entry. All entries are compared, by digest, in a time that tells neither which one fits nor how long
/// they are. The line end that editors leave is no part of a value, and an empty value is no key.
pub fn is_key(presented: &[u8], entries: &Entries) -> bool {
    let presented = digest(&SHA256, presented);
    let mut fits = false;
    for value in entries.values() {
        let value = without_line_end(value);
        let same = verify_slices_are_equal(presented.as_ref(), digest(&SHA256, value).as_ref()).is_ok();
        fits |= same & !value.is_empty();
    }
    fits
}

fn without_line_end(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn entries(values: &[&str]) -> Entries {
        values.iter().enumerate().map(|(at, value)| (format!("key-{at}"), Zeroizing::new(value.as_bytes().to_vec()))).collect()
    }

    #[test]
    fn every_entry_is_a_key() {
        let both = entries(&["old-key", "new-key"]);
        assert!(is_key(b"old-key", &both) && is_key(b"new-key", &both));
    }

    #[test]
    fn nothing_else_is() {
        let both = entries(&["old-key", "new-key"]);
        for wrong in ["", "old-ke", "old-keys", "OLD-KEY", "key-0"] {
            assert!(!is_key(wrong.as_bytes(), &both), "{wrong}");
        }
        assert!(!is_key(b"x", &entries(&[])));
    }

    #[test]
    fn an_empty_entry_never_fits() {
        assert!(!is_key(b"", &entries(&["", "\n", "\r\n"])));
    }

    #[test]
    fn the_line_end_of_an_editor_is_no_part_of_the_key() {
        assert!(is_key(b"key", &entries(&["key\n"])) && is_key(b"key", &entries(&["key\r\n"])));
        assert!(!is_key(b"key\n", &entries(&["key\n"])));
    }
}

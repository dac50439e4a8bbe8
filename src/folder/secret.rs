//! Secrets in a folder. Whatever is wrong with one, no value shows.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Wrong, below};
use crate::table::secrets::Entries;

/// The parts of a `core/v1` Secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Value,
    #[serde(rename = "type", default)]
    _type: Option<String>,
    #[serde(rename = "immutable", default)]
    _immutable: Option<bool>,
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
    #[serde(default)]
    string_data: Option<BTreeMap<String, String>>,
}

/// The entries of a Secret: `data` in base64, and `stringData` as it is, which goes before.
pub fn entries(document: Value) -> Result<Entries, Vec<Wrong>> {
    let known = "known here: apiVersion, data, immutable, kind, metadata, stringData, type; entries are text";
    let manifest: Manifest = serde_json::from_value(document).map_err(|_| vec![Wrong::new("", format!("is not a Secret; {known}"))])?;
    let (mut entries, mut wrongs) = (Entries::new(), Vec::new());
    for (key, value) in manifest.data.unwrap_or_default() {
        let compact = Zeroizing::new(value.split_ascii_whitespace().collect::<String>());
        match BASE64_STANDARD.decode(compact.as_bytes()) {
            Ok(bytes) => {
                entries.insert(key, Zeroizing::new(bytes));
            }
            Err(_) => wrongs.push(Wrong::new(below("data", &key), "is not base64; plain text goes under stringData")),
        }
    }
    for (key, value) in manifest.string_data.unwrap_or_default() {
        entries.insert(key, Zeroizing::new(value.as_bytes().to_vec()));
    }
    if wrongs.is_empty() { Ok(entries) } else { Err(wrongs) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(mut parts: Value) -> Value {
        parts["apiVersion"] = "v1".into();
        parts["kind"] = "Secret".into();
        parts["metadata"] = json!({"name": "keys"});
        parts
    }

    #[test]
    fn text_goes_before_base64() {
        let entries =
            entries(secret(json!({"type": "Opaque", "data": {"a": "b25l\n", "b": "dHdv"}, "stringData": {"b": "zwei"}}))).unwrap();
        assert_eq!((entries["a"].as_slice(), entries["b"].as_slice()), (b"one".as_slice(), b"zwei".as_slice()));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        for parts in [json!({"data": {"a": "s3cret!"}}), json!({"stringData": {"a": 53}}), json!({"keys": {"a": "s3cret!"}})] {
            let wrongs = entries(secret(parts)).unwrap_err();
            assert!(!format!("{wrongs:?}").contains("s3cret") && !format!("{wrongs:?}").contains("53"), "{wrongs:?}");
        }
    }
}

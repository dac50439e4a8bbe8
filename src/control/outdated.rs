//! Whether a definition on the API server is older than the program. Pure.
//!
//! An older definition drops what it does not know without a word: fields of a spec, and fields of the operator's own status. A newer one is no trouble.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::crds::SCHEMA_VERSION;

/// Most fields that are named.
const NAMED: usize = 5;

/// Compares a definition on the API server with the program's own; says what is wrong when it is older.
pub fn outdated(served: &Value, ours: &Value) -> Option<String> {
    let (theirs, own) = (version(served), version(ours)?);
    if theirs == Some(own) {
        return None;
    }
    let mut lacking = Vec::new();
    lacks(schema(served, ours), schema(ours, ours), "", &mut lacking);
    let older = theirs.is_none_or(|theirs| release(theirs) < release(own));
    match (lacking.as_slice(), older) {
        ([], false) => None,
        ([], true) => Some(format!("is of {}, the program of {}", theirs.unwrap_or("an earlier release"), own)),
        (fields, _) => {
            let more = if fields.len() > NAMED { format!(" and {} more", fields.len() - NAMED) } else { String::new() };
            Some(format!("lacks {}{more}", fields[..fields.len().min(NAMED)].join(", ")))
        }
    }
}

fn version(definition: &Value) -> Option<&str> {
    definition["metadata"]["annotations"][SCHEMA_VERSION].as_str()
}

/// The numbers of `1.2.3+digest`.
fn release(version: &str) -> Vec<u64> {
    let numbers = version.split(['+', '-']).next().unwrap_or_default();
    numbers.split('.').map(|number| number.parse().unwrap_or_default()).collect()
}

/// The schema of the version that the program uses.
fn schema<'a>(definition: &'a Value, ours: &Value) -> &'a Value {
    let used = &ours["spec"]["versions"][0]["name"];
    let versions = definition["spec"]["versions"].as_array();
    let version = versions.and_then(|versions| versions.iter().find(|version| version["name"] == *used));
    version.map_or(&Value::Null, |version| &version["schema"]["openAPIV3Schema"])
}

/// Gathers the paths of fields that one schema has and the other has not.
fn lacks(served: &Value, ours: &Value, path: &str, lacking: &mut Vec<String>) {
    if served["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    for (name, field) in ours["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match served["properties"].get(name) {
            None => lacking.push(path),
            Some(known) => lacks(known, field, &path, lacking),
        }
    }
    for (inner, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if ours[inner].is_object() {
            lacks(&served[inner], &ours[inner], &format!("{path}{mark}"), lacking);
        }
    }
}

/// What is said of outdated definitions, by kind.
pub fn told(outdated: &BTreeMap<&'static str, String>) -> Option<String> {
    if outdated.is_empty() {
        return None;
    }
    let each: Vec<_> = outdated.iter().map(|(kind, what)| format!("the definition of {kind} {what}")).collect();
    Some(format!("{}; apply the definitions of this release (leadflow crds)", each.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::crds::crds;

    fn agents() -> Value {
        crds().into_iter().find(|(name, _)| *name == "agents").unwrap().1
    }

    fn of_version(version: Option<&str>) -> Value {
        let mut definition = agents();
        definition["metadata"]["annotations"][SCHEMA_VERSION] = json!(version);
        definition
    }

    fn spec(definition: &mut Value) -> &mut serde_json::Map<String, Value> {
        definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties").unwrap().as_object_mut().unwrap()
    }

    #[test]
    fn the_programs_own_definitions_and_newer_ones_are_not_outdated() {
        for (_, definition) in crds() {
            assert_eq!(outdated(&definition, &definition), None);
        }
        let mut newer = of_version(Some("12.0.0+abc"));
        spec(&mut newer).insert("more".into(), json!({"type": "string"}));
        assert_eq!(outdated(&newer, &agents()), None);
    }

    #[test]
    fn an_older_release_is_outdated_even_if_it_lacks_nothing() {
        let told = outdated(&of_version(Some("0.0.9+abc")), &agents()).unwrap();
        assert!(told.starts_with("is of 0.0.9+abc, the program of "), "{told}");
        let told = outdated(&of_version(None), &agents()).unwrap();
        assert!(told.starts_with("is of an earlier release"), "{told}");
        let same_release = concat!(env!("CARGO_PKG_VERSION"), "+of-another-build");
        assert_eq!(outdated(&of_version(Some(same_release)), &agents()), None);
    }

    #[test]
    fn fields_that_are_lacking_are_named_whatever_the_version_says() {
        let mut old = of_version(Some("12.0.0+abc"));
        spec(&mut old).remove("deliverTo").unwrap();
        let caps = spec(&mut old)["accepts"]["items"]["properties"].as_object_mut().unwrap();
        caps.remove("within").unwrap();
        assert_eq!(outdated(&old, &agents()).unwrap(), "lacks spec.accepts[].within, spec.deliverTo");
        assert_eq!(outdated(&json!({}), &agents()).unwrap(), "lacks spec, status");
        let mut open = of_version(Some("12.0.0+abc"));
        let schema = open.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap();
        *schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        assert_eq!(outdated(&open, &agents()), None);
    }

    #[test]
    fn what_to_do_is_told_with_it() {
        assert_eq!(told(&BTreeMap::new()), None);
        let outdated = BTreeMap::from([("Agent", "lacks spec.more".to_owned())]);
        let told = told(&outdated).unwrap();
        assert_eq!(told, "the definition of Agent lacks spec.more; apply the definitions of this release (leadflow crds)");
    }
}

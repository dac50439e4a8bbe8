//! Holds a document to the OpenAPI schema of its CustomResourceDefinition, as the API server does under strict field validation.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::{Wrong, below};
use crate::api::crds::crds;

/// Fields that the API server itself gives to every object.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Names of objects (RFC 1123 subdomains).
const NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The schema of one kind.
pub struct KindSchema {
    /// As the definition has it.
    pub schema: Value,
    /// With unknown fields refused.
    strict: Value,
    validator: Validator,
}

/// By kind.
static SCHEMAS: LazyLock<Result<HashMap<String, KindSchema>, String>> =
    LazyLock::new(|| crds().into_iter().map(|(_, crd)| compiled(&crd)).collect());

/// The schema of a kind of this group; none for an unknown kind.
///
/// # Errors
/// Tells of a definition that is no JSON schema, which a test rules out.
pub fn of(kind: &str) -> Result<Option<&'static KindSchema>, String> {
    SCHEMAS.as_ref().map(|schemas| schemas.get(kind)).map_err(Clone::clone)
}

impl KindSchema {
    /// All that is wrong with a document.
    pub fn check(&self, document: &Value) -> Vec<Wrong> {
        self.validator.iter_errors(document).flat_map(|error| self.wrongs(&error)).collect()
    }

    fn wrongs(&self, error: &ValidationError<'_>) -> Vec<Wrong> {
        let path = path(error);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = self.known(error);
                unexpected.iter().map(|key| Wrong::new(below(&path, key), format!("is not a field; known here: {known}"))).collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![Wrong::new(below(&path, property.as_str().unwrap_or_default()), "must be given")]
            }
            kind => vec![Wrong::new(path, message(kind, error.instance()))],
        }
    }

    /// The fields that are known where an unknown one was found.
    fn known(&self, error: &ValidationError<'_>) -> String {
        let at = error.schema_path().as_str().trim_end_matches("/additionalProperties");
        let properties = self.strict.pointer(&format!("{at}/properties")).and_then(Value::as_object);
        properties.map(|known| known.keys().map(String::as_str).collect::<Vec<_>>().join(", ")).unwrap_or_default()
    }
}

fn compiled(crd: &Value) -> Result<(String, KindSchema), String> {
    let kind = crd.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
    let mut strict = schema.clone();
    if let Some(properties) = strict.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        properties.insert("metadata".to_owned(), metadata());
        // Status in a manifest is ignored, as the API server ignores it.
        properties.insert("status".to_owned(), json!({}));
    }
    refuse_unknown(&mut strict);
    let validator = jsonschema::draft4::new(&strict).map_err(|error| format!("the definition of {kind}: {error}"))?;
    Ok((kind, KindSchema { schema, strict, validator }))
}

fn metadata() -> Value {
    let mut properties: Map<String, Value> = METADATA.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    properties.insert("name".to_owned(), json!({"type": "string", "minLength": 1, "maxLength": 253, "pattern": NAME}));
    properties.insert("labels".to_owned(), texts.clone());
    properties.insert("annotations".to_owned(), texts);
    json!({"type": "object", "properties": properties, "required": ["name"]})
}

/// Refuses fields that a schema does not name, wherever it names any and does not ask to keep the rest.
fn refuse_unknown(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let open =
        schema.contains_key("additionalProperties") || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    if schema.contains_key("properties") && !open {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(refuse_unknown);
    }
    for inner in ["items", "additionalProperties"] {
        schema.get_mut(inner).into_iter().for_each(refuse_unknown);
    }
}

fn path(error: &ValidationError<'_>) -> String {
    error.instance_path().iter().fold(String::new(), |path, segment| match segment {
        LocationSegment::Property(key) => below(&path, &key),
        LocationSegment::Index(at) => format!("{path}[{at}]"),
    })
}

/// What is wrong with a value, without the value, unless it was to be one of a closed list.
fn message(kind: &ValidationErrorKind, value: &Value) -> String {
    match kind {
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
            let value: String = value.to_string().chars().take(64).collect();
            format!("{value} is not one of {}", options.join(", "))
        }
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => format!("must be of type {wanted}, not {}", type_of(value)),
        ValidationErrorKind::Pattern { pattern } => format!("must match {pattern}"),
        ValidationErrorKind::MinLength { limit: 1 } | ValidationErrorKind::MinItems { limit: 1 } => "must not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        ValidationErrorKind::MaxProperties { limit } => format!("must have at most {limit} entries"),
        ValidationErrorKind::Minimum { limit } => format!("must be {} or more", whole(limit)),
        ValidationErrorKind::Maximum { limit } => format!("must be {} or less", whole(limit)),
        other => format!("does not fit the schema ({})", other.keyword()),
    }
}

/// A bound as people write it: definitions have all bounds as `1.0`.
fn whole(limit: &Value) -> String {
    let text = limit.to_string();
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::objects::Kind;

    #[test]
    fn every_kind_has_a_schema() {
        for kind in Kind::ALL {
            assert!(of(kind.as_str()).unwrap().is_some(), "{kind:?}");
        }
        assert!(of("Deployment").unwrap().is_none());
    }

    #[test]
    fn objects_of_any_shape_stay_free() {
        let endpoint = json!({
            "apiVersion": "leadflow.dev/v1alpha1",
            "kind": "Endpoint",
            "metadata": {"name": "crm"},
            "spec": {"http": {"url": "https://crm.example.com/", "body": {"person": {"name": "{{ lead.contact.name }}"}}}}
        });
        assert_eq!(of("Endpoint").unwrap().unwrap().check(&endpoint), []);
    }
}

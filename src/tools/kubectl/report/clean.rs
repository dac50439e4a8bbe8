//! Takes out of an object what is nobody's business: contact data, credentials, and what makes it long. Pure.

use serde_json::{Map, Value, json};

use super::redact::Redactor;
use crate::tools::kubectl::object::text;

/// Annotations whose values are ours or Kubernetes' own.
const OWN: [&str; 3] = ["leadflow.dev/", "deployment.kubernetes.io/", "kubectl.kubernetes.io/restartedAt"];
/// Variables of containers whose values are ours.
const VARIABLES: &str = "LEADFLOW_";

/// What an object says of persons: contact data and display names. To be looked for elsewhere, too.
pub fn personal(object: &Value) -> Vec<String> {
    let contact = object.pointer("/spec/contact").and_then(Value::as_object).into_iter().flatten();
    let contact = contact.filter_map(|(_, value)| value.as_str());
    let display = Some(text(object, "/spec/displayName"));
    contact.chain(display).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// The object without it.
pub fn clean(mut object: Value, redactor: &Redactor) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
        annotations(metadata);
    }
    // A template of pods has annotations, too.
    if let Some(Value::Object(metadata)) = object.pointer_mut("/spec/template/metadata") {
        annotations(metadata);
    }
    match text(&object, "/kind") {
        "Agent" | "Buyer" => person(&mut object),
        "Endpoint" => endpoint(&mut object),
        _ => {}
    }
    variables(&mut object);
    texts(&mut object, redactor);
    object
}

fn annotations(metadata: &mut Map<String, Value>) {
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        for (name, value) in annotations.iter_mut() {
            if !OWN.iter().any(|own| name.starts_with(own)) {
                *value = json!("[value]");
            }
        }
    }
}

fn person(object: &mut Value) {
    if let Some(Value::Object(contact)) = object.pointer_mut("/spec/contact") {
        contact.values_mut().for_each(|value| *value = json!("[contact]"));
    }
    if let Some(display) = object.pointer_mut("/spec/displayName") {
        *display = json!("[name]");
    }
}

/// Of a URL the origin stays: paths of webhooks are keys. Of headers and body stays what is filled in, not what is written there.
fn endpoint(object: &mut Value) {
    let Some(Value::Object(http)) = object.pointer_mut("/spec/http") else { return };
    if let Some(url) = http.get_mut("url") {
        *url = json!(origin(url.as_str().unwrap_or_default()));
    }
    for part in ["headers", "body"] {
        if let Some(part) = http.get_mut(part) {
            templates(part);
        }
    }
}

fn origin(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) => format!("{}/[path]", url.origin().ascii_serialization()),
        Err(_) => "[not a URL]".to_owned(),
    }
}

/// Leaves of each text its `{{ … }}`.
fn templates(value: &mut Value) {
    match value {
        Value::String(text) => *text = places(text),
        Value::Number(_) => *value = json!("[text]"),
        Value::Array(items) => items.iter_mut().for_each(templates),
        Value::Object(fields) => fields.values_mut().for_each(templates),
        Value::Bool(_) | Value::Null => {}
    }
}

fn places(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}").map(|end| start + end + 2) else { break };
        if !rest[..start].is_empty() {
            told.push_str("[text]");
        }
        told.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        told.push_str("[text]");
    }
    told
}

/// Values of containers' variables that are not ours may be credentials.
fn variables(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(variables),
        Value::Object(fields) => {
            if let Some(Value::Array(all)) = fields.get_mut("env") {
                for variable in all.iter_mut().filter(|variable| !text(variable, "/name").starts_with(VARIABLES)) {
                    if let Some(value) = variable.get_mut("value") {
                        *value = json!("[value]");
                    }
                }
            }
            fields.values_mut().for_each(variables);
        }
        _ => {}
    }
}

fn texts(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = redactor.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, redactor)),
        Value::Object(fields) => {
            // A name of an object is how it is spoken of, even where somebody is called the same.
            for (_, value) in fields.iter_mut().filter(|(field, value)| !(field.as_str() == "name" && value.is_string())) {
                texts(value, redactor);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(yaml: &str) -> Value {
        clean(serde_saphyr::from_str(yaml).unwrap(), &Redactor::new().unwrap())
    }

    #[test]
    fn of_an_endpoint_the_origin_and_the_places_to_fill_in_stay() {
        let endpoint = cleaned(
            "{kind: Endpoint, metadata: {name: crm}, spec: {http: {url: 'https://u:p@hooks.example.com:8443/catch/1/k3y?t=1', headers: {X-Key: abc, X-Lead: 'id {{ lead.id }}!'}, body: {a: '{{ lead.id }}', key: abc, n: 5}}}}",
        );
        let expected = json!({"url": "https://hooks.example.com:8443/[path]", "headers": {"X-Key": "[text]", "X-Lead": "[text]{{ lead.id }}[text]"}, "body": {"a": "{{ lead.id }}", "key": "[text]", "n": "[text]"}});
        assert_eq!(endpoint["spec"]["http"], expected);
        assert_eq!(cleaned("{kind: Endpoint, spec: {http: {url: nonsense}}}")["spec"]["http"]["url"], "[not a URL]");
    }

    #[test]
    fn of_a_person_the_name_of_the_object_stays() {
        let agent = "{kind: Agent, metadata: {name: sarah-lee}, spec: {displayName: Sarah Lee, contact: {email: s@example.com, phone: '1'}, deliverTo: crm}}";
        assert_eq!(
            cleaned(agent),
            json!({"kind": "Agent", "metadata": {"name": "sarah-lee"}, "spec": {"displayName": "[name]", "contact": {"email": "[contact]", "phone": "[contact]"}, "deliverTo": "crm"}})
        );
        assert_eq!(personal(&serde_saphyr::from_str(agent).unwrap()), ["s@example.com", "1", "Sarah Lee"]);
    }

    #[test]
    fn annotations_and_variables_of_others_lose_their_values() {
        let pod = cleaned(
            "{kind: Pod, metadata: {managedFields: [], annotations: {kubectl.kubernetes.io/last-applied-configuration: x, example.com/a: k, leadflow.dev/revision: '3'}}, spec: {containers: [{env: [{name: PROXY, value: 'http://u:p@x'}, {name: LEADFLOW_LOG, value: debug}, {name: F, valueFrom: {}}]}]}}",
        );
        assert_eq!(pod["metadata"], json!({"annotations": {"example.com/a": "[value]", "leadflow.dev/revision": "3"}}));
        let expected =
            json!([{"name": "PROXY", "value": "[value]"}, {"name": "LEADFLOW_LOG", "value": "debug"}, {"name": "F", "valueFrom": {}}]);
        assert_eq!(pod["spec"]["containers"][0]["env"], expected);
    }
}

//! What users and the operator's own settings change about pods. What the operator depends on is put last, and so stays.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

use super::Part;
use crate::api::pods::{PodTemplate, Resources};
use crate::control::settings::Image;

/// Changes the template of a workload's pods.
pub(super) fn apply(part: &Part<'_>, image: &Image, template: &mut Value) {
    let wanted = &part.workload.overrides;
    let container = &mut template["spec"]["containers"][0];
    if let Some(policy) = wanted.image_pull_policy.or(image.pull_policy) {
        container["imagePullPolicy"] = json!(policy);
    }
    if let Some(Resources { requests, limits }) = &wanted.resources {
        merge(&mut container["resources"]["requests"], quantities(requests));
        merge(&mut container["resources"]["limits"], quantities(limits));
    }
    let none = PodTemplate::default();
    let more = wanted.pod_template.as_ref().unwrap_or(&none);
    if let Some(env) = container["env"].as_array_mut() {
        let set: Vec<_> = env.iter().filter_map(|known| known["name"].as_str().map(str::to_owned)).collect();
        env.extend(more.env.iter().filter(|variable| !set.contains(&variable.name)).map(|variable| json!(variable)));
    }
    let labels = std::mem::take(&mut template["metadata"]["labels"]);
    template["metadata"]["labels"] = json!(more.labels);
    merge(&mut template["metadata"]["labels"], labels);
    if !more.annotations.is_empty() {
        template["metadata"]["annotations"] = json!(more.annotations);
    }
    pod(part, image, more, &mut template["spec"]);
}

fn pod(part: &Part<'_>, image: &Image, more: &PodTemplate, spec: &mut Value) {
    let mut secrets: Vec<&String> = Vec::new();
    // The API server takes each name once.
    for name in image.pull_secrets.iter().chain(more.image_pull_secrets.iter().map(|secret| &secret.name)) {
        if !secrets.contains(&name) {
            secrets.push(name);
        }
    }
    if !secrets.is_empty() {
        spec["imagePullSecrets"] = secrets.into_iter().map(|name| json!({"name": name})).collect();
    }
    if !more.node_selector.is_empty() {
        spec["nodeSelector"] = json!(more.node_selector);
    }
    if !more.tolerations.is_empty() {
        spec["tolerations"] = json!(more.tolerations);
    }
    if let Some(affinity) = &more.affinity {
        spec["affinity"] = affinity.clone();
    }
    if let Some(class) = &more.priority_class_name {
        spec["priorityClassName"] = json!(class);
    }
    if !more.topology_spread_constraints.is_empty() {
        let spread = more.topology_spread_constraints.iter().map(|spread| {
            let mut spread = json!(spread);
            spread["labelSelector"] = json!({"matchLabels": part.selector()});
            spread
        });
        spec["topologySpreadConstraints"] = spread.collect();
    }
}

/// Quantities as text: the API server writes numbers so, too.
fn quantities(given: &BTreeMap<String, IntOrString>) -> Value {
    let text = |quantity: &IntOrString| match quantity {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text.clone(),
    };
    given.iter().map(|(name, quantity)| (name.clone(), Value::String(text(quantity)))).collect::<Map<_, _>>().into()
}

/// Puts the entries of one object over those of another.
fn merge(into: &mut Value, from: Value) {
    if let Value::Object(from) = from
        && let Value::Object(into) = into
    {
        into.extend(from);
    }
}

//! The way in from outside the cluster. Only the path that sources post to is led in.

use serde_json::{Map, Value, json};

use super::{Part, Wanted};
use crate::api::expose::{HttpRoute, Ingress};
use crate::control::child::ChildKind;
use crate::control::validate::Valid;
use crate::table::references::Role;

/// The path of all posts.
const PATH: &str = "/v1/sources";

pub(super) fn objects(valid: &Valid) -> Option<Wanted> {
    let workload = valid.workloads.iter().find(|workload| workload.role == Role::Ingest)?;
    let part = Part { valid, workload };
    let expose = valid.expose.as_ref()?;
    match (&expose.ingress, &expose.http_route) {
        (Some(wanted), _) => {
            let mut object = part.object(ChildKind::Ingress, ingress(&part, wanted));
            if !wanted.annotations.is_empty() {
                object.object["metadata"]["annotations"] = json!(wanted.annotations);
            }
            Some(object)
        }
        (None, Some(wanted)) => Some(part.object(ChildKind::HttpRoute, http_route(&part, wanted))),
        (None, None) => None,
    }
}

fn ingress(part: &Part<'_>, wanted: &Ingress) -> Value {
    let backend = json!({"service": {"name": part.name(), "port": {"name": "http"}}});
    let mut spec = json!({
        "rules": [{"host": wanted.host, "http": {"paths": [{"path": PATH, "pathType": "Prefix", "backend": backend}]}}],
    });
    if let Some(class) = &wanted.class_name {
        spec["ingressClassName"] = json!(class);
    }
    if let Some(secret) = &wanted.tls_secret_name {
        spec["tls"] = json!([{"hosts": [wanted.host], "secretName": secret}]);
    }
    json!({"spec": spec})
}

fn http_route(part: &Part<'_>, wanted: &HttpRoute) -> Value {
    let parents: Vec<_> = wanted
        .parent_refs
        .iter()
        .map(|parent| {
            let mut reference = Map::from_iter([("name".to_owned(), json!(parent.name))]);
            reference.extend(parent.namespace.iter().map(|namespace| ("namespace".to_owned(), json!(namespace))));
            reference.extend(parent.section_name.iter().map(|section| ("sectionName".to_owned(), json!(section))));
            Value::Object(reference)
        })
        .collect();
    json!({
        "spec": {
            "parentRefs": parents,
            "hostnames": wanted.hostnames,
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": PATH}}],
                "backendRefs": [{"name": part.name(), "port": 80}],
            }],
        },
    })
}

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
    let workload = valid.workloads.iter().find(|workload| workload.duty.plays(Role::Ingest))?;
    let part = Part { valid, workload };
    let object = |kind, rest| super::object(valid, kind, service(valid), part.labels(), rest);
    let expose = valid.expose.as_ref()?;
    match (&expose.ingress, &expose.http_route) {
        (Some(wanted), _) => {
            let mut ingress = object(ChildKind::Ingress, ingress(valid, wanted));
            if !wanted.annotations.is_empty() {
                ingress.object["metadata"]["annotations"] = json!(wanted.annotations);
            }
            Some(ingress)
        }
        (None, Some(wanted)) => Some(object(ChildKind::HttpRoute, http_route(valid, wanted))),
        (None, None) => None,
    }
}

/// Name of the Service that sources' posts go to, and of what leads there.
fn service(valid: &Valid) -> String {
    format!("{}-ingest", valid.name)
}

fn ingress(valid: &Valid, wanted: &Ingress) -> Value {
    let backend = json!({"service": {"name": service(valid), "port": {"name": "http"}}});
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

fn http_route(valid: &Valid, wanted: &HttpRoute) -> Value {
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
                "backendRefs": [{"name": service(valid), "port": 80}],
            }],
        },
    })
}

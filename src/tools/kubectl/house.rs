//! An API server of tests: what is at which path, what was asked, and pods behind its proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::{Value, json};

use super::cluster::Cluster;

pub const NAMESPACE: &str = "sales";

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Inside {
    answers: BTreeMap<String, (StatusCode, String)>,
    asked: Vec<Asked>,
    silent: BTreeSet<String>,
}

/// Answers by path; a path that is not there is `NotFound`, as at a real one.
#[derive(Clone, Default)]
pub struct House(Arc<Mutex<Inside>>);

impl House {
    pub fn put(&self, path: &str, answer: Value) -> &Self {
        self.answer(path, 200, &answer.to_string())
    }

    /// A list of objects of ours.
    pub fn ours(&self, plural: &str, objects: Value) -> &Self {
        self.list(&format!("/apis/leadflow.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}"), objects)
    }

    /// A list, and each of its objects by name.
    pub fn list(&self, path: &str, objects: Value) -> &Self {
        for object in objects.as_array().unwrap() {
            self.put(&format!("{path}/{}", object["metadata"]["name"].as_str().unwrap()), object.clone());
        }
        self.put(path, json!({"kind": "List", "metadata": {}, "items": objects}))
    }

    pub fn answer(&self, path: &str, status: u16, body: &str) -> &Self {
        self.0.lock().unwrap().answers.insert(path.to_owned(), (StatusCode::from_u16(status).unwrap(), body.to_owned()));
        self
    }

    /// What the API server itself says in place of an answer.
    pub fn refuse(&self, path: &str, code: u16, message: &str) -> &Self {
        self.answer(
            path,
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}).to_string(),
        )
    }

    /// Nobody answers at this path.
    pub fn silence(&self, path: &str) -> &Self {
        self.0.lock().unwrap().silent.insert(path.to_owned());
        self
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    pub fn cluster(&self) -> Cluster {
        let server: Router = Router::new().fallback(answer).with_state(self.clone());
        Cluster::new(Client::new(server, "default"), NAMESPACE)
    }
}

async fn answer(State(house): State<House>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let line = format!("{} {}", head.method, head.uri);
    if house.0.lock().unwrap().silent.contains(head.uri.path()) {
        std::future::pending::<()>().await;
    }
    let mut inside = house.0.lock().unwrap();
    inside.asked.push(Asked { line, headers, body: String::from_utf8(body.to_vec()).unwrap() });
    match inside.answers.get(head.uri.path()) {
        Some((status, text)) => (*status, text.clone()).into_response(),
        None => {
            let message = format!("{} not found", head.uri.path());
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": 404});
            (StatusCode::NOT_FOUND, status.to_string()).into_response()
        }
    }
}

/// An object of ours with one generation seen, and conditions such as `("Ready", "True", "Ready", "")`.
pub fn object(name: &str, spec: Value, conditions: &[(&str, &str, &str, &str)]) -> Value {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(kind, status, reason, message)| json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1}))
        .collect();
    json!({
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1, "creationTimestamp": "2026-11-10T07:00:00Z"},
        "spec": spec,
        "status": {"observedGeneration": 1, "conditions": conditions},
    })
}

/// All is well.
pub const READY: &[(&str, &str, &str, &str)] = &[
    ("Accepted", "True", "Accepted", ""),
    ("ResolvedRefs", "True", "ResolvedRefs", ""),
    ("Programmed", "True", "Programmed", ""),
    ("Ready", "True", "Ready", ""),
];

/// A pod that is ready, with one container and an admin port.
pub fn pod(name: &str, component: &str, port: u16) -> Value {
    let labels = json!({"app.kubernetes.io/name": "leadflow", "app.kubernetes.io/component": component});
    let container = json!({"name": component, "image": "leadflow:0.1.0", "ports": [{"name": "admin", "containerPort": port}]});
    json!({
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"name": component, "restartCount": 0}]},
    })
}

/// A small installation with trouble of several kinds.
pub fn troubled() -> House {
    let house = House::default();
    let mut exchange = object(
        "brokerage",
        json!({}),
        &[("Accepted", "True", "Accepted", ""), ("Ready", "False", "Progressing", "1 of 2 router pods is ready")],
    );
    exchange["status"]["components"] = json!([
        {"name": "ingest", "ready": 2, "desired": 2, "summary": "2/2", "revision": "3f2a55d0c1e2aaaa"},
        {"name": "router", "ready": 1, "desired": 2, "summary": "1/2"},
    ]);
    let mut form = object("website-form", json!({"format": "JSON", "auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}}), READY);
    form["status"]["url"] = json!("https://leads.example.com/v1/sources/website-form/leads");
    let missing = &[
        ("Accepted", "True", "Accepted", ""),
        ("ResolvedRefs", "False", "SecretNotFound", "spec.auth.keysFrom: there is no Secret partner-keys"),
    ];
    let partner = object(
        "partner",
        json!({"auth": {"keysFrom": {"secretRef": {"name": "partner-keys"}}}}),
        &[&missing[..], &[("Ready", "False", "SecretNotFound", "")]].concat(),
    );
    let mut broken = object("slow-crm", json!({"http": {"url": "https://slow.example.com/in"}}), READY);
    broken["status"]["circuit"] = json!({"state": "Tripped", "reason": "ConsecutiveFailures", "since": "2026-11-22T07:56:00Z", "retryAt": "2026-11-22T08:00:20Z", "reportedBy": "router-1"});
    let paused = object("paused-crm", json!({"http": {"url": "https://p.example.com/in"}, "circuit": "Paused"}), READY);
    let invalid = "spec.when: column 7: unknown field `lead.contact.emial`; did you mean `lead.contact.email`? Conditions may test the fields of the Exchange's schema alone";
    let agent = object("ben", json!({}), &[("Accepted", "False", "Invalid", invalid), ("Ready", "False", "Invalid", "")]);
    house.ours("exchanges", json!([exchange])).ours("leadsources", json!([form, partner]));
    house.ours("routingpolicies", json!([object("residential", json!({}), READY)])).ours("buyers", json!([]));
    house.ours("leadendpoints", json!([object("crm", json!({"http": {"url": "https://crm.example.com/in"}}), READY), broken, paused]));
    house.ours("agents", json!([object("anna", json!({}), READY), agent]));
    let mut starting = pod("router-2", "router", 9090);
    starting["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "router", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}}]});
    house.list(
        &format!("/api/v1/namespaces/{NAMESPACE}/pods"),
        json!([pod("ingest-1", "ingest", 9080), pod("router-1", "router", 9090), starting]),
    );
    let router = "leadflow_queue_depth 3\nleadflow_queue_age_seconds 4.2\nleadflow_unmatched_leads 12\nleadflow_leads_in_flight 2\n\
        leadflow_rules_info{digest=\"3f2a55d0c1e2aaaa\"} 1\nleadflow_rules_fresh 1\n\
        leadflow_circuit_state{endpoint=\"crm\",state=\"serving\"} 1\nleadflow_circuit_state{endpoint=\"crm\",state=\"tripped\"} 0\n\
        leadflow_circuit_state{endpoint=\"slow-crm\",state=\"serving\"} 0\nleadflow_circuit_state{endpoint=\"slow-crm\",state=\"tripped\"} 1\n";
    let proxy = format!("/api/v1/namespaces/{NAMESPACE}/pods/http:");
    house.answer(&format!("{proxy}router-1:9090/proxy/metrics"), 200, router);
    let ingest = "leadflow_rules_info{digest=\"3f2a55d0c1e2aaaa\"} 1\nleadflow_rules_fresh 1\nleadflow_spool_leads 5\nleadflow_spool_oldest_seconds 90\n";
    house.answer(&format!("{proxy}ingest-1:9080/proxy/metrics"), 200, ingest);
    house.refuse(
        &format!("{proxy}router-2:9090/proxy/metrics"),
        503,
        "error trying to reach service: dial tcp 10.244.0.9:9090: connect: connection refused",
    );
    let lease = json!({"metadata": {"name": "leadflow-operator"}, "spec": {"holderIdentity": "leadflow-operator-5d4f-x2x_7f3a", "leaseDurationSeconds": 15, "renewTime": "2026-11-22T07:59:57.000000Z"}});
    house.put("/apis/coordination.k8s.io/v1/namespaces/leadflow-system/leases/leadflow-operator", lease);
    house
}

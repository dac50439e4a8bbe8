//! The manifests of a house.

use serde_json::{Value, json};

/// A pod of one container that the restricted profile lets in.
pub fn restricted(name: &str, image: &str) -> Value {
    json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": name, "image": image, "imagePullPolicy": "Never",
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}

/// A Deployment of one pod, and its Service.
pub fn served(name: &str, pod: Value, port: u16) -> Vec<Value> {
    let labels = json!({"app": name});
    vec![
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {
                "replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"name": "port", "port": port}]},
        }),
    ]
}

/// PostgreSQL on a disk of the pod, and the Secret that CloudNativePG would make for it. While the file `down` is there it stays down.
pub fn postgres(image: &str) -> Vec<Value> {
    let mut pod = restricted("postgresql", image);
    let start = "while [ -e /data/down ]; do sleep 1; done; exec /bin/entrypoint";
    pod["containers"][0]["command"] = json!(["/bin/sh", "-c", start]);
    pod["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 5432}, "periodSeconds": 1});
    pod["containers"][0]["env"] = json!([
        {"name": "POSTGRES_USER", "value": "leadflow"},
        {"name": "POSTGRES_PASSWORD", "value": "sample-password"},
        {"name": "POSTGRES_DB", "value": "leadflow"},
    ]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}, {"name": "run", "mountPath": "/tmp"}]);
    pod["volumes"] = json!([{"name": "data", "emptyDir": {}}, {"name": "run", "emptyDir": {}}]);
    pod["terminationGracePeriodSeconds"] = json!(5);
    let mut objects = served("postgresql", pod, 5432);
    objects.push(secret("pg-app", json!({"uri": "postgresql://leadflow:sample-password@postgresql:5432/leadflow"})));
    objects
}

/// A CRM that takes every lead until it is told otherwise.
pub fn crm(name: &str, image: &str) -> Vec<Value> {
    let mut pod = restricted(name, image);
    pod["containers"][0]["args"] = json!(["sample-crm", "--address=0.0.0.0", "--port=8090"]);
    pod["containers"][0]["readinessProbe"] = json!({"httpGet": {"path": "/", "port": 8090}, "periodSeconds": 1});
    served(name, pod, 8090)
}

pub fn secret(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

pub fn rule(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

pub fn exchange(ingest: u32, router: u32) -> Value {
    rule(
        "Exchange",
        "house",
        json!({
            "store": {"postgresql": {"urlFrom": {"secretKeyRef": {"name": "pg-app", "key": "uri"}}}},
            "ingest": {"replicas": ingest},
            "router": {"replicas": router},
            "encryption": {"keysFrom": {"secretRef": {"name": "house-keys"}}},
            // Services and pods of the cluster have private addresses.
            "delivery": {"allowAddresses": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]},
        }),
    )
}

pub fn endpoint(name: &str, crm: &str) -> Value {
    rule(
        "Endpoint",
        name,
        json!({
            "http": {
                "url": format!("http://{crm}:8090/api/v1/leads"),
                "body": {"external_id": "{{ lead.id }}", "email": "{{ lead.contact.email }}", "agent": "{{ recipient.name }}"},
                "response": {"recordId": {"jsonPointer": "/id"}},
            },
            "timeoutSeconds": 5,
            "retry": {"attempts": 2},
            "breaker": {"consecutiveFailures": 3, "openSeconds": 2},
        }),
    )
}

pub fn agent(name: &str, endpoint: &str) -> Value {
    rule("Agent", name, json!({"deliverTo": endpoint}))
}

/// Everybody in this order.
pub fn policy(agents: &[&str]) -> Value {
    let tiers: Vec<_> =
        agents.iter().map(|agent| json!({"name": agent, "to": {"agents": {"names": [agent]}}, "method": {"type": "Priority"}})).collect();
    rule("RoutingPolicy", "all", json!({"tiers": tiers}))
}

/// The rules and keys of a house whose leads go to the CRM `crm`.
pub fn rules(ingest: u32, router: u32) -> Vec<Value> {
    vec![
        secret(
            "house-keys",
            json!({"index": "aW5kZXgta2V5LW9mLXRoZS10ZXN0cy1vbmx5LTAwMDA=", "first": "bGVhZHMta2V5LW9mLXRoZS10ZXN0cy1vbmx5LTAwMDA="}),
        ),
        secret("form-keys", json!({"current": "form-key"})),
        exchange(ingest, router),
        rule("LeadSource", "form", json!({"auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}, "require": ["contact.email"]})),
        endpoint("crm", "crm"),
        agent("anna", "crm"),
        policy(&["anna"]),
    ]
}

/// Several manifests as one text.
pub fn text(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

//! One installation: a namespace with a database, a CRM, an Exchange and its rules.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::commands::{apply_in, kubectl, try_kubectl};
use super::{PATIENCE, Site, objects, says, until, until_within};

pub struct House {
    pub site: Site,
    pub namespace: String,
    number: AtomicU64,
}

/// A pod, as far as stories ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    pub uid: String,
    pub restarts: i64,
    pub node: String,
    pub ready: bool,
}

impl House {
    /// Two pods of each role, all ready.
    pub async fn raise(site: Site, namespace: &str) -> House {
        House::sized(site, namespace, 2, 2).await
    }

    pub async fn sized(site: Site, namespace: &str, ingest: u32, router: u32) -> House {
        House::with_rules(site, namespace, objects::rules(ingest, router)).await
    }

    /// A house of these [rules](objects::rules).
    pub async fn with_rules(site: Site, namespace: &str, rules: Vec<Value>) -> House {
        let house = House::empty(site, namespace).await;
        let mut all = objects::postgres(&house.site.postgres_image);
        all.extend(objects::crm("crm", &house.site.image));
        all.extend(rules);
        house.apply(&all).await;
        house.ready().await;
        house
    }

    /// A namespace of this name with nothing in it.
    pub async fn empty(site: Site, namespace: &str) -> House {
        try_kubectl(&["delete", "namespace", namespace, "--ignore-not-found", "--wait", "--timeout=120s"], "").await;
        site.enforce_restricted(namespace).await;
        House { site, namespace: namespace.to_owned(), number: AtomicU64::new(0) }
    }

    pub async fn apply(&self, manifests: &[Value]) {
        apply_in(&self.namespace, &objects::text(manifests)).await;
    }

    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(arguments);
        kubectl(&all).await
    }

    /// An object, by its kind's plural.
    pub async fn get(&self, plural: &str, name: &str) -> Value {
        self.site.get(&self.namespace, plural, name).await
    }

    /// Waits until an object's status says this of its newest generation, and gives the object.
    pub async fn says(&self, kind: &str, name: &str, type_: &str, status: &str) -> Value {
        until(&format!("{kind} {name}: {type_}={status}"), async || {
            let object = self.get(kind, name).await;
            says(&object, type_, status).then_some(object)
        })
        .await
    }

    /// Waits until the Exchange and all rules are ready.
    pub async fn ready(&self) {
        until("all is ready", async || {
            let all = self.rules().await;
            (!all.is_empty() && all.iter().all(|object| says(object, "Ready", "True"))).then_some(())
        })
        .await;
    }

    /// The Exchange and all its rules.
    pub async fn rules(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for plural in ["exchanges", "leadsources", "agents", "buyers", "leadendpoints", "routingpolicies"] {
            all.extend(self.site.list(&self.namespace, plural, "").await);
        }
        all
    }

    /// The pods of a role.
    pub async fn pods(&self, role: &str) -> Vec<Pod> {
        let selector = format!("app.kubernetes.io/component={role},app.kubernetes.io/instance=house");
        let pods = self.site.list(&self.namespace, "pods", &selector).await;
        pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).map(pod).collect()
    }

    /// Name → (uid, restarts) of all pods: what must not change when rules do.
    pub async fn lives(&self) -> BTreeMap<String, (String, i64)> {
        let mut lives = BTreeMap::new();
        for role in ["ingest", "router"] {
            lives.extend(self.pods(role).await.into_iter().map(|pod| (pod.name, (pod.uid, pod.restarts))));
        }
        lives
    }

    /// A lead that is no other's.
    pub fn lead(&self) -> Value {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        json!({"contact": {"email": format!("lead-{number}@example.com"), "phone": format!("+1310{}", 2_000_000 + number), "first_name": "Jane"}})
    }

    /// Posts a lead with a key and waits up to ten seconds for its outcome: status and answer.
    pub async fn post_with(&self, key: &str, source: &str) -> (u16, Value) {
        let path = format!("/v1/sources/{source}/leads");
        let (status, body) = self.site.ask("POST", &self.namespace, "house-ingest:http", &path, Some(key), &self.lead().to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| json!(body)))
    }

    /// Posts a lead, which must be taken; gives its id.
    pub async fn post(&self) -> String {
        let (status, answer) = self.post_with("form-key", "form").await;
        assert!((200..300).contains(&status), "{status} {answer}");
        answer["leadId"].as_str().unwrap_or_else(|| panic!("no lead's id in {answer}")).to_owned()
    }

    /// What a CRM has: `leads`, `posts`, `ids`.
    pub async fn crm(&self, name: &str) -> Value {
        let (status, body) = self.site.ask("GET", &self.namespace, &format!("{name}:port"), "/leads", None, "").await;
        if status == 200 { serde_json::from_str(&body).unwrap() } else { json!({"leads": 0, "posts": 0, "ids": []}) }
    }

    /// Tells a CRM what to answer.
    pub async fn crm_answers(&self, name: &str, status: u16) {
        let (answer, body) = self.site.ask("PUT", &self.namespace, &format!("{name}:port"), &format!("/status/{status}"), None, "").await;
        assert_eq!(answer, 204, "{body}");
    }

    /// How many leads the CRM has.
    pub async fn delivered(&self) -> u64 {
        self.crm("crm").await["leads"].as_u64().unwrap_or_default()
    }

    /// Waits until the CRM has so many leads; more is wrong.
    pub async fn delivers(&self, count: u64) {
        let what = format!("{count} leads are delivered");
        until_within(2 * PATIENCE, &what, async || {
            let found = self.delivered().await;
            assert!(found <= count, "{found} leads where {count} were acknowledged");
            (found == count).then_some(())
        })
        .await;
    }

    /// Posts a lead and waits until this CRM has it.
    pub async fn post_to(&self, crm: &str) {
        let id = self.post().await;
        until(&format!("{crm} gets the lead"), async || {
            let has = self.crm(crm).await["ids"].as_array().is_some_and(|ids| ids.iter().any(|found| found == &json!(id)));
            has.then_some(())
        })
        .await;
    }

    /// The metrics of a pod.
    pub async fn metrics(&self, pod: &str, port: u16) -> String {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}:{port}/proxy/metrics", self.namespace);
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        self.site.client.request_text(request).await.unwrap_or_default()
    }

    /// Takes the namespace away.
    pub async fn raze(self) {
        kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]).await;
    }
}

fn pod(pod: &Value) -> Pod {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    Pod {
        name: text("/metadata/name"),
        uid: text("/metadata/uid"),
        restarts: pod.pointer("/status/containerStatuses/0/restartCount").and_then(Value::as_i64).unwrap_or_default(),
        node: text("/spec/nodeName"),
        ready: conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True"),
    }
}

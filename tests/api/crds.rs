//! The definitions on a real API server: no warning, every field described and bounded, and rules that name the field they refuse.

use std::path::{Path, PathBuf};

use leadflow::api::crds::crds;
use serde_json::{Value, json};

use super::house::*;
use super::support::cluster::Cluster;
use super::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn the_definitions_apply_without_a_warning() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for way in [&["apply", "--server-side", "--force-conflicts"][..], &["replace"]] {
        let output = cluster.kubectl(&[way, &["--filename", folder.to_str().unwrap()]].concat()).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "kubectl {way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_word_lists_every_kind() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("list").await);
    apply(&client, &namespace, &everything()).await;
    // What kubectl remembers of a server may be older than the definitions.
    let cache = cluster.folder().join("fresh-cache");
    let output =
        cluster.kubectl(&["get", "leadflow", "--namespace", &namespace, "--output", "name", "--cache-dir", cache.to_str().unwrap()]).await;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut names: Vec<_> = text.lines().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "agent.leadflow.dev/sarah",
            "buyer.leadflow.dev/acme",
            "endpoint.leadflow.dev/crm",
            "exchange.leadflow.dev/house",
            "leadsource.leadflow.dev/form",
            "routingpolicy.leadflow.dev/all",
        ]
    );
    let output = cluster.kubectl(&["get", "endpoints", "--namespace", &namespace]).await;
    assert!(!String::from_utf8_lossy(&output.stdout).contains("crm"), "`endpoints` stays the core kind");
}

#[test]
fn every_field_is_described_and_bounded() {
    let mut problems = Vec::new();
    for (_, definition) in crds() {
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap();
        for version in definition["spec"]["versions"].as_array().unwrap() {
            inspect(&version["schema"]["openAPIV3Schema"], kind, &mut problems);
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}

/// Finds what a schema lacks.
fn inspect(schema: &Value, path: &str, problems: &mut Vec<String>) {
    let has = |key: &str| schema.get(key).is_some();
    let mut miss = |what: &str| problems.push(format!("{path}: {what}"));
    let element = path.ends_with("[]") || path.ends_with("{}");
    if !element && schema["description"].as_str().is_none_or(str::is_empty) {
        miss("has no description");
    }
    if has("nullable") {
        miss("may be null");
    }
    match schema["type"].as_str() {
        Some("string") if !has("maxLength") && !has("enum") && schema["format"] != "date-time" => miss("is a string of any length"),
        Some("array") if !has("maxItems") => miss("is a list of any length"),
        Some("array") if !has("x-kubernetes-list-type") => miss("does not say how the list merges"),
        Some("integer") if !has("minimum") => miss("is a number without a least value"),
        Some("integer") if !has("maximum") && !path.ends_with("observedGeneration") => miss("is a number without a greatest value"),
        Some("number") => miss("is a floating-point number"),
        None if !has("x-kubernetes-int-or-string") => miss("has no type"),
        _ => {}
    }
    if !["int32", "int64", "date-time"].contains(&schema["format"].as_str().unwrap_or("int32")) {
        miss("has a format that the API server does not know");
    }
    if let Some(values) = schema.get("additionalProperties") {
        if !has("maxProperties") {
            miss("is a map of any size");
        }
        inspect(values, &format!("{path}{{}}"), problems);
    }
    if let Some(items) = schema.get("items") {
        inspect(items, &format!("{path}[]"), problems);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        inspect(property, &format!("{path}.{name}"), problems);
    }
}

/// A change of a good object, and what of the refusal must be said; nothing where it must be taken.
struct Case {
    object: Value,
    pointer: &'static str,
    value: Value,
    refusal: Option<[&'static str; 2]>,
}

fn bad(object: Value, pointer: &'static str, value: Value, field: &'static str, why: &'static str) -> Case {
    Case { object, pointer, value, refusal: Some([field, why]) }
}

fn good(object: Value, pointer: &'static str, value: Value) -> Case {
    Case { object, pointer, value, refusal: None }
}

fn cases() -> Vec<Case> {
    let long = "a".repeat(51);
    let key = json!({"secretKeyRef": {"name": "s", "key": "k"}});
    let score = json!({"expression": "recipient.load"});
    vec![
        bad(exchange("x"), "/metadata/name", json!(long), "`metadata.name`", "must be 1 to 50"),
        bad(exchange("x"), "/metadata/name", json!("1st"), "`metadata.name`", "must be 1 to 50"),
        bad(exchange("x"), "/spec/store", json!({}), "spec.store", "must give exactly one of `embedded` and `postgresql`"),
        bad(exchange("x"), "/spec/store/embedded", json!({}), "spec.store", "must give exactly one of"),
        bad(exchange("x"), "/spec/router", json!({"replicas": -1}), "spec.router.replicas", "is invalid"),
        bad(exchange("x"), "/spec/router", json!({"replicaz": 1}), ".spec.router.replicaz", "field not declared in schema"),
        bad(
            exchange("x"),
            "/spec/ingest",
            json!({"expose": {}}),
            "spec.ingest.expose",
            "must give exactly one of `ingress` and `httpRoute`",
        ),
        bad(
            exchange("x"),
            "/spec/ingest",
            json!({"expose": {"ingress": {"host": "A b"}}}),
            "spec.ingest.expose.ingress.host",
            "is invalid",
        ),
        bad(
            exchange("x"),
            "/spec/ingest",
            json!({"expose": {"httpRoute": {"parentRefs": [], "hostnames": ["a.example.com"]}}}),
            "spec.ingest.expose.httpRoute.parentRefs",
            "is invalid",
        ),
        bad(
            exchange("x"),
            "/spec/router",
            json!({"autoscale": {"maxReplicas": 4}}),
            "spec.router.autoscale",
            "must give exactly one of `cpuPercent` and `queueAgeSeconds`",
        ),
        bad(
            exchange("x"),
            "/spec/router",
            json!({"autoscale": {"minReplicas": 5, "maxReplicas": 4, "cpuPercent": 70}}),
            "spec.router.autoscale",
            "must not be greater than `maxReplicas`",
        ),
        bad(
            exchange("x"),
            "/spec/router",
            json!({"autoscale": {"maxReplicas": 4, "queueAgeSeconds": 30}}),
            "spec.router.autoscale",
            "must be given together",
        ),
        bad(
            exchange("x"),
            "/spec/ingest",
            json!({"autoscale": {"maxReplicas": 4, "queueAgeSeconds": 30, "prometheusAddress": "http://p:9090"}}),
            "spec.ingest",
            "must go by `cpuPercent`",
        ),
        bad(
            exchange("x"),
            "/spec/router",
            json!({"resources": {"requests": {"cpu": "a lot"}}}),
            "spec.router.resources.requests.cpu",
            "is invalid",
        ),
        bad(
            exchange("x"),
            "/spec/router",
            json!({"podTemplate": {"affinity": {"nodeAfinity": {}}}}),
            ".spec.router.podTemplate.affinity.nodeAfinity",
            "field not declared in schema",
        ),
        bad(exchange("x"), "/spec/ingest", json!({"spool": {"sizeLimit": "1G"}}), "spec.ingest.spool.sizeLimit", "is invalid"),
        bad(exchange("x"), "/spec/networkPolicies", json!("Off"), "spec.networkPolicies", "Unsupported value"),
        good(
            exchange("x"),
            "/spec/router",
            json!({
                "resources": {"requests": {"cpu": 1, "memory": "256Mi"}},
                "podTemplate": {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a"}]}}},
                "autoscale": {"maxReplicas": 4, "cpuPercent": 70},
            }),
        ),
        good(exchange("x"), "/spec/ingest", json!({"expose": {"ingress": {"host": "leads.example.com"}}})),
        good(exchange("x"), "/spec/schema", json!({"fields": [{"name": "home.owner", "type": "Boolean"}]})),
        bad(
            exchange("x"),
            "/spec/schema",
            json!({"fields": [{"name": "home.owner", "type": "Enum"}]}),
            "spec.schema.fields[0]",
            "must give `values` for type 'Enum'",
        ),
        bad(
            exchange("x"),
            "/spec/schema",
            json!({"fields": [{"name": "a", "type": "String", "minimum": "1"}]}),
            "spec.schema.fields[0]",
            "may give `minimum` and `maximum`",
        ),
        bad(
            exchange("x"),
            "/spec/schema",
            json!({"fields": [{"name": "A b", "type": "String"}]}),
            "spec.schema.fields[0].name",
            "Invalid value",
        ),
        bad(exchange("x"), "/spec/delivery", json!({"allowAddresses": ["localhost"]}), "spec.delivery.allowAddresses[0]", "is invalid"),
        good(exchange("x"), "/spec/delivery", json!({"allowAddresses": ["10.0.0.0/8", "fd00::/8"]})),
        bad(source("x"), "/spec/defaultCountry", json!("usa"), "spec.defaultCountry", "is invalid"),
        bad(source("x"), "/spec/format", json!("XML"), "spec.format", "Unsupported value"),
        bad(source("x"), "/spec/deduplicate", json!({"by": [], "withinDays": 1}), "spec.deduplicate.by", "is invalid"),
        good(source("x"), "/spec/deduplicate", json!({"by": ["contact.email"], "withinDays": 0})),
        bad(source("x"), "/spec/answer", json!({"waitSeconds": 61}), "spec.answer.waitSeconds", "is invalid"),
        bad(agent("x", "crm"), "/spec/deliverTo", json!(""), "spec.deliverTo", "is invalid"),
        bad(
            agent("x", "crm"),
            "/spec/accepts",
            json!([{"field": "location.zip"}]),
            "spec.accepts[0]",
            "must give exactly one of `in`, `notIn`",
        ),
        bad(
            agent("x", "crm"),
            "/spec/accepts",
            json!([{"field": "a", "in": ["1"], "below": "2"}]),
            "spec.accepts[0]",
            "must give exactly one",
        ),
        bad(
            agent("x", "crm"),
            "/spec/accepts",
            json!([{"field": "a", "within": {"of": {"zip": "90210"}}}]),
            "spec.accepts[0].within",
            "must give either `miles`",
        ),
        bad(
            agent("x", "crm"),
            "/spec/accepts",
            json!([{"field": "a", "within": {"miles": 5, "of": {"latitude": "1"}}}]),
            "spec.accepts[0].within.of",
            "must give either `zip`",
        ),
        good(
            agent("x", "crm"),
            "/spec/accepts",
            json!([{"field": "a", "notIn": ["1"]}, {"field": "a", "within": {"miles": 5, "of": {"zip": "90210"}}}]),
        ),
        good(agent("x", "crm"), "/spec/accepts", json!([{"field": "a", "exists": false}, {"field": "b", "startsWith": ["902"]}])),
        bad(agent("x", "crm"), "/spec/capacity", json!({}), "spec.capacity", "must give `openLeads`, `openWeight` or both"),
        bad(agent("x", "crm"), "/spec/caps", json!([{"per": "Day"}]), "spec.caps[0]", "must give `leads`, `spend` or `leadsOn`"),
        bad(agent("x", "crm"), "/spec/caps", json!([{"per": "Week", "leadsOn": {"Mo": 1}}]), "spec.caps[0]", "`leadsOn` needs `per: Day`"),
        bad(
            agent("x", "crm"),
            "/spec/caps",
            json!([{"per": "Total", "leads": 1, "pacing": "Even"}]),
            "spec.caps[0]",
            "`pacing: Even` needs",
        ),
        bad(
            agent("x", "crm"),
            "/spec/caps",
            json!([{"per": "Day", "leads": 1, "whenReached": "Fallback"}]),
            "spec.caps[0]",
            "must give `fallback`",
        ),
        bad(
            agent("x", "crm"),
            "/spec/timeOff",
            json!([{"from": "2026-12-24", "to": "2027-01-02", "cover": {"buyer": "b"}}]),
            "spec.timeOff[0].cover",
            "must give either `agent`",
        ),
        good(
            agent("x", "crm"),
            "/spec/caps",
            json!([{"per": "Day", "leads": 1}, {"per": "Day", "counts": "Sent", "leads": 2}, {"per": "Month", "leads": 3}]),
        ),
        good(agent("x", "crm"), "/spec/accepts", json!([{"field": "a", "in": ["1"]}, {"field": "b", "atLeast": "-1.5", "below": "2"}])),
        bad(agent("x", "crm"), "/spec/accepts", json!([{"field": "a", "below": "two"}]), "spec.accepts[0].below", "is invalid"),
        bad(agent("x", "crm"), "/spec/caps", json!([{"per": "Day", "leads": 1}, {"per": "Day", "leads": 2}]), "spec.caps", "duplicate"),
        bad(agent("x", "crm"), "/spec/contact", json!({"phone": "555-0100"}), "spec.contact.phone", "is invalid"),
        bad(agent("x", "crm"), "/spec/performance", json!({"conversionRate": "1.2"}), "spec.performance.conversionRate", "is invalid"),
        bad(buyer("x", "crm"), "/spec/contracts", json!([]), "spec.contracts", "is invalid"),
        bad(buyer("x", "crm"), "/spec/contracts/0/price", json!({"amount": "42.505"}), "spec.contracts[0].price.amount", "is invalid"),
        good(buyer("x", "crm"), "/spec/contracts/0/price", json!({"amount": "42.50"})),
        bad(endpoint("x"), "/spec/http/url", json!("ftp://crm.example.com"), "spec.http.url", "is invalid"),
        bad(endpoint("x"), "/spec/http/url", json!("https://[crm.example.com"), "spec.http.url", "must be an absolute http or https URL"),
        bad(endpoint("x"), "/spec/http/auth", json!({}), "spec.http.auth", "must give exactly one of `bearer` and `basic`"),
        good(endpoint("x"), "/spec/http/auth", json!({"basic": {"usernameFrom": key, "passwordFrom": key}})),
        bad(
            endpoint("x"),
            "/spec/http/response",
            json!({"accepted": {}}),
            "spec.http.response.accepted",
            "must give `status`, `body` or both",
        ),
        bad(
            endpoint("x"),
            "/spec/http/response",
            json!({"accepted": {"status": ["2xx"]}}),
            "spec.http.response.accepted.status[0]",
            "Invalid value",
        ),
        good(
            endpoint("x"),
            "/spec/http/response",
            json!({"refused": {"status": ["400-499"], "body": {"jsonPointer": "/status", "is": ["no"]}}}),
        ),
        bad(endpoint("x"), "/spec/timeoutSeconds", json!(0), "spec.timeoutSeconds", "is invalid"),
        bad(endpoint("x"), "/spec/circuit", json!("Open"), "spec.circuit", "Unsupported value"),
        good(endpoint("x"), "/spec/http/body", json!({"any": {"shape": ["{{ lead.id }}", 1, true]}})),
        bad(policy("x"), "/spec/tiers", json!([]), "spec.tiers", "is invalid"),
        bad(policy("x"), "/spec/tiers/0/to", json!({}), "spec.tiers[0].to", "must give `agents`, `buyers` or both"),
        bad(policy("x"), "/spec/tiers/0/method", json!({"type": "Score"}), "spec.tiers[0].method", "must give `score` for type 'Score'"),
        bad(
            policy("x"),
            "/spec/tiers/0/method",
            json!({"type": "Weighted", "score": score}),
            "spec.tiers[0].method",
            "must give `score` for type 'Score', and for no other",
        ),
        good(policy("x"), "/spec/tiers/0/method", json!({"type": "Score", "score": score})),
        bad(policy("x"), "/spec/maxRecipients", json!(0), "spec.maxRecipients", "is invalid"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_field_and_what_is_right_is_taken() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("cases").await);
    for Case { mut object, pointer, value, refusal } in cases() {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value.clone();
        let answer = try_apply(&client, &namespace, &object).await;
        let case = format!("{} with {pointer} = {value}", object["kind"]);
        match (answer, refusal) {
            (Ok(_), None) => {}
            (Ok(_), Some(_)) => panic!("{case} must be refused"),
            (Err(error), None) => panic!("{case} must be taken: {error}"),
            (Err(error), Some(refusal)) => {
                let text = error.to_string();
                assert!(refusal.iter().all(|part| text.contains(part)), "{case}: {text}");
            }
        }
    }
}

/// Samples are what users copy: each must be taken as it is.
#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_taken() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/samples");
    let files: Vec<PathBuf> = files_under(&samples);
    let cluster = Cluster::shared().await;
    for file in files {
        let namespace = cluster.namespace("sample").await;
        let arguments = ["apply", "--server-side", "--validate=strict", "--namespace", &namespace, "--filename", file.to_str().unwrap()];
        let output = cluster.kubectl(&arguments).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", file.display());
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let deeper = |path: PathBuf| if path.is_dir() { files_under(&path) } else { vec![path] };
    let mut files: Vec<_> = entries.flat_map(deeper).filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

//! Figures for `docs/benchmarks.md`. They judge nothing, so they run only when asked for: `make e2e-figures`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use crate::site::commands::kubectl;
use crate::site::house::House;
use crate::site::{SYSTEM, Site, objects};

const CHANGES: usize = 200;

/// From the API server's answer to a change until the last of three routers says, by its Lease, that it runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: make e2e-figures"]
async fn from_apply_to_enforced_on_three_routers() {
    let house = House::sized(Site::alone().await, "figures", 1, 3).await;
    let leases = Api::<Lease>::namespaced(house.site.client.clone(), &house.namespace);
    let config = watcher::Config::default().labels("leadflow.dev/component=router");
    let mut events = watcher(leases, config).applied_objects().boxed();
    let agents = house.site.api(&house.namespace, "leadflow.dev", "v1alpha1", "Agent", "agents");
    let mut digests: BTreeMap<String, String> = BTreeMap::new();
    while digests.len() < 3 {
        take(&mut digests, events.next().await.unwrap().unwrap());
    }
    let mut times = Vec::new();
    for change in 0..CHANGES {
        let before = digests.clone();
        let patch = json!({"metadata": {"labels": {"change": change.to_string()}}});
        let begun = Instant::now();
        agents.patch("anna", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        while digests.iter().any(|(pod, digest)| before.get(pod) == Some(digest)) {
            take(&mut digests, events.next().await.unwrap().unwrap());
        }
        times.push(begun.elapsed());
    }
    times.sort();
    let [p50, p99] = [50, 99].map(|percent| times[(times.len() * percent / 100).min(times.len() - 1)].as_millis());
    println!(
        "apply → enforced on 3 routers, {CHANGES} changes: p50 {p50} ms, p99 {p99} ms, longest {} ms",
        times.last().unwrap().as_millis()
    );
    house.raze().await;
}

fn take(digests: &mut BTreeMap<String, String>, lease: Lease) {
    let digest = lease.metadata.annotations.unwrap_or_default().remove("leadflow.dev/rules-digest");
    if let (Some(name), Some(digest)) = (lease.metadata.name, digest) {
        digests.insert(name, digest);
    }
}

/// Memory, and processor time in a minute of rest, of each operator.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: make e2e-figures"]
async fn the_operator_at_rest() {
    let house = House::raise(Site::alone().await, "resting").await;
    let before = figures(&house).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    for (pod, (memory, seconds)) in figures(&house).await {
        println!("{pod}: {:.1} MB, {:.1} ms of processor time in 60 s", memory / 1e6, (seconds - before[&pod].1) * 1e3);
    }
    house.raze().await;
}

async fn figures(house: &House) -> BTreeMap<String, (f64, f64)> {
    let selector = "app.kubernetes.io/component=operator";
    let list: Value = serde_json::from_str(&kubectl(&["-n", SYSTEM, "get", "pods", "-l", selector, "-o", "json"]).await).unwrap();
    let mut found = BTreeMap::new();
    for pod in list["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let request = http::Request::get(format!("/api/v1/namespaces/{SYSTEM}/pods/{name}:9070/proxy/metrics")).body(Vec::new()).unwrap();
        let text = house.site.client.request_text(request).await.unwrap();
        let number =
            |metric: &str| text.lines().find_map(|line| line.strip_prefix(metric)).and_then(|n| n.trim().parse().ok()).unwrap_or(f64::NAN);
        found.insert(name.to_owned(), (number("process_resident_memory_bytes "), number("process_cpu_seconds_total ")));
    }
    found
}

/// From nothing but definitions to a lead delivered, with the operator started last.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: make e2e-figures"]
async fn from_a_cold_operator_to_all_ready() {
    let house = House::empty(Site::alone().await, "cold").await;
    kubectl(&["-n", SYSTEM, "scale", "deployment/leadflow-operator", "--replicas=0"]).await;
    let mut all = objects::postgres(&house.site.postgres_image);
    all.extend(objects::crm("crm", &house.site.image));
    house.apply(&all).await;
    house.kubectl(&["rollout", "status", "deployment/postgresql", "--timeout=60s"]).await;
    house.apply(&objects::rules(2, 2)).await;
    let begun = Instant::now();
    kubectl(&["-n", SYSTEM, "scale", "deployment/leadflow-operator", "--replicas=2"]).await;
    house.ready().await;
    let ready = begun.elapsed();
    house.post_to("crm").await;
    println!(
        "operator from 0 to 2 replicas: all of one house Ready after {:.1} s, a lead delivered after {:.1} s",
        ready.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    house.raze().await;
}

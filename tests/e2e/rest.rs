//! Story 11: at rest nothing is written, and many objects are no trouble.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::site::audit::Audit;
use crate::site::commands::kubectl;
use crate::site::house::House;
use crate::site::{SYSTEM, Site, objects, until_within, variable};

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written_to_the_api_server_but_leases() {
    let house = House::raise(Site::shared().await, "rest").await;
    house.post_to("crm").await;
    let Some(audit) = Audit::start() else {
        eprintln!("skipped: this cluster's audit log can't be read (LEADFLOW_E2E_AUDIT_LOG)");
        return;
    };
    let seconds = variable("LEADFLOW_E2E_REST_SECONDS", "120").parse().expect("a number of seconds");
    // It is the quiet that is tested.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut writes = audit.writes();
    writes.retain(|write| write.namespace == house.namespace && write.user.contains(":leadflow-operator") || write.user.contains(":rest:"));
    let (leases, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|write| write.resource == "leases");
    println!("{seconds} s at rest: {} renewals of Leases by 4 pods, {} other writes", leases.len(), others.len());
    assert!(others.is_empty(), "{others:#?}");
    house.raze().await;
}

/// Objects in one namespace.
const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "some minutes on two cores: make e2e-figures"]
async fn ten_thousand_objects_have_complete_status() {
    let house = House::sized(Site::alone().await, "many", 1, 1).await;
    let begun = Instant::now();
    for chunk in 0..MANY / 500 {
        let agents: Vec<_> = (0..500).map(|n| objects::agent(&format!("agent-{chunk:02}-{n:03}"), "crm")).collect();
        house.apply(&agents).await;
    }
    println!("{MANY} agents applied in {:.0} s", begun.elapsed().as_secs_f64());
    let api = house.site.api(&house.namespace, "leadflow.dev", "v1alpha1", "Agent", "agents");
    until_within(Duration::from_secs(300), "every status is complete", async || {
        let list = api.list(&kube::api::ListParams::default()).await.ok()?;
        let ready = list.items.iter().filter(|agent| crate::site::says(&serde_json::to_value(agent).unwrap(), "Ready", "True")).count();
        (ready > MANY).then_some(())
    })
    .await;
    println!("every status complete {:.0} s after the first apply", begun.elapsed().as_secs_f64());
    let selector = "app.kubernetes.io/component=operator";
    let list: Value = serde_json::from_str(&kubectl(&["--namespace", SYSTEM, "get", "pods", "-l", selector, "-o", "json"]).await).unwrap();
    for pod in list["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let request = http::Request::get(format!("/api/v1/namespaces/{SYSTEM}/pods/{name}:9070/proxy/metrics")).body(Vec::new()).unwrap();
        let metrics = house.site.client.request_text(request).await.unwrap();
        for wanted in ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "leader_election_master_status"] {
            metrics.lines().filter(|line| line.starts_with(wanted)).for_each(|line| println!("{name}: {line}"));
        }
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "the operator was not killed for its memory");
    }
    house.raze().await;
}

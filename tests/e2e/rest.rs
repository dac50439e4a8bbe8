//! Story 11: at rest nothing is written, and many objects are no trouble.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::api::{ListParams, PostParams};

use crate::site::audit::Audit;
use crate::site::house::House;
use crate::site::{SYSTEM, Site, objects, until_within, variable};

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_is_written_to_the_api_server_but_leases() {
    let house = House::raise(Site::beside().await, "rest").await;
    house.post_to("crm").await;
    let Some(audit) = Audit::start() else {
        eprintln!("skipped: this cluster's audit log can't be read (LEADFLOW_E2E_AUDIT_LOG)");
        return;
    };
    let seconds = variable("LEADFLOW_E2E_REST_SECONDS", "120").parse().expect("a number of seconds");
    // It is the quiet that is tested.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let mut writes = audit.writes();
    // Of the operator what concerns this house; of the pods everything.
    writes.retain(|write| {
        (write.namespace == house.namespace && write.user.ends_with(":leadflow-operator")) || write.user.contains(":rest:")
    });
    let (leases, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|write| write.resource == "leases");
    println!("{seconds} s at rest: {} renewals of Leases by 4 pods, {} other writes", leases.len(), others.len());
    assert!(!leases.is_empty(), "the audit log has nothing of the pods: it is not what it should be");
    assert!(others.is_empty(), "{others:#?}");
    house.raze().await;
}

/// As many objects in one namespace as LEADFLOW_E2E_OBJECTS says: `make e2e-figures` takes ten thousand, which would be most of what all stories take.
#[tokio::test(flavor = "multi_thread")]
async fn many_objects_have_complete_status() {
    let many: usize = variable("LEADFLOW_E2E_OBJECTS", "2000").parse().expect("a number of objects");
    let house = House::sized(Site::shared().await, "many", 1, 1).await;
    let operators = house.site.operators().await;
    let begun = Instant::now();
    let api = house.site.api(&house.namespace, "leadflow.dev", "v1alpha1", "Agent", "agents");
    let create = async |n: usize| {
        let agent = serde_json::from_value(objects::agent(&format!("agent-{n:05}"), "crm")).unwrap();
        api.create(&PostParams::default(), &agent).await.unwrap();
    };
    futures::stream::iter(0..many).for_each_concurrent(8, create).await;
    println!("{many} agents made in {:.0} s", begun.elapsed().as_secs_f64());
    until_within(Duration::from_secs(300), "every status is complete", async || {
        // So many objects are not read ten times a second.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let list = api.list(&ListParams::default()).await.ok()?;
        let ready = list.items.iter().filter(|agent| crate::site::says(&serde_json::to_value(agent).unwrap(), "Ready", "True")).count();
        (ready > many).then_some(())
    })
    .await;
    println!("every status complete {:.0} s after the first was made", begun.elapsed().as_secs_f64());
    for name in operators.keys() {
        let request = http::Request::get(format!("/api/v1/namespaces/{SYSTEM}/pods/{name}:9070/proxy/metrics")).body(Vec::new()).unwrap();
        let metrics = house.site.client.request_text(request).await.unwrap();
        for wanted in ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "leader_election_master_status"] {
            metrics.lines().filter(|line| line.starts_with(wanted)).for_each(|line| println!("{name}: {line}"));
        }
    }
    assert_eq!(house.site.operators().await, operators, "no operator was killed for its memory");
    house.raze().await;
}

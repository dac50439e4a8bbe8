//! Story 8: of two operators one leads.

use std::time::Instant;

use serde_json::Value;

use crate::site::audit::Audit;
use crate::site::commands::{is_own, kubectl, switch};
use crate::site::house::House;
use crate::site::{SYSTEM, Site, objects, until};

async fn holder(site: &Site) -> String {
    let lease = site.get(SYSTEM, "leases", "leadflow-operator").await;
    lease.pointer("/spec/holderIdentity").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The pod of a holder: what it is called by is the pod and a number of the process.
fn pod(holder: &str) -> &str {
    holder.split('_').next().unwrap_or_default()
}

/// Ends a pod without a word where that can be had; elsewhere as hard as a user can.
async fn kill(site: &Site, name: &str) {
    let uid = site.get(SYSTEM, "pods", name).await["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    if is_own() {
        switch(&["kill-pod", &uid]).await;
    } else {
        kubectl(&["--namespace", SYSTEM, "delete", "pod", name, "--grace-period=0", "--force"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_moves_when_the_leader_dies_and_never_do_two_write() {
    let house = House::sized(Site::alone().await, "leader", 1, 1).await;
    let audit = Audit::start();
    let first = holder(&house.site).await;
    let begun = Instant::now();
    kill(&house.site, pod(&first)).await;
    // Something to write from the first moment on.
    house.apply(&[objects::agent("ben", "crm"), objects::policy(&["ben", "anna"])]).await;
    let second =
        until("another one leads", async || Some(holder(&house.site).await).filter(|holder| !holder.is_empty() && *holder != first)).await;
    println!("the lease moved {:.1} s after the leader was killed", begun.elapsed().as_secs_f64());
    house.says("routingpolicies", "all", "Ready", "True").await;
    if let Some(audit) = audit {
        let mut writes: Vec<_> = audit.writes().into_iter().filter(|write| write.user.ends_with(":leadflow-operator")).collect();
        writes.retain(|write| write.resource != "leases" && write.resource != "events");
        writes.sort_by(|one, other| one.at.cmp(&other.at));
        let (first, second) = (pod(&first), pod(&second));
        let first_of_second = writes.iter().position(|write| write.pod == second);
        assert!(first_of_second.is_some(), "the new leader writes: {writes:?}");
        // The killed process may be back, in the same pod, as the leader.
        let last_of_first = writes.iter().rposition(|write| write.pod == first && first != second);
        assert!(last_of_first < first_of_second, "the old one wrote after the new one: {writes:#?}");
        assert!(writes.iter().all(|write| write.pod == first || write.pod == second), "somebody else wrote: {writes:#?}");
    }
    kubectl(&["--namespace", SYSTEM, "rollout", "status", "deployment/leadflow-operator", "--timeout=60s"]).await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_told_to_end_hands_over_at_once() {
    let house = House::sized(Site::alone().await, "handover", 1, 1).await;
    let first = holder(&house.site).await;
    let begun = Instant::now();
    kubectl(&["--namespace", SYSTEM, "delete", "pod", pod(&first), "--wait=false"]).await;
    until("another one leads", async || Some(holder(&house.site).await).filter(|holder| !holder.is_empty() && *holder != first)).await;
    println!("the lease was handed over {:.1} s after the leader was told to end", begun.elapsed().as_secs_f64());
    house.apply(&[objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Ready", "True").await;
    house.raze().await;
}

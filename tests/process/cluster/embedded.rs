//! The embedded store: one pod does all the work, and what it knows outlives it.

use serde_json::json;

use super::asking::lead;
use super::house::{FORM_WAITING, House, shared_operator};
use super::kubelet::Pod;
use super::objects::{api, until};
use crate::support::cluster::Cluster;
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn one_pod_with_a_volume_takes_leads_and_delivers_them_and_remembers_them_after_its_end() {
    if !require(&[Part::ApiServer, Part::ControllerManager]) {
        return;
    }
    let cluster = Cluster::shared().await;
    shared_operator(cluster).await;
    let mut house = House::on(cluster, "house", "none").await;
    house.change("Exchange", "house", json!({"spec": {"store": {"postgresql": null, "embedded": {"storage": "1Gi"}}}})).await;
    let sets = api(&house.client, &house.namespace, "apps/v1/StatefulSet");
    until(&sets, "house-standalone", "the operator builds it", |found| found.is_some()).await;
    house.ingest.push(Pod::run_first_of(cluster, &house.client, &house.namespace, "house-standalone").await);
    house.ingest[0].ready().await;
    let answer = house.post(&FORM_WAITING, &lead(1)).await;
    assert_eq!(answer.code(), "Delivered");
    for kind in ["LeadSource/form", "RoutingPolicy/all"] {
        let (kind, name) = kind.split_once('/').unwrap();
        house.until_programmed(kind, name).await;
    }

    house.ingest[0].kill();
    house.ingest[0].start();
    house.ingest[0].ready().await;
    let explanation = house.explanation(&house.ingest[0], &answer.lead()).await;
    assert!(explanation.to_string().contains("anna"), "{explanation}");
    assert_eq!(house.post(&FORM_WAITING, &lead(2)).await.code(), "Delivered");
    // A rule changes in the cluster, and no pod restarts.
    house.change("Agent", "anna", json!({"spec": {"when": "lead.contact.first_name == 'nobody'"}})).await;
    house.until_programmed("Agent", "anna").await;
    assert_eq!(house.post(&FORM_WAITING, &lead(3)).await.code(), "Delivered");
    assert_eq!(house.received("/second", "agent")["ben"], 1);
    assert!(house.ingest[0].terminate().await, "it ends in good order");
}

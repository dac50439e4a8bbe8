//! Story 10: what uninstalling leaves, and what installing again takes up.

use serde_json::{Value, json};

use crate::site::commands::{helm, kubectl, try_kubectl};
use crate::site::house::House;
use crate::site::{RELEASE, SYSTEM, Site, objects, until};

#[tokio::test(flavor = "multi_thread")]
async fn uninstalling_keeps_definitions_and_objects_and_installing_again_takes_them_up() {
    let house = House::sized(Site::alone().await, "kept", 1, 1).await;
    let uid = house.get("exchanges", "house").await["metadata"]["uid"].clone();
    let before = house.lives().await;
    helm(&["uninstall", RELEASE, "--namespace", SYSTEM, "--wait"]).await;
    let crds = kubectl(&["get", "crd", "-o", "name"]).await;
    assert_eq!(crds.lines().filter(|line| line.ends_with(".leadflow.dev")).count(), 6, "{crds}");
    assert_eq!(house.get("exchanges", "house").await["metadata"]["uid"], uid);
    // Leads go on without the operator.
    house.post_to("crm").await;
    house.site.install(&[]).await;
    house.apply(&[objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Ready", "True").await;
    house.ready().await;
    assert_eq!(house.lives().await, before, "no pod was replaced");
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_the_previous_release_are_noticed_and_upgraded_in_place() {
    let house = House::sized(Site::alone().await, "crds", 1, 1).await;
    // What the previous release knew: the same kind without its newest fields, and without a word of its age.
    let previous = std::fs::read_to_string("tests/e2e/previous/exchanges.yaml").unwrap();
    let previous: Value = serde_saphyr::from_str(&previous).unwrap();
    let mut definition: Value = serde_json::from_str(&kubectl(&["get", "crd", "exchanges.leadflow.dev", "-o", "json"]).await).unwrap();
    definition["spec"] = previous["spec"].clone();
    definition["metadata"]["annotations"].as_object_mut().unwrap().remove("leadflow.dev/schema-version");
    let replaced = try_kubectl(&["replace", "-f", "-"], &definition.to_string()).await;
    assert!(replaced.status.success(), "{}", String::from_utf8_lossy(&replaced.stderr));
    until("an older definition is told in status", async || {
        let exchange = house.get("exchanges", "house").await;
        exchange["status"]["conditions"].to_string().contains("DefinitionsOutdated").then_some(())
    })
    .await;
    house.post_to("crm").await;
    house.site.install(&["--force-conflicts"]).await;
    until("and no more when it is upgraded", async || {
        let exchange = house.get("exchanges", "house").await;
        (!exchange["status"]["conditions"].to_string().contains("DefinitionsOutdated")).then_some(())
    })
    .await;
    house.ready().await;
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_is_deleted_without_hanging_even_without_an_operator() {
    let mut rules = objects::rules(1, 1);
    // A namespace with pods that may take long to end is looked at again after half of that, however soon they end. Ingest's spool is what takes longest.
    rules
        .iter_mut()
        .filter(|rule| rule["kind"] == "Exchange")
        .for_each(|rule| rule["spec"]["ingest"]["spool"] = json!({"patienceSeconds": 0}));
    let house = House::with_rules(Site::alone().await, "deleted", rules).await;
    kubectl(&["--namespace", SYSTEM, "scale", "deployment/leadflow-operator", "--replicas=0"]).await;
    kubectl(&["delete", "namespace", "deleted", "--wait", "--timeout=180s"]).await;
    let output = try_kubectl(&["get", "namespace", "deleted"], "").await;
    assert!(!output.status.success(), "it is gone");
    house.site.install(&["--force-conflicts"]).await;
}

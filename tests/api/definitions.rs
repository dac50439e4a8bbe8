//! Definitions that are older than the program.

use kube::Client;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::house::*;
use super::support::cluster::{Cluster, Options};
use super::support::{Part, require};

async fn apply_definition(cluster: &Cluster, definition: &Value) {
    let output =
        cluster.kubectl_with_input(&["apply", "--server-side", "--force-conflicts", "--filename", "-"], &definition.to_string()).await;
    assert!(output.status.success(), "{output:?}");
}

async fn until_told(client: &Client, namespace: &str, told: &str) {
    let says = |object: Option<&DynamicObject>| message(object, "Degraded").contains(told);
    until(&ours(client, namespace, "Exchange"), "house", told, says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_an_earlier_release_are_noticed_and_work_on() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::start(Options::default()).await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("older").await);
    let client = &client;
    let token = operator_token(&cluster, &namespace).await;
    let agents = || leadflow::api::crds::crds().into_iter().find(|(kind, _)| *kind == "agents").unwrap().1;
    let mut older = agents();
    older["metadata"]["annotations"] = json!({"leadflow.dev/schema-version": "0.0.1+of-old"});
    let fields = older.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties").unwrap();
    fields.as_object_mut().unwrap().remove("displayName").unwrap();
    apply_definition(&cluster, &older).await;

    // Noticed at the start.
    let operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply_secrets(client, &namespace).await;
    apply(client, &namespace, &everything()).await;
    until_told(client, &namespace, "the definition of Agent lacks spec.displayName; apply the definitions of this release").await;
    let house = ours(client, &namespace, "Exchange").get("house").await.unwrap();
    assert_eq!(condition(Some(&house), "Degraded"), "True/DefinitionsOutdated");
    until_condition(client, &namespace, "Agent", "sarah", "Accepted", "True/Accepted").await;
    let gauge = |kind: &str| operator.metrics.definitions_outdated.with_label_values(&[kind]).get();
    assert_eq!((gauge("Agent"), gauge("Buyer")), (1, 0));

    // And on a change, for better and for worse.
    apply_definition(&cluster, &agents()).await;
    let gone = |object: Option<&DynamicObject>| condition(object, "Degraded").is_empty();
    until(&ours(client, &namespace, "Exchange"), "house", "all definitions are of this release", gone).await;
    let mut older = agents();
    older["metadata"]["annotations"] = json!({"leadflow.dev/schema-version": "0.0.1+of-old"});
    apply_definition(&cluster, &older).await;
    until_told(client, &namespace, "the definition of Agent is of 0.0.1+of-old, the program of").await;

    // Also when it is the status itself that the definition does not know all of.
    let mut older = leadflow::api::crds::crds().into_iter().find(|(kind, _)| *kind == "exchanges").unwrap().1;
    older["metadata"]["annotations"] = json!({"leadflow.dev/schema-version": "0.0.1+of-old"});
    let fields = older.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties").unwrap();
    fields.as_object_mut().unwrap().remove("address").unwrap();
    apply_definition(&cluster, &older).await;
    until_told(client, &namespace, "the definition of Exchange lacks status.address").await;
}

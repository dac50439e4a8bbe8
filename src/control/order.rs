//! Which workload may take a new image, so that an upgrade never restarts all of them at once. Pure.

use serde_json::Value;

use super::build::Wanted;
use super::child::{ChildId, ChildKind, Children};

/// The Deployments that wait for others: routers take a new image when ingest runs all of its own, and not before.
pub fn waiting(wanted: &[Wanted], children: &Children, namespace: &str) -> Vec<String> {
    let deployments = wanted.iter().filter(|wanted| wanted.kind == ChildKind::Deployment);
    let live = |name: &str| children.live(&ChildId { namespace: namespace.to_owned(), kind: ChildKind::Deployment, name: name.to_owned() });
    let mut earlier_done = true;
    let mut waiting = Vec::new();
    for Wanted { name, object, .. } in deployments {
        let live = live(name).and_then(|live| serde_json::to_value(live).ok());
        // What is not there yet hinders nobody, and waits for nobody.
        let Some(live) = live else { continue };
        let same = image(&live) == image(object);
        if !same && !earlier_done {
            waiting.push(name.clone());
        }
        earlier_done &= same && complete(&live);
    }
    waiting
}

fn image(deployment: &Value) -> Option<&str> {
    deployment.pointer("/spec/template/spec/containers/0/image")?.as_str()
}

/// Whether every pod is as the Deployment says, and ready.
fn complete(deployment: &Value) -> bool {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let desired = deployment.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    number("/status/observedGeneration") >= number("/metadata/generation")
        && number("/status/updatedReplicas") == desired
        && number("/status/replicas") == desired
        && number("/status/availableReplicas") == desired
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(name: &str, image: &str, updated: i32) -> Value {
        json!({
            "metadata": {"name": name, "namespace": "sales", "generation": 2},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": image}]}}},
            "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "availableReplicas": 2},
        })
    }

    fn children(ingest: Value, router: Value) -> Children {
        let mut children = Children::default();
        for object in [ingest, router] {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            let id = ChildId { namespace: "sales".into(), kind: ChildKind::Deployment, name };
            children.put(id, serde_json::from_value(object).unwrap());
        }
        children
    }

    fn waits(children: &Children) -> Vec<String> {
        let wanted = ["house-ingest", "house-router"].map(|name| Wanted {
            kind: ChildKind::Deployment,
            name: name.to_owned(),
            object: deployment(name, "new", 0),
        });
        waiting(&wanted, children, "sales")
    }

    #[test]
    fn routers_take_a_new_image_when_all_of_ingest_runs_its_own() {
        assert_eq!(waits(&children(deployment("house-ingest", "old", 2), deployment("house-router", "old", 2))), ["house-router"]);
        assert_eq!(waits(&children(deployment("house-ingest", "new", 1), deployment("house-router", "old", 2))), ["house-router"]);
        assert!(waits(&children(deployment("house-ingest", "new", 2), deployment("house-router", "old", 2))).is_empty());
    }

    #[test]
    fn a_change_that_the_deployment_has_not_taken_in_is_not_complete() {
        let mut ingest = deployment("house-ingest", "new", 2);
        ingest["metadata"]["generation"] = json!(3);
        assert_eq!(waits(&children(ingest, deployment("house-router", "old", 2))), ["house-router"]);
    }

    #[test]
    fn without_a_new_image_nobody_waits() {
        assert!(waits(&children(deployment("house-ingest", "old", 2), deployment("house-router", "new", 0))).is_empty());
        assert!(waits(&Children::default()).is_empty());
    }
}

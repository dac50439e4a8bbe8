//! Story 13: what users of operators complain of most, one test each.
//!
//! Those that another story tells whole are told there: definitions lost on uninstall (`uninstall`), webhooks (there are none), operands that all restart
//! at once (`rolling`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::site::audit::Audit;
use crate::site::commands::kubectl;
use crate::site::house::House;
use crate::site::{SYSTEM, Site, condition, objects, until};

#[tokio::test(flavor = "multi_thread")]
async fn complaint_1_definitions_carry_the_annotation_that_keeps_them() {
    let _site = Site::shared().await;
    let list: Value = serde_json::from_str(&kubectl(&["get", "crd", "-o", "json"]).await).unwrap();
    let ours: Vec<_> = list["items"].as_array().unwrap().iter().filter(|crd| crd["spec"]["group"] == "leadflow.dev").collect();
    assert_eq!(ours.len(), 6);
    for crd in ours {
        assert_eq!(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "{}", crd["metadata"]["name"]);
        assert_eq!(crd["status"]["storedVersions"], json!(["v1alpha1"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_2_no_hot_loop_from_own_status_writes() {
    let house = House::sized(Site::shared().await, "hotloop", 1, 1).await;
    let Some(audit) = Audit::start() else {
        eprintln!("skipped: this cluster's audit log can't be read (LEADFLOW_E2E_AUDIT_LOG)");
        return;
    };
    house.apply(&[objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Ready", "True").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut by_object: BTreeMap<String, usize> = BTreeMap::new();
    for write in audit.writes().into_iter().filter(|write| write.namespace == "hotloop" && write.user.ends_with(":leadflow-operator")) {
        *by_object.entry(write.object).or_default() += 1;
    }
    assert!(!by_object.is_empty(), "the audit log has nothing of the operator: it is not what it should be");
    // An object's status may go through a few steps: waiting, accepted, programmed.
    assert!(by_object.values().all(|count| *count <= 4), "{by_object:#?}");
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_3_pods_may_read_the_secrets_that_rules_name_and_no_other() {
    let house = House::sized(Site::shared().await, "broad", 1, 1).await;
    house.apply(&[objects::secret("somebody-elses", json!({"key": "value"}))]).await;
    for role in ["ingest", "router"] {
        let account = format!("--as=system:serviceaccount:broad:house-{role}");
        let asked = crate::site::commands::try_kubectl(&["-n", "broad", "get", "secret", "somebody-elses", &account], "").await;
        assert!(!asked.status.success());
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_4_other_tenants_secrets_do_not_fill_the_operators_memory() {
    let house = House::sized(Site::alone().await, "tenants", 1, 1).await;
    let memory = async || {
        let mut all = 0.0;
        for pod in house.site.operators().await.keys() {
            let request =
                http::Request::get(format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:9070/proxy/metrics")).body(Vec::new()).unwrap();
            let text = house.site.client.request_text(request).await.unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
            all += line.expect("the operator tells its memory").parse::<f64>().unwrap();
        }
        (all / 1e6, house.site.operators().await)
    };
    let (before, lives) = memory().await;
    let filling = "x".repeat(500_000);
    let many: Vec<_> = (0..60).map(|n| objects::secret(&format!("tenant-{n}"), json!({"filling": filling}))).collect();
    for chunk in many.chunks(4) {
        house.apply(chunk).await;
    }
    house.apply(&[objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Ready", "True").await;
    let (after, lives_after) = memory().await;
    assert_eq!(lives_after, lives, "an operator that began anew says nothing");
    println!("operators' memory: {before:.0} MB, and {after:.0} MB beside 30 MB of other tenants' Secrets");
    assert!(after < before + 15.0, "{before:.0} MB → {after:.0} MB");
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_5_nothing_of_ours_has_a_finalizer() {
    let house = House::sized(Site::shared().await, "finalizers", 1, 1).await;
    let kinds = "leadflow,deployments,services,serviceaccounts,roles,rolebindings,poddisruptionbudgets,networkpolicies,leases";
    let list: Value = serde_json::from_str(&house.kubectl(&["get", kinds, "-o", "json"]).await).unwrap();
    for object in list["items"].as_array().unwrap() {
        assert!(object["metadata"]["finalizers"].is_null(), "{}", object["metadata"]);
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_6_status_alone_says_what_is_wrong() {
    let house = House::empty(Site::shared().await, "nostatus").await;
    house.apply(&objects::rules(1, 1)).await;
    let exchange = until("status says what is missing", async || {
        let exchange = house.get("exchanges", "house").await;
        condition(&exchange, "ResolvedRefs").filter(|(status, ..)| status == "False")
    })
    .await;
    assert!(exchange.1 == "SecretNotFound" && exchange.2.contains("pg-app"), "{exchange:?}");
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_7_a_rotated_secret_of_an_endpoint_is_used_at_once() {
    let house = House::sized(Site::shared().await, "secrets", 1, 1).await;
    let mut endpoint = objects::endpoint("crm", "crm");
    endpoint["spec"]["http"]["auth"] = json!({"bearer": {"tokenFrom": {"secretKeyRef": {"name": "crm", "key": "token"}}}});
    house.apply(&[endpoint]).await;
    let missing = until("a missing Secret is told", async || {
        condition(&house.get("leadendpoints", "crm").await, "ResolvedRefs").filter(|(status, ..)| status == "False")
    })
    .await;
    assert_eq!(missing.1, "SecretNotFound");
    let before = house.lives().await;
    house.apply(&[objects::secret("crm", json!({"token": "one"}))]).await;
    house.says("leadendpoints", "crm", "Ready", "True").await;
    house.post_to("crm").await;
    assert_eq!(house.lives().await, before);
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_8_no_admission_webhook_can_block_the_cluster() {
    let _site = Site::shared().await;
    let hooks = kubectl(&["get", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "-o", "name"]).await;
    assert!(!hooks.contains("leadflow"), "{hooks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_9_the_operator_changes_no_spec_that_a_user_wrote() {
    let house = House::sized(Site::shared().await, "outofsync", 1, 1).await;
    let list: Value = serde_json::from_str(&house.kubectl(&["get", "leadflow", "-o", "json", "--show-managed-fields"]).await).unwrap();
    for object in list["items"].as_array().unwrap() {
        for entry in object["metadata"]["managedFields"].as_array().unwrap() {
            if entry["manager"].as_str().unwrap().starts_with("leadflow") {
                assert_eq!(entry["subresource"], "status", "{}: {entry}", object["metadata"]["name"]);
            }
        }
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn complaint_10_an_upgrade_never_takes_all_pods_of_a_role_at_once() {
    let house = House::sized(Site::shared().await, "staged", 2, 2).await;
    for role in ["ingest", "router"] {
        let deployment = house.get("deployments", &format!("house-{role}")).await;
        assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
        until(&format!("one {role} pod may be disrupted"), async || {
            let budget = house.get("poddisruptionbudgets", &format!("house-{role}")).await;
            (budget["status"]["disruptionsAllowed"] == 1).then_some(())
        })
        .await;
    }
    house.raze().await;
}

//! Story 1: from an empty cluster to a delivered lead, by the chart.

use serde_json::json;

use crate::site::commands::{helm, kubectl, run, try_kubectl};
use crate::site::house::House;
use crate::site::{RELEASE, SYSTEM, Site, objects, until, variable};

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_is_installed_and_its_own_test_passes() {
    let _site = Site::shared().await;
    helm(&["test", RELEASE, "--namespace", SYSTEM, "--timeout", "60s"]).await;
    let pods = kubectl(&["--namespace", SYSTEM, "get", "pods", "-l", "app.kubernetes.io/component=operator", "-o", "name"]).await;
    assert_eq!(pods.lines().count(), 2, "{pods}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_run_and_a_lead_posted_through_the_service_is_delivered() {
    let house = House::empty(Site::shared().await, "samples").await;
    house.apply(&objects::postgres(&house.site.postgres_image)).await;
    house.apply(&objects::crm("crm", &house.site.image)).await;
    house.kubectl(&["apply", "--server-side", "-f", "config/samples"]).await;
    // The samples deliver to example.com, which nobody has: here it is the CRM of this namespace.
    let crm = json!({"spec": {"http": {"url": "http://crm:8090/api/v1/leads"}}}).to_string();
    house.kubectl(&["patch", "lep", "crm", "--type=merge", "-p", &crm]).await;
    let addresses = json!({"spec": {"delivery": {"allowAddresses": ["10.0.0.0/8"]}}}).to_string();
    house.kubectl(&["patch", "lex", "brokerage", "--type=merge", "-p", &addresses]).await;
    house.ready().await;
    let lead = json!({
        "contact": {"email": "jane@example.com", "phone": "+13105550123", "first_name": "Jane"},
        "property_interest": {"type": "BUYER", "location_zip": "90210", "price_max": 900_000},
    });
    let key = Some("sample-key-of-the-website-form");
    let path = "/v1/sources/website-form/leads";
    let (status, body) = house.site.ask("POST", &house.namespace, "brokerage-ingest:http", path, key, &lead.to_string()).await;
    assert!((200..300).contains(&status), "{status} {body}");
    house.delivers(1).await;
    let shown = house.kubectl(&["get", "leadflow"]).await;
    for name in ["brokerage", "website-form", "sarah-lee", "acme-solar", "crm", "residential"] {
        assert!(shown.contains(name), "{name} is missing in\n{shown}");
    }
    house.raze().await;
}

/// What NOTES.txt prints between these lines is meant to be pasted.
#[tokio::test(flavor = "multi_thread")]
async fn the_notes_commands_work_as_printed() {
    let site = Site::shared().await;
    try_kubectl(&["delete", "namespace", "hello-leads", "--ignore-not-found", "--timeout=180s"], "").await;
    let notes = helm(&["get", "notes", RELEASE, "--namespace", SYSTEM]).await;
    let commands: Vec<_> = notes.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(commands.len() >= 3, "{notes}");
    let script = commands.join("\n");
    // By the path, not by a function: what runs behind must be the program itself, to be ended by its number.
    let program = variable("LEADFLOW_TEST_KUBECTL", "kubectl");
    let folder = program.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let script = format!("set -euo pipefail\nPATH='{folder}':\"$PATH\"\n{script}\n");
    let output = run("bash", &["-c", &script], "").await;
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{script}\n{out}{err}");
    assert!(out.contains("Delivered") || out.contains("accepted"), "{script}\n{out}{err}");
    kubectl(&["delete", "namespace", "hello-leads", "--wait=false"]).await;
    drop(site);
}

/// A house whose store is a file on a volume: one pod, and no database.
#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_store_needs_no_database_and_keeps_its_leads_over_a_restart() {
    let house = House::empty(Site::shared().await, "embedded").await;
    let mut rules = objects::rules(1, 1);
    rules.extend(objects::crm("crm", &house.site.image));
    for object in &mut rules {
        if object["kind"] == "Exchange" {
            object["spec"]["store"] = json!({"embedded": {"storage": "100Mi"}});
        }
    }
    house.apply(&rules).await;
    house.ready().await;
    let first = house.post().await;
    house.delivers(1).await;
    house.kubectl(&["delete", "pod", "-l", "app.kubernetes.io/instance=house", "--wait"]).await;
    house.ready().await;
    let lead = until("the first lead is still known", async || {
        let path = format!("/v1/sources/form/leads/{first}");
        let (status, body) = house.site.ask("GET", &house.namespace, "house-ingest:http", &path, Some("form-key"), "").await;
        (status == 200).then_some(body)
    })
    .await;
    assert!(lead.contains("Delivered"), "{lead}");
    house.raze().await;
}

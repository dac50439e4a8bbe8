//! `kubectl leadflow` on real pods, which it reaches through the API server.

use serde_json::{Value, json};

use crate::site::Site;
use crate::site::commands::run;
use crate::site::house::House;

const NAMESPACE: &str = "plugin";

/// What the plugin prints when all is well.
async fn leadflow(line: &str) -> String {
    let mut words: Vec<_> = line.split(' ').collect();
    words.extend(["--namespace", NAMESPACE]);
    let output = run(env!("CARGO_BIN_EXE_leadflow"), &words, "").await;
    assert!(output.status.success(), "{line}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_reaches_pods_through_the_api_server() {
    let house = House::raise(Site::shared().await, NAMESPACE).await;

    let told: Value = serde_json::from_str(&leadflow("send-test form --wait=20 -o json").await).unwrap();
    assert_eq!(told["answer"]["code"], "Delivered", "{told}");
    let lead = told["answer"]["leadId"].as_str().unwrap().to_owned();
    assert!(house.crm("crm").await["ids"].as_array().unwrap().contains(&json!(lead)));

    let told = leadflow(&format!("explain {lead}")).await;
    assert!(told.contains("Delivered to agent/anna"), "{told}");
    assert!(leadflow(&format!("why-not {lead} anna")).await.contains("anna"));
    assert!(leadflow("flowchart all").await.starts_with("flowchart TD\n"));
    assert_eq!(leadflow("release all").await, "0 leads are decided again\n");

    let told: Value = serde_json::from_str(&leadflow("status -o json").await).unwrap();
    let exchange = &told["exchanges"][0];
    assert_eq!((exchange["standing"]["state"].as_str(), exchange["notes"].as_array().map(Vec::len)), (Some("Ready"), Some(0)), "{told:#}");
    assert!(exchange["queue"]["depth"].is_number() && exchange["operator"]["leader"].is_string(), "{told:#}");

    leadflow("circuit pause crm").await;
    let told: Value = serde_json::from_str(&leadflow("circuit show crm -o json").await).unwrap();
    assert_eq!((told["endpoints"][0]["mode"].as_str(), told["notes"].as_array().map(Vec::len)), (Some("Paused"), Some(0)), "{told:#}");
    assert_eq!(told["endpoints"][0]["routers"].as_object().map(serde_json::Map::len), Some(2), "{told:#}");
    let before = house.delivered().await;
    house.post().await;
    assert_eq!(house.delivered().await, before, "nothing is sent to a paused endpoint");
    leadflow("circuit auto crm").await;
    house.delivers(before + 1).await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.tar.gz");
    let told: Value = serde_json::from_str(&leadflow(&format!("report -o json --to {}", file.display())).await).unwrap();
    let files: Vec<_> = told["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect();
    for pod in [house.pods("ingest").await, house.pods("router").await].concat() {
        assert!(
            files.iter().any(|file| file.starts_with(&format!("logs/{NAMESPACE}/{}/", pod.name))),
            "no log of {} in {files:?}",
            pod.name
        );
        assert!(files.contains(&format!("metrics/{NAMESPACE}/{}.txt", pod.name)), "no metrics of {} in {files:?}", pod.name);
    }
    let text = run("tar", &["-xzOf", file.to_str().unwrap()], "").await.stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("form-key\n") && !text.contains("Zm9ybS1rZXk"), "no key is in the report");
    house.raze().await;
}

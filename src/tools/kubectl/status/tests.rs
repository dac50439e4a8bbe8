use serde_json::Value;

use super::*;
use crate::flow::ports::StillClock;
use crate::settings::ClusterAccess;
use crate::tools::kubectl::house::{House, NAMESPACE, troubled};

fn clock() -> StillClock {
    StillClock::at("2026-11-22T08:00:00Z".parse().unwrap())
}

fn settings(output: Output) -> StatusSettings {
    StatusSettings {
        exchange: None,
        all_namespaces: false,
        watch: None,
        operator_namespace: "leadflow-system".to_owned(),
        cluster: ClusterAccess::default(),
        output,
    }
}

async fn screen(house: &House, output: Output, paint: Paint) -> String {
    let mut out = Vec::new();
    write(&house.cluster(), &settings(output), &clock(), paint, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn one_screen_tells_what_is_wrong_and_where() {
    let screen = screen(&troubled(), Output::Text, Paint::Plain).await;
    assert!(screen.lines().all(|line| line.chars().count() <= 100), "{screen}");
    insta::assert_snapshot!(screen);
}

#[tokio::test]
async fn colours_are_for_terminals() {
    assert!(!screen(&troubled(), Output::Text, Paint::Plain).await.contains('\u{1b}'));
    assert!(screen(&troubled(), Output::Text, Paint::Colours).await.contains("\u{1b}[31mNotReady\u{1b}[0m"));
}

#[tokio::test]
async fn programs_get_the_same_as_json() {
    let told: Value = serde_json::from_str(&screen(&troubled(), Output::Json, Paint::Plain).await).unwrap();
    let exchange = &told["exchanges"][0];
    assert_eq!((exchange["exchange"].as_str(), exchange["standing"]["state"].as_str()), (Some("brokerage"), Some("Pending")));
    assert_eq!(exchange["endpoints"][1]["routers"]["router-1"], "tripped");
    assert_eq!(exchange["agents"]["others"][0]["standing"]["reason"], "Invalid");
    assert_eq!(exchange["queue"]["depth"], 3.0);
}

#[tokio::test]
async fn what_may_not_be_read_is_a_note_and_no_end() {
    let house = troubled();
    house.refuse(&format!("/api/v1/namespaces/{NAMESPACE}/pods"), 403, r#"pods is forbidden: User "eve" cannot list resource "pods""#);
    house.refuse("/apis/coordination.k8s.io/v1/namespaces/leadflow-system/leases/leadflow-operator", 403, "no");
    let screen = screen(&house, Output::Text, Paint::Plain).await;
    assert!(screen.contains(r#"! pods can't be listed: pods is forbidden: User "eve" cannot list resource "pods""#), "{screen}");
    assert!(screen.contains("can't be read: forbidden"), "{screen}");
    assert!(screen.contains("slow-crm    Ready  tripped"), "status tells of circuits without pods: {screen}");
}

#[tokio::test]
async fn an_empty_namespace_is_told_by_name() {
    let house = House::default();
    house.ours("exchanges", json!([]));
    let error = views(&house.cluster(), &settings(Output::Text), &clock()).await.unwrap_err().to_string();
    assert_eq!(error, "there is no Exchange in namespace sales; give the right one by -n");
}

#[tokio::test]
async fn a_cluster_without_any_exchange_is_told_without_advice_that_all_namespaces_rule_out() {
    let house = House::default();
    house.put("/apis/leadflow.dev/v1alpha1/exchanges", json!({"metadata": {}, "items": []}));
    let everywhere = StatusSettings { all_namespaces: true, ..settings(Output::Text) };
    let error = views(&house.cluster(), &everywhere, &clock()).await.unwrap_err().to_string();
    assert_eq!(error, "there is no Exchange in any namespace");
}

#[tokio::test]
async fn who_is_not_known_is_not_told_of_rights() {
    let house = House::default();
    house.refuse("/apis/leadflow.dev/v1alpha1/namespaces/sales/exchanges", 401, "Unauthorized");
    let error = views(&house.cluster(), &settings(Output::Text), &clock()).await.unwrap_err().to_string();
    assert_eq!(error, "the API server does not know who you are (Unauthorized); log in again, or choose another user by --context");
}

#[tokio::test]
async fn pods_with_different_rules_and_a_leader_who_is_gone_are_told() {
    let house = troubled();
    let other = "leadflow_rules_info{digest=\"0000aaaa\"} 1\nleadflow_rules_fresh 0\n";
    house.answer(&format!("/api/v1/namespaces/{NAMESPACE}/pods/http:router-2:9090/proxy/metrics"), 200, other);
    let lease = json!({"metadata": {"name": "leadflow-operator"}, "spec": {"holderIdentity": "op-1", "leaseDurationSeconds": 15, "renewTime": "2026-11-22T07:50:00.000000Z"}});
    house.put("/apis/coordination.k8s.io/v1/namespaces/leadflow-system/leases/leadflow-operator", lease);
    let screen = screen(&house, Output::Text, Paint::Plain).await;
    assert!(screen.contains("pods run different rules: 0000aaaa in router-2; 3f2a55d0c1e2 in ingest-1, router-1"), "{screen}");
    assert!(screen.contains("pod router-2 can't watch the API server"), "{screen}");
    assert!(screen.contains("op-1 led last, and has not renewed the Lease"), "{screen}");
}

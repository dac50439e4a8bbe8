use super::*;
use crate::flow::ports::StillClock;
use crate::settings::ClusterAccess;
use crate::tools::kubectl::house::{House, READY, object, troubled};

async fn shown(house: &House, endpoint: Option<&str>, output: Output) -> Result<String, CircuitError> {
    let show = CircuitShow { endpoint: endpoint.map(str::to_owned), cluster: ClusterAccess::default(), output };
    let clock = StillClock::at("2026-11-22T08:00:00Z".parse().unwrap());
    let mut out = Vec::new();
    super::show(&house.cluster(), &show, &clock, Paint::Plain, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn every_router_and_status_are_heard() {
    insta::assert_snapshot!(shown(&troubled(), None, Output::Text).await.unwrap());
}

#[tokio::test]
async fn one_endpoint_is_shown_for_programs() {
    let told: Value = serde_json::from_str(&shown(&troubled(), Some("slow-crm"), Output::Json).await.unwrap()).unwrap();
    assert_eq!(told["endpoints"][0]["routers"], json!({"router-1": "tripped", "router-2": "?"}));
    assert_eq!(told["endpoints"][0]["status"]["state"], "Tripped");
    assert!(told["notes"][0].as_str().unwrap().starts_with("pod router-2 can't be asked"));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_not_made() {
    let house = troubled();
    assert!(shown(&house, Some("crn"), Output::Text).await.unwrap_err().to_string().contains("not found"));
    assert!(changed(&house, "crn", CircuitMode::Paused, 0).await.unwrap_err().to_string().contains("not found"));
    assert!(house.asked().iter().all(|asked| asked.line.starts_with("GET ")));
}

async fn changed(house: &House, endpoint: &str, mode: CircuitMode, wait: u32) -> Result<String, CircuitError> {
    let change = CircuitChange { endpoint: endpoint.to_owned(), wait, cluster: ClusterAccess::default(), output: Output::Text };
    let mut out = Vec::new();
    change_in(&house.cluster(), &change, mode, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

const PATH: &str = "/apis/leadflow.dev/v1alpha1/namespaces/sales/leadendpoints/crm";

/// An endpoint that is as it is whatever is applied, with a word of routers, and a manager of manifests.
fn endpoint(mode: &str, available: &str) -> Value {
    let conditions = [READY, &[("Available", "True", available, "")]].concat();
    let mut endpoint = object("crm", json!({"circuit": mode}), &conditions);
    endpoint["metadata"]["managedFields"] = json!([{"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:circuit": {}}}}, {"manager": "kubectl-leadflow", "fieldsV1": {"f:spec": {"f:circuit": {}}}}]);
    endpoint
}

#[tokio::test]
async fn an_override_is_applied_as_one_field_and_others_who_set_it_are_told() {
    let house = House::default();
    house.put(PATH, endpoint("Paused", "CircuitPaused"));
    let told = changed(&house, "crm", CircuitMode::Paused, 5).await.unwrap();
    assert_eq!(
        told,
        "Endpoint crm: spec.circuit is Paused (was Paused)\n  \
         argocd-controller sets spec.circuit, too: what applies its manifests may undo this; change it there, too\n\
         every router goes by it\n"
    );
    let patch = house.asked().into_iter().find(|asked| asked.line.starts_with("PATCH ")).unwrap();
    assert_eq!(patch.line, format!("PATCH {PATH}?fieldManager=kubectl-leadflow&force=true&fieldValidation=Strict"));
    assert_eq!(patch.headers["content-type"], "application/apply-patch+yaml");
    let expected =
        json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "metadata": {"name": "crm"}, "spec": {"circuit": "Paused"}});
    assert_eq!(serde_json::from_str::<Value>(&patch.body).unwrap(), expected);
}

#[tokio::test]
async fn auto_gives_the_field_back_and_takes_it_only_from_those_who_hold_another_value() {
    let patches = async |mode: &str| {
        let house = House::default();
        house.put(PATH, endpoint(mode, "CircuitServing"));
        changed(&house, "crm", CircuitMode::Auto, 0).await.unwrap();
        let patches = house.asked().into_iter().filter(|asked| asked.line.starts_with("PATCH "));
        patches.map(|patch| serde_json::from_str::<Value>(&patch.body).unwrap()["spec"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(patches("Auto").await, [Value::Null]);
    assert_eq!(patches("Paused").await, [Value::Null, json!({"circuit": "Auto"})]);
}

#[tokio::test(start_paused = true)]
async fn routers_that_do_not_follow_are_told_in_the_end() {
    let house = House::default();
    house.put(PATH, endpoint("Paused", "CircuitServing"));
    let error = changed(&house, "crm", CircuitMode::Paused, 5).await.unwrap_err().to_string();
    assert_eq!(error, "spec.circuit of Endpoint crm is Paused, but after 5 s not every router goes by it: Available says CircuitServing");
}

#[test]
fn status_of_an_older_generation_says_nothing_yet() {
    let mut endpoint = endpoint("Paused", "CircuitPaused");
    assert_eq!(missing(&endpoint, 1, "Paused"), None);
    assert_eq!(missing(&endpoint, 2, "Paused").as_deref(), Some("the operator has not looked at the change"));
    endpoint["status"]["conditions"] =
        json!([{"type": "Programmed", "status": "False", "message": "1 of 2 pods", "observedGeneration": 2}]);
    assert_eq!(missing(&endpoint, 2, "Paused").as_deref(), Some("Programmed is False, 1 of 2 pods"));
}

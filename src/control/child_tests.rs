use serde_json::json;

use super::*;

const EXCHANGE: &str = "uid-house";

fn id() -> ChildId {
    ChildId { namespace: "sales".into(), kind: ChildKind::Service, name: "house-ingest".into() }
}

fn wanted() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "house-ingest", "namespace": "sales", "ownerReferences": [{"uid": EXCHANGE, "controller": true, "apiVersion": "a/v1", "kind": "Exchange", "name": "house"}]},
        "spec": {"ports": [{"name": "http", "port": 80}]},
    })
}

/// What the API server makes of what is sent, changed at one place.
fn live(wanted: &Value, version: &str, pointer: &str, value: Value) -> DynamicObject {
    let mut object = with_fingerprint(wanted);
    object["metadata"]["resourceVersion"] = json!(version);
    object["metadata"]["uid"] = json!("uid-service");
    object["spec"]["clusterIP"] = json!("10.96.0.1");
    object["spec"]["ports"][0]["protocol"] = json!("TCP");
    if let Some(place) = object.pointer_mut(pointer).filter(|_| !pointer.is_empty()) {
        *place = value;
    }
    serde_json::from_value(object).unwrap()
}

fn need(live: DynamicObject) -> Need {
    let mut children = Children::default();
    children.put(id(), live);
    children.need(&id(), &wanted(), EXCHANGE)
}

#[test]
fn what_is_not_there_is_created() {
    assert_eq!(Children::default().need(&id(), &wanted(), EXCHANGE), Need::Create);
}

#[test]
fn what_is_as_wanted_needs_nothing_whatever_the_server_added() {
    assert_eq!(need(live(&wanted(), "1", "", json!(null))), Need::Nothing);
    let mut of_a_list = live(&wanted(), "1", "", json!(null));
    of_a_list.types = None;
    assert_eq!(need(of_a_list), Need::Nothing);
}

#[test]
fn what_somebody_changed_is_mended() {
    assert_eq!(need(live(&wanted(), "1", "/spec/ports/0/port", json!(81))), Need::Mend);
    assert_eq!(need(live(&wanted(), "1", "/spec/ports", json!([]))), Need::Mend);
}

#[test]
fn what_is_wanted_no_more_is_taken_away() {
    let mut before = wanted();
    before["spec"]["sessionAffinity"] = json!("ClientIP");
    assert_eq!(need(live(&before, "1", "", json!(null))), Need::Mend);
}

#[test]
fn what_belongs_to_a_deleted_exchange_is_waited_for() {
    assert_eq!(need(live(&wanted(), "1", "/metadata/ownerReferences/0/uid", json!("uid-before"))), Need::Wait);
}

#[test]
fn nobody_is_fought_who_changes_every_write() {
    let mut children = Children::default();
    let changed = live(&wanted(), "1", "/spec/ports/0/port", json!(81));
    children.written(&id(), &wanted(), changed);
    assert_eq!(children.need(&id(), &wanted(), EXCHANGE), Need::Nothing);
    children.put(id(), live(&wanted(), "2", "/spec/ports/0/port", json!(82)));
    assert_eq!(children.need(&id(), &wanted(), EXCHANGE), Need::Mend, "another change");
}

#[test]
fn an_older_event_does_not_undo_what_was_written() {
    let mut children = Children::default();
    children.written(&id(), &wanted(), live(&wanted(), "5", "", json!(null)));
    children.put(id(), live(&wanted(), "4", "/spec/ports/0/port", json!(81)));
    assert_eq!(children.need(&id(), &wanted(), EXCHANGE), Need::Nothing);
}

#[test]
fn only_what_an_exchange_owns_is_its_own() {
    let mut children = Children::default();
    children.put(id(), live(&wanted(), "1", "", json!(null)));
    assert_eq!(children.owned("sales", EXCHANGE).len(), 1);
    assert!(children.owned("sales", "uid-other").is_empty());
    assert!(children.owned("elsewhere", EXCHANGE).is_empty());
}

#[test]
fn components_are_counted_from_deployments() {
    let mut children = Children::default();
    let deployment: DynamicObject = serde_json::from_value(json!({
        "metadata": {"name": "house-router", "namespace": "sales", "ownerReferences": wanted()["metadata"]["ownerReferences"]},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": "leadflow:1"}]}}},
        "status": {"readyReplicas": 1, "updatedReplicas": 2},
    }))
    .unwrap();
    let router = ChildId { namespace: "sales".into(), kind: ChildKind::Deployment, name: "house-router".into() };
    children.put(router, deployment);
    let router = Component {
        name: "router".into(),
        ready: 1,
        desired: 3,
        updated: 2,
        summary: "1/3".into(),
        version: "leadflow:1".into(),
        ..Component::default()
    };
    assert_eq!(children.components("sales", "house", EXCHANGE), [router]);
}

#[test]
fn a_kind_that_is_not_served_is_complete_without_objects_until_it_comes() {
    let watch = Watched { kind: ChildKind::HttpRoute, part: None };
    let mut children = Children::default();
    assert!(!children.complete(std::slice::from_ref(&watch)));
    assert!(children.unserved(&watch), "news");
    assert!(!children.unserved(&watch), "no news");
    assert!(children.complete(std::slice::from_ref(&watch)));
    assert_eq!(children.lacking("sales"), BTreeSet::from([ChildKind::HttpRoute]));
    children.listed(&watch, &BTreeSet::new());
    assert!(children.lacking("sales").is_empty());
}

#[test]
fn a_kind_that_one_namespace_does_not_show_is_there_in_the_others() {
    let [sales, rentals] = ["sales", "rentals"].map(|part| Watched { kind: ChildKind::HttpRoute, part: Some(part.to_owned()) });
    let mut children = Children::default();
    let route = ChildId { namespace: "rentals".into(), kind: ChildKind::HttpRoute, name: "house-ingest".into() };
    children.put(route.clone(), DynamicObject::new("house-ingest", &ChildKind::HttpRoute.resource()));
    children.listed(&rentals, &BTreeSet::from([("rentals".to_owned(), "house-ingest".to_owned())]));
    children.unserved(&sales);
    assert!(children.lacking("rentals").is_empty() && children.live(&route).is_some());
    children.listed(&rentals, &BTreeSet::from([("rentals".to_owned(), "house-ingest".to_owned())]));
    assert_eq!(children.lacking("sales"), BTreeSet::from([ChildKind::HttpRoute]), "a list of another namespace is no news of this one");
}

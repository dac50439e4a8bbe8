use serde_json::{Value, json};

use super::*;
use crate::api::{Agent, Endpoint};
use crate::cluster::rule::RuleKind;

fn watch(kind: Kind) -> WatchId {
    WatchId { kind, part: Some("sales".to_owned()) }
}

fn item<K: RuleKind + serde::de::DeserializeOwned>(kind: &str, name: &str, metadata: Value, spec: Value, status: Value) -> Item {
    let mut all = json!({"name": name, "namespace": "sales", "uid": format!("uid-{name}")});
    all.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    let object: K = serde_json::from_value(
        json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": kind, "metadata": all, "spec": spec, "status": status}),
    )
    .unwrap();
    let metadata = object.meta().clone();
    let (rule, seen) = object.split();
    Item { namespace: "sales".into(), name: name.into(), metadata, content: Content::Rule { rule, seen: Box::new(seen) } }
}

fn agent(name: &str, generation: i64, version: &str) -> Item {
    item::<Agent>("Agent", name, json!({"generation": generation, "resourceVersion": version}), json!({"deliverTo": "crm"}), json!({}))
}

fn endpoint(version: &str, status: Value) -> Item {
    let spec = json!({"http": {"url": "https://crm.example.com"}});
    item::<Endpoint>("Endpoint", "crm", json!({"generation": 1, "resourceVersion": version}), spec, status)
}

fn tripped(by: &str) -> Value {
    json!({"circuit": {"state": "Tripped", "reason": "FailureRate", "since": "2026-11-22T00:00:00Z", "reportedBy": by}})
}

fn agents(index: &Index) -> Vec<String> {
    index.namespace("sales").objects.agents.keys().cloned().collect()
}

fn listed(index: &mut Index, kind: Kind, items: Vec<Item>) -> Change {
    index.take(&watch(kind), Event::Begin);
    for item in items {
        index.take(&watch(kind), Event::Listed(item));
    }
    index.take(&watch(kind), Event::Complete)
}

#[test]
fn is_complete_when_every_first_list_was() {
    let mut index = Index::new([watch(Kind::Agent), watch(Kind::Endpoint)]);
    listed(&mut index, Kind::Agent, vec![]);
    assert!(!index.complete());
    listed(&mut index, Kind::Endpoint, vec![]);
    assert!(index.complete());
    index.take(&watch(Kind::Agent), Event::Begin);
    assert!(index.complete(), "a list that is read again makes nothing incomplete");
}

#[test]
fn a_new_list_drops_what_is_not_in_it() {
    let mut index = Index::new([watch(Kind::Agent)]);
    listed(&mut index, Kind::Agent, vec![agent("sarah", 1, "1"), agent("tom", 1, "2")]);
    assert_eq!(agents(&index), ["sarah", "tom"]);
    let change = listed(&mut index, Kind::Agent, vec![agent("tom", 1, "2")]);
    assert_eq!(agents(&index), ["tom"]);
    assert_eq!(change.rules, BTreeSet::from(["sales".to_owned()]));
}

#[test]
fn only_another_generation_uid_or_label_changes_rules() {
    let mut index = Index::new([watch(Kind::Agent)]);
    listed(&mut index, Kind::Agent, vec![agent("sarah", 1, "1")]);
    let mut rules = |item| !index.take(&watch(Kind::Agent), Event::Changed(item)).rules.is_empty();
    assert!(!rules(agent("sarah", 1, "2")), "nothing but the version");
    assert!(rules(agent("sarah", 2, "3")), "another generation");
    let spec = json!({"deliverTo": "crm"});
    let labelled = json!({"generation": 2, "resourceVersion": "4", "labels": {"team": "west"}});
    assert!(rules(item::<Agent>("Agent", "sarah", labelled, spec.clone(), json!({}))), "a label, which selectors see");
    let other = json!({"generation": 2, "resourceVersion": "5", "labels": {"team": "west"}, "uid": "another"});
    assert!(rules(item::<Agent>("Agent", "sarah", other, spec, json!({}))), "another object of the same name");
}

#[test]
fn a_circuit_is_told_once_and_changes_no_rules() {
    let mut index = Index::new([watch(Kind::Endpoint)]);
    listed(&mut index, Kind::Endpoint, vec![endpoint("1", json!({}))]);
    let change = index.take(&watch(Kind::Endpoint), Event::Changed(endpoint("2", tripped("router-1"))));
    assert!(change.rules.is_empty());
    assert_eq!(change.circuits.len(), 1);
    assert_eq!((change.circuits[0].1.as_str(), change.circuits[0].2.reported_by.as_str()), ("crm", "router-1"));
    let again = index.take(&watch(Kind::Endpoint), Event::Changed(endpoint("3", tripped("router-1"))));
    assert!(again.circuits.is_empty());
    assert!(index.namespace("sales").objects.endpoints["crm"].status.is_none(), "rules have no status");
}

#[test]
fn a_circuit_that_was_there_before_us_is_told() {
    let mut index = Index::new([watch(Kind::Endpoint)]);
    index.take(&watch(Kind::Endpoint), Event::Begin);
    let change = index.take(&watch(Kind::Endpoint), Event::Listed(endpoint("1", tripped("router-1"))));
    assert_eq!(change.circuits.len(), 1);
}

#[test]
fn an_object_that_can_not_be_decoded_is_left_out_until_it_can() {
    let mut index = Index::new([watch(Kind::Agent)]);
    listed(&mut index, Kind::Agent, vec![agent("sarah", 1, "1"), agent("tom", 1, "1")]);
    let broken = |version: &str| {
        let metadata = ObjectMeta { resource_version: Some(version.to_owned()), ..ObjectMeta::default() };
        let content = Content::Undecodable { problem: "missing field `deliverTo`".to_owned() };
        Event::Changed(Item { namespace: "sales".into(), name: "sarah".into(), metadata, content })
    };
    assert!(!index.take(&watch(Kind::Agent), broken("2")).rules.is_empty());
    assert_eq!(agents(&index), ["tom"]);
    assert_eq!(index.namespace("sales").undecodable.len(), 1);
    assert!(index.take(&watch(Kind::Agent), broken("3")).rules.is_empty(), "the same problem is no news");
    assert!(!index.take(&watch(Kind::Agent), Event::Changed(agent("sarah", 1, "4"))).rules.is_empty());
    assert_eq!(agents(&index), ["sarah", "tom"]);
    assert!(index.namespace("sales").undecodable.is_empty());
}

#[test]
fn of_an_object_that_can_not_be_decoded_the_status_stays_known_as_it_was_written() {
    let mut index = Index::new([watch(Kind::Agent)]);
    let broken = |uid: &str, version: &str| {
        let metadata = ObjectMeta {
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_owned()),
            generation: Some(2),
            ..ObjectMeta::default()
        };
        let content = Content::Undecodable { problem: "missing field `deliverTo`".to_owned() };
        Event::Changed(Item { namespace: "sales".into(), name: "sarah".into(), metadata, content })
    };
    let sarah = ObjectRef { kind: Kind::Agent, name: "sarah".into() };
    index.take(&watch(Kind::Agent), broken("uid-sarah", "1"));
    let written =
        Seen { uid: "uid-sarah".into(), resource_version: 9, generation: Some(2), observed_generation: Some(2), ..Seen::default() };
    index.written("sales", &sarah, written.clone());
    index.take(&watch(Kind::Agent), broken("uid-sarah", "9"));
    assert_eq!(index.seen("sales", &sarah), Some(&written), "the event of our own write takes nothing away");
    index.take(&watch(Kind::Agent), broken("uid-sarah", "5"));
    assert_eq!(index.seen("sales", &sarah), Some(&written), "nor does an older one");
    index.take(&watch(Kind::Agent), broken("uid-other", "12"));
    assert_eq!(index.seen("sales", &sarah).unwrap().observed_generation, None, "another object of the same name has its own status");
}

#[test]
fn a_status_that_was_just_written_is_not_undone_by_an_older_event() {
    let mut index = Index::new([watch(Kind::Agent)]);
    listed(&mut index, Kind::Agent, vec![agent("sarah", 1, "1")]);
    let sarah = ObjectRef { kind: Kind::Agent, name: "sarah".into() };
    let written = Seen { uid: "uid-sarah".into(), resource_version: 9, observed_generation: Some(1), ..Seen::default() };
    index.written("sales", &sarah, written.clone());
    index.take(&watch(Kind::Agent), Event::Changed(agent("sarah", 1, "5")));
    assert_eq!(index.seen("sales", &sarah), Some(&written));
    index.take(&watch(Kind::Agent), Event::Changed(agent("sarah", 1, "10")));
    assert_eq!(index.seen("sales", &sarah).unwrap().resource_version, 10);
}

#[test]
fn a_namespace_without_objects_is_forgotten() {
    let mut index = Index::new([watch(Kind::Agent)]);
    listed(&mut index, Kind::Agent, vec![agent("sarah", 1, "1")]);
    let change = index.take(&watch(Kind::Agent), Event::Gone { namespace: "sales".into(), name: "sarah".into() });
    assert!(change.rules.contains("sales"));
    assert!(index.namespace("sales").objects.is_empty() && index.namespace("sales").seen.is_empty());
}

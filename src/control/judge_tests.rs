use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::control::Compiled;
use crate::table::{Kind, Problem};

fn space(store: serde_json::Value) -> Namespace {
    let mut space = Namespace::default();
    let exchange = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange", "metadata": {"name": "house"},
        "spec": {"store": store, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}}},
    });
    space.objects.exchanges.insert("house".into(), Arc::new(serde_json::from_value(exchange).unwrap()));
    space
}

fn postgresql() -> serde_json::Value {
    json!({"postgresql": {"urlFrom": {"secretKeyRef": {"name": "pg", "key": "uri"}}}})
}

fn nothing(_: &Objects) -> Compiled {
    Compiled::default()
}

fn sarah() -> ObjectRef {
    ObjectRef { kind: Kind::Agent, name: "sarah".into() }
}

#[test]
fn a_dangling_reference_is_no_rejection() {
    let compile = |_: &Objects| Compiled {
        rejected: vec![(sarah(), Problem::new("spec.deliverTo", "no such Endpoint"), Reason::EndpointNotFound)],
        ..Compiled::default()
    };
    assert!(judge(space(postgresql()), compile).rejected.is_empty());
}

#[test]
fn all_problems_of_an_object_are_told() {
    let compile = |_: &Objects| Compiled {
        rejected: vec![
            (sarah(), Problem::new("spec.when", "is no condition"), Reason::Invalid),
            (sarah(), Problem::new("spec.timeZone", "is no time zone"), Reason::Invalid),
        ],
        ..Compiled::default()
    };
    let message = &judge(space(postgresql()), compile).rejected[&sarah()].message;
    assert_eq!(message, "spec.when: is no condition; spec.timeZone: is no time zone");
}

#[test]
fn an_object_that_can_not_be_decoded_is_told_of_too() {
    let mut space = space(postgresql());
    space.undecodable.insert(sarah(), "missing field `deliverTo`".into());
    let judged = judge(space, nothing);
    assert_eq!(judged.rejected[&sarah()].reason, Reason::Invalid);
    assert!(judged.names().contains(&sarah()));
}

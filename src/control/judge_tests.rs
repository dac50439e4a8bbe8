use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::cluster::index::Undecodable;
use crate::control::Compiled;
use crate::table::{Kind, Problem, Rejected};

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

fn refused(problem: Problem, reason: Reason) -> Rejected {
    Rejected { object: sarah(), problem, reason }
}

/// Judges without a memory.
fn judge(space: Namespace, compile: Compile) -> Judged {
    super::judge(space, &mut LastGood::default(), &Records::default(), compile)
}

fn sarah() -> ObjectRef {
    ObjectRef { kind: Kind::Agent, name: "sarah".into() }
}

#[test]
fn a_dangling_reference_is_no_rejection() {
    let compile = |_: &Objects| Compiled {
        rejected: vec![refused(Problem::new("spec.deliverTo", "no such Endpoint"), Reason::EndpointNotFound)],
        ..Compiled::default()
    };
    assert!(judge(space(postgresql()), compile).rejected.is_empty());
}

#[test]
fn all_problems_of_an_object_are_told() {
    let compile = |_: &Objects| Compiled {
        rejected: vec![
            refused(Problem::new("spec.when", "is no condition"), Reason::Invalid),
            refused(Problem::new("spec.timeZone", "is no time zone"), Reason::Invalid),
        ],
        ..Compiled::default()
    };
    let message = &judge(space(postgresql()), compile).rejected[&sarah()].message;
    assert_eq!(message, "spec.when: is no condition; spec.timeZone: is no time zone");
}

#[test]
fn an_object_that_can_not_be_decoded_is_told_of_too() {
    let mut space = space(postgresql());
    space.undecodable.insert(sarah(), Undecodable { uid: "u".into(), problem: "missing field `deliverTo`".into() });
    let judged = judge(space, nothing);
    assert_eq!(judged.rejected[&sarah()].reason, Reason::Invalid);
    assert!(judged.names().contains(&sarah()));
}

#[test]
fn of_a_broken_object_it_is_told_which_generation_runs() {
    let sarah_as = |generation: i64| {
        let mut space = space(postgresql());
        let agent = json!({
            "apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": "sarah", "uid": "u", "generation": generation},
            "spec": {"deliverTo": "crm"},
        });
        space.objects.agents.insert("sarah".into(), Arc::new(serde_json::from_value(agent).unwrap()));
        space
    };
    let compile = |objects: &Objects| Compiled {
        rejected: (objects.agents["sarah"].metadata.generation == Some(5))
            .then(|| refused(Problem::new("spec.when", "is no condition"), Reason::Invalid))
            .into_iter()
            .collect(),
        ..Compiled::default()
    };
    let mut last_good = LastGood::default();
    super::judge(sarah_as(4), &mut last_good, &Records::default(), compile);
    let judged = super::judge(sarah_as(5), &mut last_good, &Records::default(), compile);
    assert_eq!(judged.rejected[&sarah()].message, "Fall Back: generation 4 keeps running; spec.when: is no condition");
    assert_eq!(judged.objects.agents["sarah"].metadata.generation, Some(4));
    assert_eq!(judged.given.agents["sarah"].metadata.generation, Some(5));
    assert!(judged.rejected_names().is_empty() && judged.left_out(&sarah()).is_none(), "it is in the rules");
}

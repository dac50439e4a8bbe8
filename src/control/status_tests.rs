use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::condition::{ConditionType, Reason};
use crate::api::exchange::Component;
use crate::table::Kind;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn object() -> ObjectRef {
    ObjectRef { kind: Kind::Endpoint, name: "crm".into() }
}

fn accepted(status: bool) -> Vec<Wanted> {
    vec![Wanted { kind: ConditionType::Accepted, status, reason: Reason::Accepted, message: "valid".into() }]
}

/// What is seen after a write.
fn after(write: &Write, seen: &Seen) -> Seen {
    let fields = Fields::deserialize(&write.status).unwrap();
    let conditions = fields.conditions;
    Seen { observed_generation: fields.observed_generation, conditions, told: fields.told, ..seen.clone() }
}

fn fresh() -> Seen {
    Seen { uid: "u".into(), generation: Some(1), ..Seen::default() }
}

#[test]
fn what_is_said_already_is_not_said_again() {
    let write = differing("sales", &object(), &fresh(), &accepted(true), &Told::default(), at(1)).unwrap();
    let seen = after(&write, &fresh());
    assert_eq!(differing("sales", &object(), &seen, &accepted(true), &Told::default(), at(99)), None);
}

#[test]
fn the_order_of_conditions_does_not_matter() {
    let both = [accepted(true), vec![Wanted { kind: ConditionType::Ready, ..accepted(true).remove(0) }]].concat();
    let write = differing("sales", &object(), &fresh(), &both, &Told::default(), at(1)).unwrap();
    let mut seen = after(&write, &fresh());
    seen.conditions.reverse();
    assert_eq!(differing("sales", &object(), &seen, &both, &Told::default(), at(2)), None);
}

#[test]
fn a_time_changes_only_with_its_status() {
    let first = differing("sales", &object(), &fresh(), &accepted(true), &Told::default(), at(1)).unwrap();
    let mut seen = after(&first, &fresh());
    seen.generation = Some(2);
    let second = differing("sales", &object(), &seen, &accepted(true), &Told::default(), at(50)).unwrap();
    let seen = after(&second, &seen);
    assert_eq!((seen.observed_generation, seen.conditions[0].observed_generation), (Some(2), Some(2)));
    assert_eq!(seen.conditions[0].last_transition_time, Time(at(1)));
    let third = differing("sales", &object(), &seen, &accepted(false), &Told::default(), at(60)).unwrap();
    assert_eq!(after(&third, &seen).conditions[0].last_transition_time, Time(at(60)));
}

#[test]
fn another_writers_conditions_are_left_alone() {
    let write = differing("sales", &object(), &fresh(), &accepted(true), &Told::default(), at(1)).unwrap();
    let mut seen = after(&write, &fresh());
    seen.conditions.push(Condition { type_: "Available".into(), ..seen.conditions[0].clone() });
    assert_eq!(differing("sales", &object(), &seen, &accepted(true), &Told::default(), at(2)), None);
    let write = differing("sales", &object(), &seen, &accepted(false), &Told::default(), at(2)).unwrap();
    assert!(!write.status.to_string().contains("Available"));
}

#[test]
fn a_condition_that_is_over_is_taken_away() {
    let stalled = [accepted(false), vec![Wanted { kind: ConditionType::Stalled, ..accepted(true).remove(0) }]].concat();
    let write = differing("sales", &object(), &fresh(), &stalled, &Told::default(), at(1)).unwrap();
    let seen = after(&write, &fresh());
    let write = differing("sales", &object(), &seen, &accepted(false), &Told::default(), at(2)).unwrap();
    assert!(!write.status.to_string().contains("Stalled"));
}

#[test]
fn components_count_where_there_are_any() {
    let told = |ready| {
        let router = Component { name: "router".into(), ready, desired: 2, summary: format!("{ready}/2"), ..Component::default() };
        Told { components: vec![router], ..Told::default() }
    };
    let write = differing("sales", &object(), &fresh(), &accepted(true), &told(1), at(1)).unwrap();
    let seen = after(&write, &fresh());
    assert_eq!(differing("sales", &object(), &seen, &accepted(true), &told(1), at(2)), None);
    assert!(differing("sales", &object(), &seen, &accepted(true), &told(2), at(2)).is_some());
}

#[test]
fn an_address_is_told_and_taken_back() {
    let told = |url: Option<&str>| Told { url: url.map(str::to_owned), ..Told::default() };
    let write = differing("sales", &object(), &fresh(), &accepted(true), &told(Some("http://a")), at(1)).unwrap();
    let seen = after(&write, &fresh());
    assert_eq!(differing("sales", &object(), &seen, &accepted(true), &told(Some("http://a")), at(2)), None);
    let write = differing("sales", &object(), &seen, &accepted(true), &told(None), at(2)).unwrap();
    assert!(!write.status.to_string().contains("url"), "what is left out of an apply is removed");
}

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::json;

use super::*;
use crate::control::error::Category;
use crate::control::judge::Rejection;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[derive(Default)]
struct House {
    judged: Judged,
    secrets: AllFound,
    leases: Leases,
    components: Vec<Component>,
    trouble: Option<Trouble>,
    remarks: Vec<Remark>,
    seen: Seen,
}

fn policy() -> ObjectRef {
    ObjectRef { kind: Kind::RoutingPolicy, name: "all".into() }
}

fn exchange() -> ObjectRef {
    ObjectRef { kind: Kind::Exchange, name: "house".into() }
}

impl House {
    fn new() -> Self {
        Self { judged: Judged { digest: "new".into(), ..Judged::default() }, ..Self::default() }
    }

    fn pod(mut self, name: &str, role: &str, digest: &str) -> Self {
        let lease: Lease = serde_json::from_value(json!({
            "metadata": {
                "namespace": "sales", "name": name, "resourceVersion": "1",
                "labels": {"leadflow.dev/exchange": "house", "leadflow.dev/component": role},
                "annotations": {"leadflow.dev/rules-digest": digest},
            },
            "spec": {"leaseDurationSeconds": 30},
        }))
        .unwrap();
        self.leases.put(&lease, NOW);
        self
    }

    fn rejected(mut self, object: ObjectRef, reason: Reason) -> Self {
        self.judged.rejected.insert(object, Rejection { reason, message: "spec.x: is wrong".into() });
        self
    }

    fn conditions(&self, object: &ObjectRef, references: Option<&References>) -> Option<Vec<Wanted>> {
        let facts = Facts {
            namespace: "sales",
            judged: &self.judged,
            exchange: Some("house"),
            secrets: &self.secrets,
            leases: &self.leases,
            components: &self.components,
            trouble: self.trouble.as_ref(),
            remarks: &self.remarks,
            now: NOW,
        };
        facts.conditions(object, references, &self.seen)
    }

    /// One condition as `True/Reason: message`; empty when it is not there.
    fn says(&self, object: &ObjectRef, kind: ConditionType) -> String {
        let conditions = self.conditions(object, None).unwrap();
        let found = conditions.into_iter().find(|condition| condition.kind == kind);
        found.map(|c| format!("{}/{:?}: {}", if c.status { "True" } else { "False" }, c.reason, c.message)).unwrap_or_default()
    }
}

#[test]
fn a_policy_is_programmed_when_all_routers_run_it() {
    let house = House::new().pod("a", "router", "new").pod("b", "router", "old").pod("c", "ingest", "old");
    assert_eq!(house.says(&policy(), ConditionType::Programmed), "False/Pending: 1 of 2 routers run this generation");
    let house = House::new().pod("a", "router", "new").pod("c", "ingest", "old");
    assert_eq!(house.says(&policy(), ConditionType::Programmed), "True/Programmed: all routers run this generation");
    assert_eq!(house.says(&policy(), ConditionType::Ready), "True/Ready: in use");
}

#[test]
fn an_exchange_is_programmed_when_ingest_runs_it_too() {
    let house = House::new().pod("a", "router", "new").pod("c", "ingest", "old");
    assert_eq!(house.says(&exchange(), ConditionType::Programmed), "False/Pending: 1 of 2 pods run this generation");
    let house = House::new().pod("a", "router", "new");
    assert_eq!(house.says(&exchange(), ConditionType::Programmed), "False/Pending: no ingest pod runs");
}

#[test]
fn what_ran_everywhere_stays_programmed_while_routers_take_in_another_objects_change() {
    let mut house = House::new().pod("a", "router", "old");
    let programmed = |generation| Condition {
        type_: "Programmed".into(),
        status: "True".into(),
        reason: "Programmed".into(),
        message: String::new(),
        observed_generation: Some(generation),
        last_transition_time: Time(NOW),
    };
    house.seen = Seen { generation: Some(2), conditions: vec![programmed(2)], ..Seen::default() };
    assert!(house.says(&policy(), ConditionType::Programmed).starts_with("True"));
    house.seen.conditions = vec![programmed(1)];
    assert!(house.says(&policy(), ConditionType::Programmed).starts_with("False"), "it is this object that changed");
}

#[test]
fn what_is_wrong_is_stalled_but_an_exchange_may_still_come() {
    let house = House::new().rejected(policy(), Reason::Invalid);
    assert_eq!(house.says(&policy(), ConditionType::Accepted), "False/Invalid: spec.x: is wrong");
    assert_eq!(house.says(&policy(), ConditionType::Stalled), "True/Invalid: spec.x: is wrong");
    assert_eq!(house.says(&policy(), ConditionType::Ready), "False/Invalid: spec.x: is wrong");
    assert!(house.says(&policy(), ConditionType::Programmed).starts_with("False/Invalid"));
    let house = House::new().rejected(policy(), Reason::NoExchange);
    assert_eq!(house.says(&policy(), ConditionType::Stalled), "");
    assert_eq!(House::new().says(&policy(), ConditionType::Stalled), "");
}

#[test]
fn nothing_is_said_before_every_secret_was_looked_for() {
    use crate::table::references::{Needed, SecretUse};
    let secret = SecretUse { name: "crm".into(), entries: Needed::Key("token".into()), roles: &[Role::Router] };
    let references = References { secrets: vec![secret], endpoints: ["gone".to_owned()].into() };
    let mut house = House::new();
    assert_eq!(house.conditions(&policy(), Some(&references)), None);
    house.secrets.insert("crm".into(), Found::Absent);
    let conditions = house.conditions(&policy(), Some(&references)).unwrap();
    let resolved = conditions.iter().find(|condition| condition.kind == ConditionType::ResolvedRefs).unwrap();
    assert_eq!((resolved.status, resolved.reason), (false, Reason::EndpointNotFound));
    assert_eq!(resolved.message, "Endpoint 'gone' does not exist; Secret 'crm' does not exist");
}

#[test]
fn an_exchange_is_ready_when_its_pods_are_and_says_what_the_operator_could_not_do() {
    let mut house = House::new().pod("a", "router", "new").pod("c", "ingest", "new");
    house.components = vec![Component { name: "router".into(), ready: 1, desired: 2, updated: 1, ..Component::default() }];
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "False/Progressing: 1 of 2 router pods are ready");
    house.components[0].ready = 2;
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "False/Progressing: 1 of 2 router pods are as the Exchange asks for");
    house.components[0].updated = 2;
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "True/Ready: in use");
    house.trouble = Some(Trouble { category: Category::Forbidden, message: "apply Role house-router: no".into() });
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "False/Forbidden: apply Role house-router: no");
    assert_eq!(house.says(&policy(), ConditionType::Ready), "True/Ready: in use", "rules run all the same");
    house.leases = Leases::default();
    assert_eq!(
        house.says(&exchange(), ConditionType::Ready),
        "False/Forbidden: apply Role house-router: no",
        "the cause, not that no pod runs"
    );
}

#[test]
fn what_of_an_exchange_is_not_used_is_said_and_keeps_it_from_ready_only_while_something_is_missing() {
    let mut house = House::new().pod("a", "router", "new").pod("c", "ingest", "new");
    assert_eq!(house.says(&exchange(), ConditionType::PartiallyInvalid), "");
    house.remarks = vec![Remark { message: "spec.x: is not used".into(), lacking: false }];
    assert_eq!(house.says(&exchange(), ConditionType::PartiallyInvalid), "True/UnsupportedValue: spec.x: is not used");
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "True/Ready: in use");
    house.remarks[0].lacking = true;
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "False/UnsupportedValue: spec.x: is not used");
    assert_eq!(house.says(&policy(), ConditionType::PartiallyInvalid), "");
}

#[test]
fn a_write_that_is_refused_as_invalid_is_told_so() {
    let mut house = House::new().pod("a", "router", "new").pod("c", "ingest", "new");
    house.trouble = Some(Trouble { category: Category::Refused, message: "apply Deployment house-router: spec.affinity".into() });
    assert_eq!(house.says(&exchange(), ConditionType::Ready), "False/Invalid: apply Deployment house-router: spec.affinity");
}

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::record::{self, Record, Records};
use super::settle::{LastGood, Settled};
use crate::api::condition::Reason;
use crate::cluster::index::Undecodable;
use crate::cluster::rule::Rule;
use crate::table::{Kind, ObjectRef, Objects, Problem, Rejected, compile};

fn rule(kind: Kind, name: &str, uid: &str, generation: i64, spec: Value) -> Rule {
    let object = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": kind.as_str(), "spec": spec,
        "metadata": {"name": name, "namespace": "sales", "uid": uid, "generation": generation},
    });
    Rule::read(kind, object).unwrap()
}

fn policy(generation: i64, when: &str) -> Rule {
    let tiers = json!([{"name": "all", "to": {"agents": {}}, "method": {"type": "RoundRobin"}}]);
    rule(Kind::RoutingPolicy, "all", "u-all", generation, json!({"takes": {"when": when}, "tiers": tiers}))
}

fn exchange(generation: i64, zone: &str) -> Rule {
    let url = json!({"secretKeyRef": {"name": "pg", "key": "uri"}});
    let encryption = json!({"keysFrom": {"secretRef": {"name": "keys"}}});
    let spec = json!({"store": {"postgresql": {"urlFrom": url}}, "encryption": encryption, "timeZone": zone});
    rule(Kind::Exchange, "house", "u-house", generation, spec)
}

const GOOD: &str = "lead.source == 'form'";
const BETTER: &str = "lead.source == 'site'";
const BAD: &str = "lead.nothing.of +";

fn all() -> ObjectRef {
    ObjectRef { kind: Kind::RoutingPolicy, name: "all".into() }
}

fn house() -> ObjectRef {
    ObjectRef { kind: Kind::Exchange, name: "house".into() }
}

/// A house with these rules in the place of its own.
fn objects(rules: impl IntoIterator<Item = Rule>) -> Objects {
    let mut objects = Objects::default();
    for rule in std::iter::once(exchange(1, "UTC")).chain(rules) {
        let name = rule.metadata().name.clone().unwrap();
        rule.insert(&mut objects, name);
    }
    objects
}

fn recorded(rule: &Rule, object: &ObjectRef) -> Records {
    let (uid, record) = Record::read(&record::revision("sales", object, rule).unwrap()).unwrap();
    BTreeMap::from([(uid, record)])
}

/// One process.
#[derive(Default)]
struct Process {
    last_good: LastGood,
    records: Records,
    undecodable: BTreeMap<ObjectRef, Undecodable>,
}

impl Process {
    /// The digest of what it runs, and what became of the objects.
    fn sees(&mut self, objects: &Objects) -> (String, Settled<()>) {
        let mut digest = String::new();
        let settled = self.last_good.settle(objects, &self.undecodable, &self.records, |objects| {
            let (table, rejected) = compile(objects);
            digest = table.digest;
            ((), rejected)
        });
        (digest, settled)
    }

    fn runs(&mut self, rules: impl IntoIterator<Item = Rule>) -> Option<i64> {
        let (_, settled) = self.sees(&objects(rules));
        let out = settled.rejected.iter().any(|one| one.object == all()) && !settled.fallen_back.contains_key(&all());
        settled.used.policies.get("all").filter(|_| !out).and_then(|policy| policy.metadata.generation)
    }
}

#[test]
fn a_policy_that_was_broken_runs_as_it_was() {
    let mut router = Process::default();
    let (before, _) = router.sees(&objects([policy(1, GOOD)]));
    let (after, settled) = router.sees(&objects([policy(2, BAD)]));
    assert_eq!(after, before, "the rules are the same");
    assert_eq!(settled.fallen_back, BTreeMap::from([(all(), 1)]));
    assert_eq!(settled.rejected.len(), 1);
    assert!(settled.rejected[0].problem.to_string().starts_with("spec.takes.when"), "what is wrong is told of the broken one");
    assert_eq!(router.runs([policy(3, "also + bad")]), Some(1), "a broken one after a broken one");
    assert_eq!(router.runs([policy(4, BETTER)]), Some(4));
    assert_eq!(router.runs([policy(5, BAD)]), Some(4));
}

#[test]
fn what_was_broken_from_its_first_day_or_is_another_object_is_left_out() {
    let mut router = Process::default();
    assert_eq!(router.runs([policy(1, BAD)]), None);
    assert_eq!(router.runs([policy(2, BAD)]), None);
    assert_eq!(router.runs([policy(3, GOOD)]), Some(3));
    let tiers = json!([{"name": "all", "to": {"agents": {}}, "method": {"type": "RoundRobin"}}]);
    let anew = rule(Kind::RoutingPolicy, "all", "u-new", 1, json!({"takes": {"when": BAD}, "tiers": tiers}));
    assert_eq!(router.runs([anew]), None, "one that was made anew");
}

#[test]
fn a_deleted_object_takes_its_good_version_with_it() {
    let mut router = Process::default();
    router.runs([policy(1, GOOD)]);
    router.runs([policy(2, BAD)]);
    assert_eq!(router.runs([]), None);
    assert_eq!(router.runs([policy(3, BAD)]), None, "and it does not come back");
}

#[test]
fn an_exchange_that_was_broken_takes_nothing_down() {
    let mut router = Process::default();
    let (before, _) = router.sees(&objects([policy(1, GOOD)]));
    let (after, settled) = router.sees(&objects([exchange(2, "Nowhere/Land"), policy(1, GOOD)]));
    assert_eq!(after, before);
    assert_eq!(settled.fallen_back, BTreeMap::from([(house(), 1)]));
    assert_eq!(settled.rejected.iter().map(|one| one.object.clone()).collect::<Vec<_>>(), [house()], "the policy has no fault");
}

#[test]
fn an_object_that_can_not_be_decoded_any_more_runs_as_it_was() {
    let mut router = Process::default();
    let (before, _) = router.sees(&objects([policy(1, GOOD)]));
    let broken = Undecodable { uid: "u-all".into(), problem: "missing field `tiers`".into() };
    router.undecodable.insert(all(), broken);
    let (after, settled) = router.sees(&objects([]));
    assert_eq!((after, settled.fallen_back), (before, BTreeMap::from([(all(), 1)])));
    router.undecodable.get_mut(&all()).unwrap().uid = "u-new".into();
    assert_eq!(router.runs([]), None);
}

#[test]
fn a_good_version_that_other_changes_made_useless_is_given_up() {
    let field = json!([{"name": "team", "type": "String"}]);
    let with = |fields: &Value, generation| {
        let Rule::Exchange(exchange) = exchange(generation, "UTC") else { unreachable!() };
        let mut value = serde_json::to_value(&*exchange).unwrap();
        value["spec"]["schema"] = json!({"fields": fields});
        Rule::read(Kind::Exchange, value).unwrap()
    };
    let mut old = Process::default();
    assert_eq!(old.runs([with(&field, 1), policy(1, "lead.team == 'a'")]), Some(1));
    assert_eq!(old.runs([with(&field, 1), policy(2, BAD)]), Some(1));
    // The field that it tests is gone.
    assert_eq!(old.runs([with(&json!([]), 2), policy(2, BAD)]), None);
    let (old, _) = old.sees(&objects([with(&json!([]), 2), policy(2, BAD)]));
    let (new, _) = Process::default().sees(&objects([with(&json!([]), 2), policy(2, BAD)]));
    assert_eq!(old, new, "who knew it and who did not have the same rules");
}

#[test]
fn a_process_that_starts_while_an_object_is_broken_runs_the_recorded_version() {
    let mut old = Process::default();
    old.sees(&objects([policy(1, GOOD)]));
    let (digest, _) = old.sees(&objects([policy(2, BAD)]));
    let mut new = Process { records: recorded(&policy(1, GOOD), &all()), ..Process::default() };
    let (same, settled) = new.sees(&objects([policy(2, BAD)]));
    assert_eq!((same, settled.fallen_back), (digest, BTreeMap::from([(all(), 1)])));
}

#[test]
fn who_saw_a_version_that_the_operator_missed_goes_by_the_record_too() {
    let mut router = Process::default();
    router.runs([policy(1, GOOD)]);
    router.runs([policy(2, BETTER)]);
    assert_eq!(router.runs([policy(3, BAD)]), Some(2));
    router.records = recorded(&policy(1, GOOD), &all());
    assert_eq!(router.runs([policy(3, BAD)]), Some(1));
}

#[test]
fn a_record_of_before_the_object_was_mended_is_not_taken_again() {
    let mut router = Process { records: recorded(&policy(1, GOOD), &all()), ..Process::default() };
    assert_eq!(router.runs([policy(2, BAD)]), Some(1));
    assert_eq!(router.runs([policy(3, BETTER)]), Some(3));
    assert_eq!(router.runs([policy(4, BAD)]), Some(3), "although the record is not gone yet");
    router.records = recorded(&policy(3, BETTER), &all());
    assert_eq!(router.runs([policy(4, BAD)]), Some(3));
}

#[test]
fn settling_ends_whatever_compile_says() {
    let mut last_good = LastGood::default();
    last_good.settle(&objects([policy(1, GOOD)]), &BTreeMap::new(), &Records::new(), |_| ((), Vec::new()));
    let refuse = |object: ObjectRef| Rejected { object, problem: Problem::new("spec", "is refused"), reason: Reason::Invalid };
    let mut rounds = 0;
    let settled = last_good.settle(&objects([exchange(2, "UTC"), policy(2, GOOD)]), &BTreeMap::new(), &Records::new(), |_| {
        rounds += 1;
        ((), vec![refuse(house()), refuse(all())])
    });
    assert_eq!((rounds, settled.fallen_back.len(), settled.rejected.len()), (3, 0, 2));
}

#[test]
fn a_record_reads_back_as_the_object_and_a_strange_one_is_named() {
    let Rule::RoutingPolicy(written) = policy(7, GOOD) else { unreachable!() };
    let mut revision = record::revision("sales", &all(), &Rule::RoutingPolicy(Arc::clone(&written))).unwrap();
    assert_eq!(revision.metadata.name.as_deref(), Some("leadflow-u-all-7"));
    let (uid, record) = Record::read(&revision).unwrap();
    let Rule::RoutingPolicy(read) = &record.rule else { panic!("{record:?}") };
    assert_eq!((uid.as_str(), &record.object, read), ("u-all", &all(), &written));
    revision.data = None;
    assert!(Record::read(&revision).unwrap_err().starts_with("data:"));
    revision.metadata.labels = None;
    assert!(Record::read(&revision).unwrap_err().contains("leadflow.dev/kind"));
}

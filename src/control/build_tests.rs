use std::collections::BTreeSet;

use super::*;

fn valid() -> Valid {
    let component =
        |role, replicas, secrets: &[&str]| Component { role, replicas, secrets: secrets.iter().map(|s| (*s).to_owned()).collect() };
    Valid {
        namespace: "sales".to_owned(),
        name: "house".to_owned(),
        uid: "1234".to_owned(),
        owner: json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange", "name": "house", "uid": "1234", "controller": true}),
        ingest: component(Role::Ingest, 2, &["form-keys", "leadflow-keys", "pg"]),
        router: component(Role::Router, 3, &["crm", "leadflow-keys", "pg"]),
    }
}

fn of(kind: ChildKind, role: Role) -> Value {
    let name = format!("house-{role}");
    build(&valid(), "leadflow:1").into_iter().find(|wanted| wanted.kind == kind && wanted.name == name).unwrap().object
}

#[test]
fn an_exchange_consists_of_these_objects() {
    for wanted in build(&valid(), "leadflow:1") {
        insta::assert_json_snapshot!(format!("{}_{}", wanted.kind.as_str(), wanted.name), wanted.object);
    }
}

#[test]
fn rights_come_before_the_pods_that_need_them() {
    let kinds: Vec<_> = build(&valid(), "leadflow:1").into_iter().map(|wanted| wanted.kind).collect();
    assert!(kinds.is_sorted());
    assert_eq!(kinds.last(), Some(&ChildKind::Deployment));
}

#[test]
fn no_rule_change_touches_a_pod() {
    let mut changed = valid();
    changed.router.secrets = BTreeSet::from(["another".to_owned()]);
    let differing: Vec<_> = build(&valid(), "leadflow:1")
        .into_iter()
        .zip(build(&changed, "leadflow:1"))
        .filter(|(before, after)| before != after)
        .map(|(before, _)| (before.kind, before.name))
        .collect();
    assert_eq!(differing, [(ChildKind::Role, "house-router".to_owned())]);
}

#[test]
fn no_secret_at_all_is_not_every_secret() {
    let mut bare = valid();
    bare.ingest.secrets.clear();
    let role =
        build(&bare, "leadflow:1").into_iter().find(|wanted| wanted.kind == ChildKind::Role && wanted.name == "house-ingest").unwrap();
    assert!(!role.object.to_string().contains("\"secrets\""));
}

#[test]
fn verbs_are_written_one_by_one_and_nothing_is_a_star() {
    for role in Role::ALL {
        assert!(!of(ChildKind::Role, role).to_string().contains('*'));
    }
    let config = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/operator.yaml")).unwrap();
    assert!(!config.contains('*'));
}

/// The API server lets nobody grant what they do not have.
#[test]
fn the_operator_has_every_right_that_it_grants() {
    let config = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/operator.yaml")).unwrap();
    let document = config.split("\n---\n").find(|document| document.contains("kind: ClusterRole\n")).unwrap();
    let own: Value = serde_saphyr::from_str(document).unwrap();
    let has = |group: &str, resource: &str, verb: &str| {
        own["rules"].as_array().unwrap().iter().any(|rule| {
            let lists = |key: &str, value: &str| rule[key].as_array().unwrap().iter().any(|item| item == value);
            rule.get("resourceNames").is_none() && lists("apiGroups", group) && lists("resources", resource) && lists("verbs", verb)
        })
    };
    for role in Role::ALL {
        for rule in of(ChildKind::Role, role)["rules"].as_array().unwrap() {
            let texts = |key: &str| rule[key].as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>();
            for (group, resource) in
                texts("apiGroups").iter().flat_map(|group| texts("resources").into_iter().map(move |r| (group.clone(), r)))
            {
                for verb in texts("verbs") {
                    assert!(has(&group, &resource, &verb), "config/operator.yaml must hold {verb} on {resource} of '{group}'");
                }
            }
        }
    }
}

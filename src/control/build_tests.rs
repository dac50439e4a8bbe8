use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::api::Exchange;
use crate::control::judge::Judged;
use crate::control::validate::validate;

/// What a spec comes to; the store and the keys are given.
fn valid_with(spec: &Value) -> Valid {
    let mut exchange = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange",
        "metadata": {"name": "house", "namespace": "sales", "uid": "1234"},
        "spec": {
            "store": {"postgresql": {"urlFrom": {"secretKeyRef": {"name": "pg", "key": "uri"}}}},
            "encryption": {"keysFrom": {"secretRef": {"name": "leadflow-keys"}}},
        },
    });
    exchange["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let exchange: Exchange = serde_json::from_value(exchange).unwrap();
    let mut judged = Judged::default();
    judged.objects.exchanges.insert("house".into(), Arc::new(exchange.clone()));
    let source = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "LeadSource", "metadata": {"name": "form"},
        "spec": {"auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}},
    });
    judged.objects.sources.insert("form".into(), Arc::new(serde_json::from_value(source).unwrap()));
    let token = json!({"bearer": {"tokenFrom": {"secretKeyRef": {"name": "crm", "key": "token"}}}});
    let endpoint = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "metadata": {"name": "crm"},
        "spec": {"http": {"url": "https://crm.example.com/leads", "auth": token}},
    });
    judged.objects.endpoints.insert("crm".into(), Arc::new(serde_json::from_value(endpoint).unwrap()));
    validate(&Ok(exchange), &judged).unwrap()
}

fn valid() -> Valid {
    valid_with(&json!({"router": {"replicas": 3}}))
}

/// What is built of a spec and not without it.
fn added_by(spec: &Value) -> Vec<Wanted> {
    let plain = build(&valid(), "leadflow:1");
    let known = |wanted: &Wanted| plain.iter().any(|plain| (plain.kind, &plain.name) == (wanted.kind, &wanted.name));
    build(&valid_with(spec), "leadflow:1").into_iter().filter(|wanted| !known(wanted)).collect()
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
    changed.workloads[1].secrets = BTreeSet::from(["another".to_owned()]);
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
    bare.workloads[0].secrets.clear();
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

#[test]
fn exposing_ingest_takes_one_object_that_leads_in_one_path() {
    let ingress = json!({
        "className": "nginx", "host": "leads.example.com", "tlsSecretName": "leads-tls",
        "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
    });
    let parent = json!({"name": "public", "namespace": "gateways", "sectionName": "https"});
    let route = json!({"parentRefs": [parent], "hostnames": ["leads.example.com"]});
    for expose in [json!({"ingress": ingress}), json!({"httpRoute": route})] {
        let [added] = &added_by(&json!({"ingest": {"expose": expose}}))[..] else { panic!("one object") };
        insta::assert_json_snapshot!(format!("{}_{}", added.kind.as_str(), added.name), added.object);
    }
    let [plain] = &added_by(&json!({"ingest": {"expose": {"ingress": {"host": "leads.example.com"}}}}))[..] else { panic!("one object") };
    assert_eq!(plain.object["spec"].as_object().unwrap().keys().collect::<Vec<_>>(), ["rules"]);
}

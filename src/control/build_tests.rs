use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::api::Exchange;
use crate::control::judge::Judged;
use crate::control::validate::validate;
use crate::table::references::Role;

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

fn image() -> Image {
    Image { name: "leadflow:1".to_owned(), ..Image::default() }
}

/// The objects of a kind that a spec comes to.
fn built(kind: ChildKind, name: &str, spec: &Value, image: &Image) -> Value {
    build(&valid_with(spec), image).into_iter().find(|wanted| wanted.kind == kind && wanted.name == name).unwrap().object
}

/// What is built of a spec and not without it.
fn added_by(spec: &Value) -> Vec<Wanted> {
    let plain = build(&valid(), &image());
    let known = |wanted: &Wanted| plain.iter().any(|plain| (plain.kind, &plain.name) == (wanted.kind, &wanted.name));
    build(&valid_with(spec), &image()).into_iter().filter(|wanted| !known(wanted)).collect()
}

fn of(kind: ChildKind, role: Role) -> Value {
    let name = format!("house-{role}");
    build(&valid(), &image()).into_iter().find(|wanted| wanted.kind == kind && wanted.name == name).unwrap().object
}

#[test]
fn an_exchange_consists_of_these_objects() {
    for wanted in build(&valid(), &image()) {
        insta::assert_json_snapshot!(format!("{}_{}", wanted.kind.as_str(), wanted.name), wanted.object);
    }
}

#[test]
fn rights_come_before_the_pods_that_need_them() {
    let kinds: Vec<_> = build(&valid(), &image()).into_iter().map(|wanted| wanted.kind).collect();
    assert!(kinds.is_sorted());
    assert_eq!(kinds.last(), Some(&ChildKind::Deployment));
}

#[test]
fn no_rule_change_touches_a_pod() {
    let mut changed = valid();
    changed.workloads[1].secrets = BTreeSet::from(["another".to_owned()]);
    let differing: Vec<_> = build(&valid(), &image())
        .into_iter()
        .zip(build(&changed, &image()))
        .filter(|(before, after)| before != after)
        .map(|(before, _)| (before.kind, before.name))
        .collect();
    assert_eq!(differing, [(ChildKind::Role, "house-router".to_owned())]);
}

#[test]
fn no_secret_at_all_is_not_every_secret() {
    let mut bare = valid();
    bare.workloads[0].secrets.clear();
    let role = build(&bare, &image()).into_iter().find(|wanted| wanted.kind == ChildKind::Role && wanted.name == "house-ingest").unwrap();
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

#[test]
fn pods_are_changed_as_asked_and_keep_what_the_operator_depends_on() {
    let template = json!({
        "labels": {"team": "sales", "app.kubernetes.io/component": "mine"},
        "annotations": {"example.com/note": "n"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "leads", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "mine"}, {"name": "theirs"}],
        "topologySpreadConstraints": [{"topologyKey": "rack", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule"}],
        "env": [{"name": "LEADFLOW_LOG", "value": "debug"}, {"name": "LEADFLOW_EXCHANGE", "value": "other"}],
    });
    let spec = json!({"router": {
        "image": "registry.example.com/leadflow@sha256:1", "imagePullPolicy": "Always",
        "resources": {"requests": {"cpu": 2}, "limits": {"memory": "2Gi"}}, "podTemplate": template,
    }});
    let told = Image { pull_policy: Some(crate::api::pods::PullPolicy::Never), pull_secrets: vec!["theirs".into()], ..image() };
    let deployment = built(ChildKind::Deployment, "house-router", &spec, &told);
    insta::assert_json_snapshot!("a_changed_template", deployment["spec"]["template"]);
    assert_eq!(deployment["spec"]["selector"], of(ChildKind::Deployment, Role::Router)["spec"]["selector"]);
    let other = built(ChildKind::Deployment, "house-ingest", &spec, &told);
    let container = &other["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["imagePullPolicy"]), (&json!("leadflow:1"), &json!("Never")));
    assert_eq!(other["spec"]["template"]["spec"]["imagePullSecrets"], json!([{"name": "theirs"}]));
}

#[test]
fn an_autoscaler_takes_the_place_of_a_number() {
    let by_cpu = json!({"minReplicas": 2, "maxReplicas": 6, "cpuPercent": 70});
    let by_queue = json!({"minReplicas": 1, "maxReplicas": 4, "queueAgeSeconds": 30, "prometheusAddress": "http://prometheus:9090"});
    for autoscale in [by_cpu, by_queue] {
        let spec = json!({"router": {"autoscale": autoscale, "replicas": 3}});
        let [added] = &added_by(&spec)[..] else { panic!("one object") };
        insta::assert_json_snapshot!(format!("{}_{}", added.kind.as_str(), added.name), added.object);
        let deployment = built(ChildKind::Deployment, "house-router", &spec, &image());
        assert!(deployment["spec"].get("replicas").is_none(), "two writers of one field are one too many");
    }
}

#[test]
fn pods_are_shut_off_unless_the_exchange_says_otherwise() {
    let disabled = build(&valid_with(&json!({"networkPolicies": "Disabled"})), &image());
    assert!(disabled.iter().all(|wanted| wanted.kind != ChildKind::NetworkPolicy));
    let store = json!({"postgresql": {"port": 6432, "urlFrom": {"secretKeyRef": {"name": "pg", "key": "uri"}}}});
    let policy = built(ChildKind::NetworkPolicy, "house-ingest", &json!({"store": store}), &image());
    assert_eq!(policy["spec"]["egress"][2]["ports"], json!([{"port": 6432, "protocol": "TCP"}]));
}

#[test]
fn the_embedded_store_is_one_pod_with_a_volume_behind_the_same_services() {
    let store = json!({"embedded": {"storage": "20Gi", "storageClassName": "fast"}});
    let wanted = build(&valid_with(&json!({"store": store, "router": {"replicas": 3}})), &image());
    let names: Vec<_> = wanted.iter().map(|wanted| format!("{} {}", wanted.kind.as_str(), wanted.name)).collect();
    assert_eq!(
        names,
        [
            "ServiceAccount house-standalone",
            "Role house-standalone",
            "RoleBinding house-standalone",
            "Service house-ingest",
            "Service house-router",
            "NetworkPolicy house-standalone",
            "NetworkPolicy house-deny",
            "PodDisruptionBudget house-standalone",
            "StatefulSet house-standalone",
        ]
    );
    for wanted in wanted.iter().filter(|wanted| matches!(wanted.kind, ChildKind::StatefulSet | ChildKind::Service | ChildKind::Role)) {
        insta::assert_json_snapshot!(format!("embedded_{}_{}", wanted.kind.as_str(), wanted.name), wanted.object);
    }
}

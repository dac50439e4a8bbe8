//! Who may do what: the Roles that the operator makes, asked of the API server itself.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::Value;

use super::house::*;
use super::support::cluster::Cluster;
use super::support::{Part, require};

/// Whether a user may; `what` is `verb group/resource[/subresource] [name]`, with `core` for the group that has no name.
async fn may(client: &Client, user: &str, namespace: &str, what: &str) -> bool {
    let words: Vec<_> = what.split(' ').collect();
    let resource: Vec<_> = words[1].split('/').collect();
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(words[0].to_owned()),
        group: Some(resource[0].replace("core", "")),
        resource: Some(resource[1].to_owned()),
        subresource: resource.get(2).map(|sub| (*sub).to_owned()),
        name: words.get(2).map(|name| (*name).to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some(user.to_owned()),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}

pub async fn assert_rights(client: &Client, user: &str, namespace: &str, yes: &[&str], no: &[&str]) {
    for what in yes {
        assert!(may(client, user, namespace, what).await, "{user} must be able to {what}");
    }
    for what in no {
        assert!(!may(client, user, namespace, what).await, "{user} must not be able to {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pod_may_do_what_it_must_and_no_more() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let (client, namespace) = (cluster.client().await, cluster.namespace("rights").await);
    let token = operator_token(cluster, &namespace).await;
    // With the operator's own rights: it can't grant what it does not have.
    let _operator = Running::start(cluster.client_for_token(&token).await, &namespace).await;
    apply_secret(&client, &namespace, "somebody-elses", serde_json::json!({"key": "value"})).await;
    apply(&client, &namespace, &everything()).await;
    let roles = api(&client, &namespace, "rbac.authorization.k8s.io", "v1", "Role", "roles");
    let bindings = api(&client, &namespace, "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings");
    let mut golden = serde_json::Map::new();
    for role in ["house-ingest", "house-router"] {
        let complete = |object: Option<&kube::core::DynamicObject>| {
            let secret = if role == "house-ingest" { "form-keys" } else { "crm" };
            object.is_some_and(|object| object.data["rules"].to_string().contains(secret))
        };
        let made = until(&roles, role, "its Role is complete", complete).await.unwrap();
        until(&bindings, role, "it is bound", |object| object.is_some()).await;
        golden.insert(role.to_owned(), made.data["rules"].clone());
    }
    insta::assert_json_snapshot!("roles", Value::Object(golden));

    let user = |name: &str| format!("system:serviceaccount:{namespace}:house-{name}");
    let both_yes = [
        "list core/secrets pg",
        "watch core/secrets leadflow-keys",
        "list leadflow.dev/agents",
        "patch coordination.k8s.io/leases house-1",
    ];
    let both_no = [
        "list core/secrets somebody-elses",
        "watch core/secrets somebody-elses",
        "watch core/secrets",
        "list core/secrets",
        "patch core/secrets pg",
        "patch leadflow.dev/agents sarah",
        "patch leadflow.dev/exchanges/status house",
        "create core/pods",
        "get core/configmaps x",
        "patch rbac.authorization.k8s.io/roles house-router",
    ];
    for name in ["ingest", "router"] {
        assert_rights(&client, &user(name), &namespace, &both_yes, &both_no).await;
        assert_rights(&client, &user(name), "default", &[], &["list core/secrets pg", "list leadflow.dev/agents"]).await;
    }
    let ingest_no = ["list core/secrets crm", "patch leadflow.dev/leadendpoints/status crm", "create events.k8s.io/events"];
    assert_rights(&client, &user("ingest"), &namespace, &["list core/secrets form-keys"], &ingest_no).await;
    let router_yes = ["list core/secrets crm", "patch leadflow.dev/leadendpoints/status crm", "create events.k8s.io/events"];
    assert_rights(&client, &user("router"), &namespace, &router_yes, &["list core/secrets form-keys"]).await;
    let operator = "system:serviceaccount:leadflow-system:leadflow-operator";
    let operator_no = [
        "get core/secrets pg",
        "patch core/secrets pg",
        "create core/pods",
        "patch leadflow.dev/agents sarah",
        "bind rbac.authorization.k8s.io/roles",
        "escalate rbac.authorization.k8s.io/roles",
    ];
    assert_rights(&client, operator, &namespace, &["list core/secrets pg", "watch core/secrets pg"], &operator_no).await;
}

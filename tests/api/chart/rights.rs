//! What the operator may do: in the whole cluster, and with `watchNamespaces`.

use super::{NAMESPACE, objects, of_kind, rendered};
use crate::house::operator_token;
use crate::rbac::assert_rights;
use crate::support::cluster::Cluster;
use crate::support::{Part, require};

/// What a service account may do in a namespace, beyond what every account may.
async fn rights(cluster: &Cluster, account: &str, namespace: &str) -> String {
    let every = format!("system:serviceaccount:{namespace}:nobody");
    let every = listed(cluster, &every, namespace).await;
    let own = listed(cluster, account, namespace).await;
    own.into_iter().filter(|line| !every.contains(line)).collect::<Vec<_>>().join("\n")
}

/// What `kubectl auth can-i --list` says, line by line.
async fn listed(cluster: &Cluster, account: &str, namespace: &str) -> Vec<String> {
    let output = cluster.kubectl(&["auth", "can-i", "--list", "--as", account, "--namespace", namespace]).await;
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<_> = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_operators_rights_are_these() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("anywhere").await;
    operator_token(cluster, &namespace).await;
    let account = format!("system:serviceaccount:{NAMESPACE}:leadflow-operator");
    insta::assert_snapshot!("operator_in_any_namespace", rights(cluster, &account, &namespace).await);
}

#[tokio::test]
async fn watch_namespaces_shrinks_the_grant_itself() {
    if !require(&[Part::ApiServer, Part::Helm]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let client = cluster.client().await;
    let own = cluster.namespace("narrow").await;
    let watched = cluster.namespace("watched").await;
    let other = cluster.namespace("other").await;
    let set = format!("watchNamespaces={{{watched}}}");
    let text = rendered(&own, &["--set", "crds.enabled=false", "--set", "rbac.aggregate=false", "--set", &set]);

    // Of the whole cluster it is granted six names, to read.
    let all = objects(&text);
    let [whole] = of_kind(&all, "ClusterRole").try_into().expect("one ClusterRole");
    assert_eq!(whole["rules"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&whole["rules"][0]["verbs"], whole["rules"][0]["resourceNames"].as_array().unwrap().len()),
        (&serde_json::json!(["get"]), 6)
    );

    let output = cluster.kubectl_with_input(&["apply", "--server-side", "--filename=-"], &text).await;
    assert!(output.status.success(), "{output:?}");
    let account = format!("system:serviceaccount:{own}:leadflow-operator");
    insta::assert_snapshot!("narrow_operator_where_it_watches", rights(cluster, &account, &watched).await);
    insta::assert_snapshot!("narrow_operator_at_home", rights(cluster, &account, &own).await);
    insta::assert_snapshot!("narrow_operator_elsewhere", rights(cluster, &account, &other).await);

    let watches = ["list core/secrets", "create apps/deployments", "patch leadflow.dev/agents/status x", "list leadflow.dev/exchanges"];
    assert_rights(&client, &account, &watched, &watches, &["get core/secrets x", "patch leadflow.dev/agents x"]).await;
    let leads = ["create coordination.k8s.io/leases", "update coordination.k8s.io/leases leadflow-operator", "create events.k8s.io/events"];
    assert_rights(&client, &account, &own, &leads, &["update coordination.k8s.io/leases other", "list core/secrets"]).await;
    let nothing = [
        "list core/secrets",
        "watch core/secrets pg",
        "list leadflow.dev/exchanges",
        "create apps/deployments",
        "get coordination.k8s.io/leases x",
    ];
    assert_rights(&client, &account, &other, &["get apiextensions.k8s.io/customresourcedefinitions agents.leadflow.dev"], &nothing).await;
}

#[test]
fn who_edits_rules_writes_no_exchange() {
    if !require(&[Part::Helm]) {
        return;
    }
    let all = objects(&rendered("one", &["--set", "crds.enabled=false"]));
    let roles = of_kind(&all, "ClusterRole");
    // To which of the cluster's roles it is added, and what it lets them write.
    let role = |name: &str| {
        let role = roles.iter().find(|role| role["metadata"]["name"] == name).expect(name);
        let labels = role["metadata"]["labels"].as_object().unwrap().keys();
        let to: Vec<_> = labels.filter_map(|label| label.strip_prefix("rbac.authorization.k8s.io/aggregate-to-")).collect();
        (to, role["rules"][0]["resources"].to_string())
    };
    let (to, rules) = role("leadflow-edit");
    assert_eq!(to, ["admin", "edit"]);
    assert!(rules.contains("agents") && !rules.contains("exchanges"), "{rules}");
    assert_eq!(role("leadflow-admin"), (vec!["admin"], r#"["exchanges"]"#.to_owned()));
}

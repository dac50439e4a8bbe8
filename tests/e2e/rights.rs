//! Story 9: nobody may do more than must be.

use crate::site::commands::{kubectl, try_kubectl};
use crate::site::house::House;
use crate::site::{SYSTEM, Site, until};

/// What an account may do in a namespace, as `kubectl auth can-i --list` says, without what every account may.
async fn rights(namespace: &str, account: &str) -> String {
    let user = format!("--as=system:serviceaccount:{account}");
    let lines = async |user: &str| -> Vec<String> {
        let text = kubectl(&["--namespace", namespace, "auth", "can-i", "--list", user]).await;
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let everybody = lines("--as=system:serviceaccount:nowhere:nobody").await;
    let mut own: Vec<_> = lines(&user).await.into_iter().filter(|line| !everybody.contains(line)).collect();
    own.sort_unstable();
    own.join("\n")
}

async fn may(namespace: &str, account: &str, question: &[&str]) -> bool {
    let user = format!("--as=system:serviceaccount:{account}");
    let mut arguments = vec!["--namespace", namespace, "auth", "can-i"];
    arguments.extend(question);
    arguments.push(&user);
    try_kubectl(&arguments, "").await.status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_may_do_what_is_written_down_and_no_more() {
    let house = House::sized(Site::shared().await, "rights", 1, 1).await;
    let operator = format!("{SYSTEM}:leadflow-operator");
    insta::assert_snapshot!("operator", rights("rights", &operator).await);
    insta::assert_snapshot!("operator_at_home", rights(SYSTEM, &operator).await);
    for role in ["ingest", "router"] {
        insta::assert_snapshot!(role, rights("rights", &format!("rights:house-{role}")).await);
    }
    for account in ["rights:house-ingest", "rights:house-router"] {
        for question in [["get", "secrets"], ["list", "secrets"], ["create", "pods"], ["create", "roles.rbac.authorization.k8s.io"]] {
            assert!(!may("rights", account, &question).await, "{account} must not {question:?}");
        }
        assert!(!may("rights", account, &["watch", "secret/pg-superuser"]).await);
        assert!(!may("kube-system", account, &["list", "leadsources.leadflow.dev"]).await, "{account} sees other namespaces");
    }
    for question in [["create", "pods"], ["get", "nodes"], ["create", "clusterroles"], ["escalate", "roles"], ["impersonate", "users"]] {
        assert!(!may("rights", &operator, &question).await, "the operator must not {question:?}");
    }
    house.raze().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_namespaces_shrinks_the_grant_itself() {
    let house = House::sized(Site::alone().await, "watched", 1, 1).await;
    let operator = format!("{SYSTEM}:leadflow-operator");
    assert!(may("default", &operator, &["list", "secrets"]).await, "without watchNamespaces it looks after all of them");
    house.site.install(&["--set", "watchNamespaces={watched}"]).await;
    for question in [["list", "secrets"], ["watch", "secrets"], ["create", "deployments.apps"], ["list", "exchanges.leadflow.dev"]] {
        assert!(may("watched", &operator, &question).await, "must be able to {question:?}");
        assert!(!may("default", &operator, &question).await, "must not be able to {question:?} elsewhere");
        assert!(!may("kube-system", &operator, &question).await);
    }
    // It works like that.
    house.apply(&[crate::site::objects::agent("ben", "crm")]).await;
    house.says("agents", "ben", "Ready", "True").await;
    house.site.install(&[]).await;
    until("the grant is back", async || may("default", &operator, &["list", "secrets"]).await.then_some(())).await;
    house.raze().await;
}

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::core::Status;

use crate::support::cluster::{Cluster, Options};
use crate::support::{Part, require};

fn config_map(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
    ConfigMap { metadata, ..Default::default() }
}

fn refusal<T: std::fmt::Debug>(answer: kube::Result<T>) -> Status {
    match answer {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("the API server was to refuse, not to say {other:?}"),
    }
}

#[tokio::test]
async fn answers_readyz() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let client = Cluster::shared().await.client().await;
    let request = http::Request::get("/readyz").body(Vec::new()).expect("a plain request");
    assert_eq!(client.request_text(request).await.expect("an answer"), "ok");
    let version = client.apiserver_version().await.expect("a version");
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "36"));
}

#[tokio::test]
async fn a_namespace_goes_away_to_the_end() {
    if !require(&[Part::ApiServer, Part::ControllerManager]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let client = cluster.client().await;
    let name = cluster.namespace("gone").await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &name);
    maps.create(&PostParams::default(), &config_map("inside")).await.expect("it can be made");

    let namespaces: Api<Namespace> = Api::all(client);
    namespaces.delete(&name, &DeleteParams::default()).await.expect("it can be deleted");
    let deadline = Instant::now() + Duration::from_secs(60);
    while namespaces.get_opt(&name).await.expect("an answer").is_some() {
        assert!(Instant::now() < deadline, "the namespace stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_is_owned_goes_with_its_owner() {
    if !require(&[Part::ApiServer, Part::ControllerManager]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("owned").await;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await, &namespace);
    let owner = maps.create(&PostParams::default(), &config_map("owner")).await;
    let owner = owner.expect("it can be made");
    let mut owned = config_map("owned");
    owned.metadata.owner_references = Some(vec![kube::Resource::owner_ref(&owner, &()).expect("what was made can own")]);
    maps.create(&PostParams::default(), &owned).await.expect("it can be made");

    maps.delete("owner", &DeleteParams::background()).await.expect("it can be deleted");
    let deadline = Instant::now() + Duration::from_secs(60);
    while maps.get_opt("owned").await.expect("an answer").is_some() {
        assert!(Instant::now() < deadline, "the owned object stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_service_account_has_a_token_and_no_rights() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("account").await;
    let token = cluster.service_account_token(&namespace, "nobody").await;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client_for_token(&token).await, &namespace);
    let status = refusal(maps.list(&ListParams::default()).await);
    assert_eq!(status.code, 403);
    let name = format!("system:serviceaccount:{namespace}:nobody");
    assert!(status.message.contains(&name), "{}", status.message);

    let maps: Api<ConfigMap> = Api::namespaced(cluster.client_for_token("wrong").await, &namespace);
    assert_eq!(refusal(maps.list(&ListParams::default()).await).code, 401);
}

#[tokio::test]
async fn kubectl_applies_what_it_is_given() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::shared().await;
    let namespace = cluster.namespace("kubectl").await;
    let manifest = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "given"}}"#;
    let arguments = ["--namespace", &namespace, "apply", "--server-side", "--filename=-"];
    let output = cluster.kubectl_with_input(&arguments, manifest).await;
    assert!(output.status.success(), "{output:?}");
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await, &namespace);
    assert!(maps.get_opt("given").await.expect("an answer").is_some());
}

#[tokio::test]
async fn the_api_server_comes_back_with_all_it_had() {
    if !require(&[Part::ApiServer]) {
        return;
    }
    let cluster = Cluster::start(Options { audit: true, ..Options::default() }).await;
    let namespace = cluster.namespace("kept").await;
    let client = cluster.client().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    maps.create(&PostParams::default(), &config_map("kept")).await.expect("it can be made");

    cluster.stop_api_server().await;
    assert!(maps.get("kept").await.is_err(), "nobody can answer");
    cluster.start_api_server().await;
    maps.get("kept").await.expect("the same client finds what was made before");

    cluster.freeze_api_server().await;
    let patience = Duration::from_millis(300);
    let answer = tokio::time::timeout(patience, maps.get("kept")).await;
    answer.expect_err("nobody answers");
    cluster.thaw_api_server().await;
    maps.get("kept").await.expect("it goes on as before");

    let noted = format!("/api/v1/namespaces/{namespace}/configmaps/kept");
    assert!(cluster.audit_log().contains(&noted), "requests are noted");
}

use serde_json::json;

use super::*;
use crate::flow::ports::StillClock;
use crate::settings::ClusterAccess;
use crate::tools::kubectl::house::{House, NAMESPACE, READY, object, pod, troubled};

/// Everything that must not be told, wherever it stands.
const PRIVATE: [&str; 11] = [
    "anna.private@example.com",
    "+13105550142",
    "310-555-0142",
    "Anna Private",
    "Acme Privately Held",
    "czNjcmV0LXZhbHVl",
    "s3cret-value",
    "hook-s3cret",
    "pa55word",
    "jane.doe",
    "joan",
];

fn house() -> House {
    let house = troubled();
    let contact = json!({"contact": {"email": PRIVATE[0], "phone": PRIVATE[1]}, "displayName": PRIVATE[3], "deliverTo": "crm"});
    let mut agent = object("anna", contact.clone(), READY);
    let applied = json!({"spec": contact}).to_string();
    agent["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied, "note": PRIVATE[3]});
    house.ours("agents", json!([agent]));
    house.ours("buyers", json!([object("acme", json!({"displayName": PRIVATE[4], "contracts": []}), READY)]));
    let auth = json!({"bearer": {"tokenFrom": {"secretKeyRef": {"name": "crm", "key": "token"}}}});
    let url = "https://user:pa55word@hooks.example.com/hook-s3cret?key=pa55word";
    let http = json!({"url": url, "headers": {"X-Token": "hook-s3cret"}, "auth": auth, "body": {"key": "pa55word", "id": "{{ lead.id }}"}});
    house.ours("leadendpoints", json!([object("crm", json!({"http": http}), READY)]));
    let secrets = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    house.put(&format!("{secrets}/crm"), json!({"type": "Opaque", "data": {"token": "czNjcmV0LXZhbHVl"}}));
    for (secret, user) in [("form-keys", "jane.doe@example.com"), ("partner-keys", "joan")] {
        house.refuse(&format!("{secrets}/{secret}"), 403, &format!("secrets \"{secret}\" is forbidden: User \"{user}\" cannot get it"));
    }
    let mut router = pod("router-1", "router", 9090);
    router["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    router["spec"]["containers"][0]["env"] = json!([{"name": "HTTPS_PROXY", "value": "http://u:pa55word@proxy"}]);
    house.list(&format!("/api/v1/namespaces/{NAMESPACE}/pods"), json!([router]));
    let log = "{\"level\":\"INFO\",\"message\":\"mail to anna.private@example.com for Anna Private, call 310-555-0142\"}\n{\"level\":\"WARN\",\"message\":\"the store is away\"}\n";
    house.answer(&format!("/api/v1/namespaces/{NAMESPACE}/pods/router-1/log"), 200, log);
    let note = "Delivery to https://user:pa55word@hooks.example.com/in?key=pa55word failed for anna.private@example.com";
    let event = json!({"metadata": {"name": "crm.1"}, "type": "Warning", "reason": "CircuitTripped", "note": note, "eventTime": "2026-11-22T07:56:00.000000Z", "regarding": {"kind": "Endpoint", "name": "crm"}});
    house.list(&format!("/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"), json!([event]));
    house
}

fn settings(to: Option<PathBuf>) -> ReportSettings {
    ReportSettings {
        to,
        log_lines: 100,
        operator_namespace: "leadflow-system".to_owned(),
        cluster: ClusterAccess::default(),
        output: Output::Text,
    }
}

async fn gathered(house: &House) -> Bundle {
    let clock = StillClock::at("2026-11-22T08:00:00Z".parse().unwrap());
    gather(&house.cluster(), &settings(None), &clock).await.unwrap()
}

fn file<'a>(bundle: &'a Bundle, path: &str) -> &'a str {
    let found = bundle.files.iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("no {path} among {:?}", bundle.files.iter().map(|file| &file.path).collect::<Vec<_>>())).text
}

#[tokio::test]
async fn nothing_private_is_in_the_report() {
    let bundle = gathered(&house()).await;
    for private in PRIVATE {
        for file in &bundle.files {
            assert!(!file.text.contains(private), "{private} is in {}:\n{}", file.path, file.text);
        }
        assert!(bundle.missing.iter().all(|missing| !missing.contains(private)), "{:?}", bundle.missing);
    }
}

#[tokio::test]
async fn what_helps_is_in_the_report() {
    let bundle = gathered(&house()).await;
    assert!(file(&bundle, "rules/agents.yaml").contains("name: anna"));
    assert!(file(&bundle, "rules/leadendpoints.yaml").contains("https://hooks.example.com/[path]"));
    assert!(file(&bundle, "rules/leadendpoints.yaml").contains("{{ lead.id }}"));
    assert_eq!(
        file(&bundle, "secrets.txt").lines().take(4).collect::<Vec<_>>(),
        ["crm", "  named by Endpoint crm (token)", "  type Opaque", "  token: 12 bytes"]
    );
    assert!(file(&bundle, "secrets.txt").contains("is forbidden"));
    assert!(file(&bundle, "logs/sales/router-1/router.log").contains("the store is away"));
    assert!(file(&bundle, "logs/sales/router-1/router-previous.log").contains("the store is away"));
    assert!(file(&bundle, "metrics/sales/router-1.txt").contains("leadflow_queue_depth 3"));
    assert!(
        file(&bundle, "events/sales.txt").starts_with("2026-11-22T07:56:00.000000Z Warning CircuitTripped Endpoint/crm x1 Delivery to")
    );
    assert!(file(&bundle, "status.txt").contains("Exchange sales/brokerage"));
    assert!(bundle.missing.iter().any(|missing| missing.starts_with("workloads/sales/deployments.yaml: ")), "{:?}", bundle.missing);
}

#[tokio::test(start_paused = true)]
async fn pods_that_do_not_answer_hold_up_nobody_and_are_named() {
    let house = house();
    let pods: Vec<_> = (0..8).map(|number| pod(&format!("router-{number}"), "router", 9090)).collect();
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        house.silence(&format!("{path}/http:{name}:9090/proxy/metrics")).silence(&format!("{path}/{name}/log"));
    }
    house.list(&path, json!(pods));
    let begun = tokio::time::Instant::now();
    let late = gathered(&house).await.missing.into_iter().filter(|missing| missing.ends_with("the API server did not answer within 15 s"));
    assert_eq!(late.count(), 16);
    // Once for the screen of `status`, once for the rest.
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn values_of_secrets_that_may_be_read_are_asked_for_only_where_rules_name_them() {
    let house = house();
    gathered(&house).await;
    let asked: Vec<_> = house.asked().into_iter().map(|asked| asked.line).filter(|line| line.contains("/secrets")).collect();
    let one = |name: &str| format!("GET /api/v1/namespaces/{NAMESPACE}/secrets/{name}");
    assert_eq!(asked, [one("crm"), one("form-keys"), one("partner-keys")]);
}

#[tokio::test]
async fn the_file_is_new_and_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.tar.gz");
    drop(open(&path).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

use super::*;
use crate::flow::ports::Dice;
use crate::settings::ClusterAccess;
use crate::tools::kubectl::house::{House, NAMESPACE, troubled};

struct Seven;

impl Dice for Seven {
    fn roll(&self) -> u64 {
        7
    }
}

const INGEST: &str = "/api/v1/namespaces/sales/services/http:brokerage-ingest:http/proxy/v1/sources/website-form/leads";
const TAKEN: &str = r#"{"outcome":"accepted","code":"Delivered","reason":"the lead was delivered","leadId":"019aa000-0000-7000-8000-000000000001","fieldErrors":[],"retryable":false}"#;

/// `s3cret-key` with the line end of an editor, after an entry without a value.
fn house() -> House {
    let house = troubled();
    house.put(&format!("/api/v1/namespaces/{NAMESPACE}/secrets/form-keys"), json!({"data": {"a": "", "b": "czNjcmV0LWtleQo="}}));
    house.list(&format!("/api/v1/namespaces/{NAMESPACE}/services"), json!([]));
    house.answer(INGEST, 201, TAKEN);
    house
}

fn settings(fields: &[&str]) -> SendTestSettings {
    SendTestSettings {
        source: "website-form".to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        wait: 10,
        url: None,
        key: None,
        exchange: None,
        cluster: ClusterAccess::default(),
        output: Output::Text,
    }
}

async fn sent(house: &House, settings: &SendTestSettings) -> (String, Result<(), String>) {
    let mut out = Vec::new();
    let done = send(&house.cluster(), settings, &Seven, &mut out).await;
    (String::from_utf8(out).unwrap(), done.map_err(|error| error.to_string()))
}

#[tokio::test]
async fn a_made_up_lead_is_posted_with_the_key_of_the_source() {
    let house = house();
    let (told, done) = sent(&house, &settings(&["location.zip=10001", "contact.last_name="])).await;
    assert_eq!(done, Ok(()));
    insta::assert_snapshot!(told);
    let post = house.asked().into_iter().find(|asked| asked.line.starts_with("POST ")).unwrap();
    assert_eq!((post.line.as_str(), post.headers["x-api-key"].as_str()), (format!("POST {INGEST}").as_str(), "s3cret-key"));
    assert!(!post.headers.contains_key("authorization"), "that one is the API server's");
    assert_eq!((post.headers["prefer"].as_str(), post.headers["idempotency-key"].as_str()), ("wait=10", "send-test-0000000000000007"));
    assert_eq!(serde_json::from_str::<Value>(&post.body).unwrap()["location.zip"], "10001");
}

#[tokio::test]
async fn a_source_of_forms_gets_a_form() {
    let house = house();
    let form = json!({"metadata": {"name": "website-form"}, "spec": {"format": "Form", "auth": {"keysFrom": {"secretRef": {"name": "form-keys"}}}}});
    house.put(&format!("/apis/leadflow.dev/v1alpha1/namespaces/{NAMESPACE}/leadsources/website-form"), form);
    sent(&house, &settings(&[])).await.1.unwrap();
    let post = house.asked().into_iter().find(|asked| asked.line.starts_with("POST ")).unwrap();
    assert_eq!(post.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(post.body.contains("contact.phone=%2B13105550107"), "{}", post.body);
}

#[tokio::test]
async fn a_lead_that_is_not_taken_is_an_error_that_names_its_fields() {
    let house = house();
    let refused = r#"{"outcome":"rejected","code":"Invalid","reason":"1 field is wrong","fieldErrors":[{"field":"location.zip","code":"NotAPostcode","message":"must be a postal code"}],"retryable":false}"#;
    house.answer(INGEST, 422, refused);
    let (told, done) = sent(&house, &settings(&["location.zip=x"])).await;
    assert!(told.contains("  location.zip: must be a postal code\n"), "{told}");
    assert_eq!(done, Err("the lead was not taken: 422 Invalid".to_owned()));
}

#[tokio::test]
async fn rights_and_pods_that_are_missing_are_told() {
    let house = house();
    for (code, message) in
        [(503, r#"no endpoints available for service "http:brokerage-ingest:http""#), (404, r#"services "brokerage-ingest" not found"#)]
    {
        house.refuse(INGEST, code, message);
        let told = sent(&house, &settings(&[])).await.1.unwrap_err();
        assert_eq!(
            told,
            "no pod behind Service brokerage-ingest in namespace sales is ready; see why by: kubectl leadflow status -n sales"
        );
    }
    house.refuse(INGEST, 503, "error trying to reach service: dial tcp 10.0.0.1:8080: i/o timeout");
    assert!(sent(&house, &settings(&[])).await.1.unwrap_err().contains("NetworkPolicy"));
    house.refuse(INGEST, 403, r#"services "http:brokerage-ingest:http" is forbidden: User "eve" cannot create resource "services/proxy""#);
    let told = sent(&house, &settings(&[])).await.1.unwrap_err();
    assert!(told.contains(r#"User "eve" cannot create resource "services/proxy""#) && told.contains("docs/plugin.md"), "{told}");
    house.refuse(&format!("/api/v1/namespaces/{NAMESPACE}/secrets/form-keys"), 403, "forbidden");
    let told = sent(&house, &settings(&[])).await.1.unwrap_err();
    assert!(told.starts_with("the key can't be read from Secret form-keys; give it by --key: "), "{told}");
}

#[tokio::test]
async fn a_field_without_a_value_is_told() {
    let told = sent(&house(), &settings(&["zip"])).await.1;
    assert_eq!(told, Err("--field zip: not of the form FIELD=VALUE".to_owned()));
}

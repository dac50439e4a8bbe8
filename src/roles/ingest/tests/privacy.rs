//! Nothing personal leaves by a side door.

use super::house::House;
use super::log::Log;

#[tokio::test]
async fn a_leads_values_are_in_no_log_line_metric_or_debug_output() {
    let house = House::new();
    let (log, guard) = Log::start();
    let canary = r#"{"first_name":"Canarina","email":"canary.bird@example.com","phone":"555-867-5309","zip":"90210","canary":"Canarina"}"#;
    let kept = house.post("web", canary, &[("idempotency-key", "canary-key"), ("x-api-key", "web-key")]).await;
    house.post("web", canary.replace("555-867-5309", "canary"), &[]).await;
    house.post("web", canary.replace("\"zip\"", "zip"), &[]).await;
    house.post("web", canary, &[("x-api-key", "canary-api-key")]).await;
    drop(guard);
    let log = log.text();
    assert!(log.contains(&kept.lead().to_string()) && log.contains("InvalidLead"), "{log}");
    let everything = format!("{log}{}{:?}", house.metrics.text(), house.store.last()).to_lowercase();
    for secret in ["canar", "8675309", "web-key", "90210"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

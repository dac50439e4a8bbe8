//! Nothing personal leaves by a side door.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::level_filters::LevelFilter;

use super::house::House;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_leads_values_are_in_no_log_line_metric_or_debug_output() {
    let house = House::new();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let canary = r#"{"first_name":"Canarina","email":"canary.bird@example.com","phone":"555-867-5309","zip":"90210","canary":"Canarina"}"#;
    let kept = house.post("web", canary, &[("idempotency-key", "canary-key"), ("x-api-key", "web-key")]).await;
    house.post("web", canary.replace("555-867-5309", "canary"), &[]).await;
    house.post("web", canary.replace("\"zip\"", "zip"), &[]).await;
    house.post("web", canary, &[("x-api-key", "canary-api-key")]).await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(&kept.lead().to_string()) && log.contains("InvalidLead"), "{log}");
    let everything = format!("{log}{}{:?}", house.metrics.text(), house.store.last()).to_lowercase();
    for secret in ["canar", "8675309", "web-key", "90210"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

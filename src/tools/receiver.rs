//! The sample CRM that `leadflow quickstart` starts, so that the sample manifests have somewhere to deliver to. It keeps nothing but a count
//! and the ids that it gave; it shows and logs nothing of a lead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// How many idempotency keys are remembered.
const REMEMBERED: usize = 100_000;

#[derive(Default)]
struct Crm {
    leads: u64,
    /// Idempotency key → the lead's number.
    keys: HashMap<String, u64>,
    /// The keys, oldest first.
    order: VecDeque<String>,
}

type Shared = Arc<Mutex<Crm>>;

/// The sample CRM's pages.
pub fn router() -> Router {
    Router::new().route("/", get(count)).route("/api/v1/leads", post(take)).with_state(Shared::default())
}

async fn count(State(crm): State<Shared>) -> String {
    format!("This is the sample CRM of LeadFlow's quickstart. It has {} leads.\n", lock(&crm).leads)
}

/// Takes any JSON. The same `Idempotency-Key` gets the same answer.
async fn take(State(crm): State<Shared>, headers: HeaderMap, Json(_): Json<Value>) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let number = lock(&crm).number(key);
    (StatusCode::CREATED, Json(json!({"id": format!("crm-{number:06}")})))
}

impl Crm {
    fn number(&mut self, key: Option<&str>) -> u64 {
        if let Some(number) = key.and_then(|key| self.keys.get(key)) {
            return *number;
        }
        self.leads += 1;
        if let Some(key) = key {
            if self.order.len() == REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.keys.remove(&oldest);
            }
            self.keys.insert(key.to_owned(), self.leads);
            self.order.push_back(key.to_owned());
        }
        self.leads
    }
}

fn lock(crm: &Shared) -> MutexGuard<'_, Crm> {
    crm.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn send(app: &Router, request: Request<Body>) -> (StatusCode, String) {
        let answer = app.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    fn lead(key: &str) -> Request<Body> {
        let request = Request::post("/api/v1/leads").header("content-type", "application/json").header("idempotency-key", key);
        request.body(Body::from(r#"{"first_name":"Jane"}"#)).unwrap()
    }

    #[tokio::test]
    async fn the_same_key_gets_the_same_id_and_counts_once() {
        let app = router();
        let first = send(&app, lead("a")).await;
        assert_eq!(first, (StatusCode::CREATED, r#"{"id":"crm-000001"}"#.to_owned()));
        assert_eq!(send(&app, lead("a")).await, first);
        assert_eq!(send(&app, lead("b")).await.1, r#"{"id":"crm-000002"}"#);
        let page = send(&app, Request::get("/").body(Body::empty()).unwrap()).await.1;
        assert!(page.contains("sample CRM") && page.contains("2 leads") && !page.contains("Jane"), "{page}");
    }

    #[test]
    fn only_so_many_keys_are_remembered() {
        let mut crm = Crm::default();
        for number in 0..=REMEMBERED {
            crm.number(Some(&number.to_string()));
        }
        assert_eq!((crm.keys.len(), crm.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(crm.number(Some("0")), REMEMBERED as u64 + 2, "the oldest key is forgotten");
    }
}

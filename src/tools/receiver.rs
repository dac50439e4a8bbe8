//! The sample CRM: somewhere to deliver to, for `leadflow quickstart` and for trying things on a cluster. It keeps nothing but counts and the ids that it
//! saw and gave; it shows and logs nothing of a lead.
//!
//! | request | answer |
//! |---|---|
//! | `POST /api/v1/leads` | takes a lead: 201 and a record id, or the status that it was told to answer |
//! | `GET /` | how many leads it has |
//! | `GET /leads` | the ids of the leads, as the sender knows them (`external_id`), and how many posts there were |
//! | `PUT /status/{code}` | answers this status from now on; 201 to be well again |

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::ops::shutdown::{Shutdown, Signals};

/// How many leads are remembered.
const REMEMBERED: usize = 100_000;

struct Crm {
    leads: u64,
    /// Posts, refused ones and repeated ones with them.
    posts: u64,
    /// What is answered.
    status: StatusCode,
    /// Idempotency key → the lead's number.
    keys: HashMap<String, u64>,
    /// The keys and the senders' ids, oldest first.
    order: VecDeque<(String, Option<String>)>,
}

impl Default for Crm {
    fn default() -> Self {
        Self { leads: 0, posts: 0, status: StatusCode::CREATED, keys: HashMap::new(), order: VecDeque::new() }
    }
}

type Shared = Arc<Mutex<Crm>>;

/// The sample CRM's pages.
pub fn router() -> Router {
    Router::new()
        .route("/", get(count))
        .route("/leads", get(list))
        .route("/api/v1/leads", post(take))
        .route("/status/{code}", put(answer))
        .with_state(Shared::default())
}

/// Serves them until the process is told to end.
pub async fn run(address: IpAddr, port: u16) -> io::Result<()> {
    let shutdown = Shutdown::default();
    let signals = Signals::listen()?;
    let drain = shutdown.drain();
    let listener = TcpListener::bind((address, port)).await?;
    let served = axum::serve(listener, router()).with_graceful_shutdown(drain.cancelled_owned());
    tokio::select! {
        served = served => served,
        () = shutdown.follow(signals) => Ok(()),
    }
}

async fn count(State(crm): State<Shared>) -> String {
    format!("This is LeadFlow's sample CRM. It has {} leads.\n", lock(&crm).leads)
}

async fn list(State(crm): State<Shared>) -> Json<Value> {
    let crm = lock(&crm);
    let ids: Vec<_> = crm.order.iter().filter_map(|(_, id)| id.as_deref()).collect();
    Json(json!({"leads": crm.leads, "posts": crm.posts, "ids": ids}))
}

async fn answer(State(crm): State<Shared>, Path(code): Path<u16>) -> StatusCode {
    match StatusCode::from_u16(code) {
        Ok(status) => {
            lock(&crm).status = status;
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// Takes any JSON. The same `Idempotency-Key` gets the same answer.
async fn take(State(crm): State<Shared>, headers: HeaderMap, Json(lead): Json<Value>) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let mut crm = lock(&crm);
    crm.posts += 1;
    if crm.status != StatusCode::CREATED {
        return (crm.status, Json(json!({"error": "this is the answer that the sample CRM was told to give"})));
    }
    let number = crm.number(key, lead.get("external_id").and_then(Value::as_str));
    (StatusCode::CREATED, Json(json!({"id": format!("crm-{number:06}")})))
}

impl Crm {
    fn number(&mut self, key: Option<&str>, id: Option<&str>) -> u64 {
        if let Some(number) = key.and_then(|key| self.keys.get(key)) {
            return *number;
        }
        self.leads += 1;
        if let Some(key) = key {
            if self.order.len() == REMEMBERED
                && let Some((oldest, _)) = self.order.pop_front()
            {
                self.keys.remove(&oldest);
            }
            self.keys.insert(key.to_owned(), self.leads);
            self.order.push_back((key.to_owned(), id.map(str::to_owned)));
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
        request.body(Body::from(r#"{"first_name":"Jane","external_id":"lead-1"}"#)).unwrap()
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
            crm.number(Some(&number.to_string()), None);
        }
        assert_eq!((crm.keys.len(), crm.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(crm.number(Some("0"), None), REMEMBERED as u64 + 2, "the oldest key is forgotten");
    }

    #[tokio::test]
    async fn it_answers_as_it_is_told_to_and_tells_the_senders_ids() {
        let app = router();
        let told = |code| Request::put(format!("/status/{code}")).body(Body::empty()).unwrap();
        assert_eq!(send(&app, told("503")).await.0, StatusCode::NO_CONTENT);
        assert_eq!(send(&app, lead("a")).await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(send(&app, told("9")).await.0, StatusCode::BAD_REQUEST);
        send(&app, told("201")).await;
        assert_eq!(send(&app, lead("a")).await.0, StatusCode::CREATED);
        let (_, list) = send(&app, Request::get("/leads").body(Body::empty()).unwrap()).await;
        assert_eq!(list, r#"{"ids":["lead-1"],"leads":1,"posts":2}"#);
    }
}

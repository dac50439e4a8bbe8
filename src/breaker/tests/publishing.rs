use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value as Json, json};
use tokio::sync::{Semaphore, mpsc};

use super::{at, plus};
use crate::api::endpoint::{CircuitMode, CircuitReason, CircuitState};
use crate::breaker::Transition;
use crate::breaker::machine::View;
use crate::breaker::publish::Publisher;
use crate::ops::metrics::Metrics;

/// An API server with one Endpoint, that writes down what it is asked.
#[derive(Clone)]
struct Server {
    endpoint: Arc<Mutex<Json>>,
    /// Answers to the next writes of status; then 200.
    fail: Arc<Mutex<VecDeque<StatusCode>>>,
    asked: mpsc::UnboundedSender<(String, Json)>,
    /// Holds reads back until it has permits.
    gate: Arc<Semaphore>,
    /// What somebody else makes the circuit just before the next write of status arrives.
    meddled: Arc<Mutex<Option<Json>>>,
}

impl Server {
    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
        let (head, body) = request.into_parts();
        let what = format!("{} {}", head.method, head.uri.path_and_query().unwrap());
        let body = body.collect().await.unwrap().to_bytes();
        let body: Json = serde_json::from_slice(&body).unwrap_or_default();
        let (status, answer) = if head.method == Method::GET {
            drop(self.gate.acquire().await.unwrap());
            match self.endpoint.lock().unwrap().clone() {
                Json::Null => (StatusCode::NOT_FOUND, json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})),
                object => (StatusCode::OK, object),
            }
        } else {
            self.asked.send((what.clone(), body.clone())).unwrap();
            let failure = what.contains("/status").then(|| self.fail.lock().unwrap().pop_front()).flatten();
            let mut endpoint = self.endpoint.lock().unwrap();
            if let Some(circuit) = self.meddled.lock().unwrap().take() {
                endpoint["status"]["circuit"] = circuit;
                endpoint["metadata"]["resourceVersion"] = json!("8");
            }
            let failure = failure.or_else(|| {
                let stale = what.contains("/status") && body["metadata"]["resourceVersion"] != endpoint["metadata"]["resourceVersion"];
                stale.then_some(StatusCode::CONFLICT)
            });
            match failure {
                Some(code) => (code, json!({"kind": "Status", "status": "Failure", "reason": "x", "code": code.as_u16()})),
                None if what.contains("/events") => (StatusCode::CREATED, body),
                None => {
                    endpoint["status"] = body["status"].clone();
                    (StatusCode::OK, endpoint.clone())
                }
            }
        };
        Ok(Response::builder().status(status).body(Body::from(answer.to_string().into_bytes())).unwrap())
    }
}

struct Cluster {
    server: Server,
    asked: mpsc::UnboundedReceiver<(String, Json)>,
    tell: mpsc::Sender<Transition>,
    metrics: Arc<Metrics>,
    task: tokio::task::JoinHandle<()>,
}

impl Cluster {
    fn start(endpoint: Json, fail: &[StatusCode]) -> Self {
        let (heard, asked) = mpsc::unbounded_channel();
        let server = Server {
            endpoint: Arc::new(Mutex::new(endpoint)),
            fail: Arc::new(Mutex::new(fail.iter().copied().collect())),
            asked: heard,
            gate: Arc::new(Semaphore::new(1)),
            meddled: Arc::default(),
        };
        let service = server.clone();
        let client = kube::Client::new(tower::service_fn(move |request| service.clone().answer(request)), "prod");
        let metrics = Arc::new(Metrics::new().unwrap());
        let (tell, queue) = mpsc::channel(16);
        let task = tokio::spawn(Publisher::new(client, "prod", "router-a", metrics.clone()).run(queue));
        Self { server, asked, tell, metrics, task }
    }

    async fn next(&mut self) -> (String, Json) {
        self.asked.recv().await.unwrap()
    }

    /// Ends the publisher and returns what it wrote besides.
    async fn end(mut self) -> Vec<(String, Json)> {
        drop(self.tell);
        self.task.await.unwrap();
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }
}

fn endpoint(conditions: Json) -> Json {
    json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint",
        "metadata": {"name": "crm", "namespace": "prod", "uid": "u-1", "generation": 4, "resourceVersion": "7"},
        "spec": {"http": {"url": "https://crm.example.com/"}},
        "status": {"conditions": conditions},
    })
}

fn transition(state: CircuitState, reason: CircuitReason, since: i64) -> Transition {
    let retry_at = (state == CircuitState::Tripped).then(|| at(since + 30));
    Transition {
        endpoint: "crm".to_owned(),
        uid: Some("u-1".to_owned()),
        generation: Some(4),
        mode: CircuitMode::Auto,
        view: View { state, reason, since: at(since), retry_at },
        recovered: state == CircuitState::Serving,
    }
}

fn trip() -> Transition {
    transition(CircuitState::Tripped, CircuitReason::ConsecutiveFailures, 0)
}

#[tokio::test]
async fn a_trip_is_applied_to_status_whole_and_told_as_an_event() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[]);
    cluster.tell.send(trip()).await.unwrap();
    let (what, patch) = cluster.next().await;
    assert_eq!(what, "PATCH /apis/leadflow.dev/v1alpha1/namespaces/prod/leadendpoints/crm/status?&force=true&fieldManager=leadflow-router");
    let expected = json!({
        "apiVersion": "leadflow.dev/v1alpha1", "kind": "Endpoint", "metadata": {"name": "crm", "uid": "u-1", "resourceVersion": "7"},
        "status": {
            "circuit": {"state": "Tripped", "reason": "ConsecutiveFailures", "since": "2027-01-15T08:00:00Z",
                        "retryAt": "2027-01-15T08:00:30Z", "reportedBy": "router-a"},
            "conditions": [{"type": "Available", "status": "False", "reason": "CircuitTripped", "observedGeneration": 4,
                            "lastTransitionTime": "2027-01-15T08:00:00Z",
                            "message": "Left alone until 2027-01-15T08:00:30Z: too many requests in a row failed."}],
        },
    });
    assert_eq!(patch, expected);
    let (what, event) = cluster.next().await;
    assert!(what.starts_with("POST /apis/events.k8s.io/v1/namespaces/prod/events"), "{what}");
    assert_eq!(
        (&event["reason"], &event["type"], &event["regarding"]["name"]),
        (&json!("CircuitTripped"), &json!("Warning"), &json!("crm"))
    );
    assert_eq!(cluster.end().await, []);
}

#[tokio::test]
async fn others_are_told_of_no_earlier_time_than_this_router_goes_by() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[]);
    let mut trip = trip();
    trip.view.retry_at = Some(plus(at(30), 1));
    cluster.tell.send(trip).await.unwrap();
    let (_, patch) = cluster.next().await;
    assert_eq!(patch["status"]["circuit"]["retryAt"], "2027-01-15T08:00:31Z");
}

#[tokio::test]
async fn the_time_of_a_condition_that_does_not_flip_stays_and_probing_has_no_event() {
    let before = json!([{"type": "Available", "status": "False", "reason": "CircuitTripped", "message": "", "lastTransitionTime": "2027-01-15T07:00:00Z"}]);
    let mut cluster = Cluster::start(endpoint(before), &[]);
    cluster.tell.send(transition(CircuitState::Probing, CircuitReason::ProbeDue, 30)).await.unwrap();
    let (_, patch) = cluster.next().await;
    let condition = &patch["status"]["conditions"][0];
    assert_eq!((&condition["reason"], &condition["lastTransitionTime"]), (&json!("CircuitProbing"), &json!("2027-01-15T07:00:00Z")));
    cluster.tell.send(transition(CircuitState::Serving, CircuitReason::Recovered, 31)).await.unwrap();
    let (_, patch) = cluster.next().await;
    let condition = &patch["status"]["conditions"][0];
    assert_eq!((&condition["status"], &condition["lastTransitionTime"]), (&json!("True"), &json!("2027-01-15T08:00:31Z")));
    assert_eq!(cluster.next().await.1["reason"], "CircuitRecovered");
    assert_eq!(cluster.end().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_made_again() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::CONFLICT]);
    cluster.tell.send(trip()).await.unwrap();
    let first = cluster.next().await;
    assert_eq!(cluster.next().await, first);
    assert_eq!(cluster.next().await, first);
    assert!(cluster.next().await.0.contains("/events"), "the third write succeeded");
    // A conflict is no failure: it is written again at once.
    assert_eq!(cluster.metrics.circuit_unpublished.with_label_values(&["error"]).get(), 1);
}

fn told(router: &str, state: &str, since: i64) -> Json {
    json!({"state": state, "reason": "FailureRate", "since": at(since).to_string(), "reportedBy": router})
}

#[tokio::test]
async fn older_news_never_overwrites_what_another_router_told_since() {
    let cases = [
        ("router-b", "Tripped", 11, 0),
        // Of the same second, bad news counts.
        ("router-b", "Tripped", 10, 0),
        ("router-b", "Serving", 10, 1),
        ("router-b", "Tripped", 9, 1),
        ("router-a", "Tripped", 11, 1),
    ];
    for (router, state, since, written) in cases {
        for failures in [&[][..], &[StatusCode::INTERNAL_SERVER_ERROR]] {
            let mut endpoint = endpoint(json!([]));
            endpoint["status"]["circuit"] = told(router, state, since);
            let mut cluster = Cluster::start(endpoint, failures);
            cluster.tell.send(transition(CircuitState::Serving, CircuitReason::Recovered, 10)).await.unwrap();
            // One that fails is sent again.
            for _ in 0..written * failures.len() {
                assert!(cluster.next().await.0.starts_with("PATCH"));
            }
            let patches = cluster.end().await.iter().filter(|(what, _)| what.starts_with("PATCH")).count();
            assert_eq!(patches, written, "{router} told {state} at {since}");
        }
    }
}

#[tokio::test]
async fn of_two_routers_that_write_at_once_the_later_one_reads_again() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[]);
    *cluster.server.meddled.lock().unwrap() = Some(told("router-b", "Tripped", 11));
    cluster.tell.send(transition(CircuitState::Serving, CircuitReason::Recovered, 10)).await.unwrap();
    assert!(cluster.next().await.0.starts_with("PATCH"));
    let server = cluster.server.clone();
    assert_eq!(cluster.end().await, [], "it learns of the newer word and gives way");
    assert_eq!(server.endpoint.lock().unwrap()["status"]["circuit"]["reportedBy"], "router-b");
}

#[tokio::test]
async fn only_the_router_that_turns_an_endpoint_tells_of_it_in_an_event() {
    let recovery = || transition(CircuitState::Serving, CircuitReason::Recovered, 10);
    let later_trip = || Transition { view: View { since: at(10), ..trip().view }, ..trip() };
    let cases = [
        (later_trip(), Some("Serving"), Some("CircuitTripped")),
        (later_trip(), None, Some("CircuitTripped")),
        (later_trip(), Some("Tripped"), None),
        (later_trip(), Some("Probing"), None),
        (recovery(), Some("Probing"), Some("CircuitRecovered")),
        (recovery(), Some("Tripped"), Some("CircuitRecovered")),
        (recovery(), Some("Serving"), None),
    ];
    for (transition, state, reason) in cases {
        let mut endpoint = endpoint(json!([]));
        if let Some(state) = state {
            endpoint["status"]["circuit"] = told("router-b", state, 5);
        }
        let mut cluster = Cluster::start(endpoint, &[]);
        cluster.tell.send(transition.clone()).await.unwrap();
        assert!(cluster.next().await.0.starts_with("PATCH"));
        let events: Vec<_> = cluster.end().await.into_iter().map(|(_, event)| event["reason"].as_str().unwrap().to_owned()).collect();
        assert_eq!(events.first().map(String::as_str), reason, "{:?} after {state:?}", transition.view.state);
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_answer_is_given_up_and_asked_again() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[]);
    let shut = cluster.server.gate.clone().acquire_owned().await.unwrap();
    cluster.tell.send(trip()).await.unwrap();
    while cluster.metrics.circuit_unpublished.with_label_values(&["error"]).get() < 3 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    drop(shut);
    assert!(cluster.next().await.0.contains("/status"));
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_transition_of_an_endpoint_is_written() {
    let mut cluster = Cluster::start(endpoint(json!([])), &[StatusCode::INTERNAL_SERVER_ERROR]);
    cluster.tell.send(trip()).await.unwrap();
    cluster.next().await;
    cluster.tell.send(transition(CircuitState::Probing, CircuitReason::ProbeDue, 30)).await.unwrap();
    cluster.tell.send(transition(CircuitState::Serving, CircuitReason::Recovered, 31)).await.unwrap();
    let states: Vec<String> =
        cluster.end().await.iter().filter_map(|(_, body)| body["status"]["circuit"]["state"].as_str().map(str::to_owned)).collect();
    assert_eq!(states.last().map(String::as_str), Some("Serving"));
    assert!(!states.contains(&"Tripped".to_owned()), "{states:?}: old news is not written again");
}

#[tokio::test]
async fn an_endpoint_that_was_deleted_or_made_anew_is_left_as_it_is() {
    let cluster = Cluster::start(Json::Null, &[]);
    cluster.tell.send(trip()).await.unwrap();
    assert_eq!(cluster.end().await, []);

    let cluster = Cluster::start(endpoint(json!([])), &[]);
    cluster.tell.send(Transition { uid: Some("u-0".to_owned()), ..trip() }).await.unwrap();
    assert_eq!(cluster.end().await, []);
}

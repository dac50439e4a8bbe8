use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request as Incoming, StatusCode};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::api::routing_policy::AfterTimeout;
use crate::breaker::Breakers;
use crate::connect::{HttpSender, Sender, Sent};
use crate::flow::deliver::probe::Probes;
use crate::flow::deliver::{Deliverer, Ended, NotRecorded, Order, RecordTry, SoFar};
use crate::flow::ports::{Clock, LoadedDice, StillClock, SystemClock};
use crate::lead::attempt::FailureCause;
use crate::lead::{Attempt, AttemptResult, Request};
use crate::ops::metrics::Metrics;
use crate::table::Secrets;
use crate::table::endpoint::EndpointRules;
use crate::table::endpoint::fixture::valid;

/// What the receiver was sent.
type Seen = (HeaderMap, String);

/// A receiver on loopback that answers as its paths say and tells what it got.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Seen>) {
    let (tell, seen) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(tell);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), seen)
}

async fn answer(State(tell): State<mpsc::UnboundedSender<Seen>>, incoming: Incoming<Body>) -> Response {
    let (head, body) = incoming.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    tell.send((head.headers, String::from_utf8(body.to_vec()).unwrap())).unwrap();
    match head.uri.path() {
        "/ok" => (StatusCode::CREATED, r#"{"id": "rec-1"}"#).into_response(),
        "/duplicate" => (StatusCode::CONFLICT, r#"{"id": "rec-1"}"#).into_response(),
        "/refused" => (StatusCode::UNPROCESSABLE_ENTITY, r#"{"why": "no such area"}"#).into_response(),
        "/broken" => (StatusCode::INTERNAL_SERVER_ERROR, [("retry-after", "9")]).into_response(),
        "/broken-quietly" => StatusCode::BAD_GATEWAY.into_response(),
        "/throttled" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response(),
        "/redirect" => (StatusCode::SEE_OTHER, [("location", "/ok")]).into_response(),
        "/hang" => std::future::pending().await,
        "/drop" => panic!("the connection drops"),
        "/huge" => "x".repeat(300 * 1024).into_response(),
        "/no" => r#"{"success": 0, "why": "full"}"#.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

const RESPONSE: &str = "{duplicate: {status: ['409']}, refused: {body: {jsonPointer: /success, is: ['0']}}, \
                        recordId: {jsonPointer: /id}, reason: {jsonPointer: /why}}";

fn endpoint(url: &str) -> EndpointRules {
    let mut rules = valid(&format!("http: {{url: '{url}', response: {RESPONSE}}}"));
    rules.timeout = Duration::from_secs(5);
    rules
}

fn request(url: &str) -> Request {
    Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers: vec![("x-zip".to_owned(), "02134".to_owned())],
        content_type: "application/json".to_owned(),
        body: r#"{"a":1}"#.to_owned(),
    }
}

fn sender(allow: &[&str]) -> HttpSender {
    let allow: Vec<IpNet> = allow.iter().map(|net| net.parse().unwrap()).collect();
    HttpSender::new(allow, Arc::new(StillClock::at("2026-11-22T10:00:00Z".parse().unwrap()))).unwrap()
}

async fn send_to(url: &str) -> Sent {
    sender(&["127.0.0.0/8"]).send(&endpoint(url), &Secrets::default(), &request(url), "key-1").await
}

fn failed(cause: FailureCause) -> AttemptResult {
    AttemptResult::Failed { cause }
}

#[tokio::test]
async fn answers_of_a_real_receiver_are_read() {
    let (base, _seen) = receiver().await;
    let text = |text: &str| Some(text.to_owned());
    for (path, status, retry_after, result) in [
        ("/ok", 201, None, AttemptResult::Accepted { record_id: text("rec-1") }),
        ("/duplicate", 409, None, AttemptResult::Duplicate { record_id: text("rec-1") }),
        ("/refused", 422, None, AttemptResult::Refused { reason: text("no such area") }),
        ("/no", 200, None, AttemptResult::Refused { reason: text("full") }),
        ("/broken", 500, Some(9), failed(FailureCause::Status)),
        ("/throttled", 429, Some(7), AttemptResult::Throttled),
        ("/redirect", 303, None, AttemptResult::Refused { reason: None }),
        ("/huge", 200, None, AttemptResult::Ambiguous { cause: FailureCause::AnswerTooLarge }),
    ] {
        let sent = send_to(&format!("{base}{path}")).await;
        assert_eq!((sent.status, sent.retry_after, sent.result), (Some(status), retry_after.map(Duration::from_secs), result), "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (base, mut seen) = receiver().await;
    send_to(&format!("{base}/redirect")).await;
    seen.recv().await.unwrap();
    assert!(seen.try_recv().is_err(), "only one request came");
}

#[tokio::test]
async fn a_request_that_went_and_got_no_answer_is_ambiguous() {
    let (base, mut seen) = receiver().await;
    let sent = send_to(&format!("{base}/drop")).await;
    assert_eq!(sent.result, AttemptResult::Ambiguous { cause: FailureCause::Broken });
    assert!(seen.recv().await.is_some());

    let url = format!("{base}/hang");
    let mut rules = endpoint(&url);
    rules.timeout = Duration::from_secs(1);
    let sent = sender(&["127.0.0.0/8"]).send(&rules, &Secrets::default(), &request(&url), "key-1").await;
    assert_eq!(sent.result, AttemptResult::Ambiguous { cause: FailureCause::Timeout });
    assert!(seen.recv().await.is_some());
}

#[tokio::test]
async fn a_request_that_never_went_has_surely_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(send_to(&url).await.result, failed(FailureCause::Connect), "nobody listens");

    // It connects, but TLS is never spoken: nothing of the request can have gone.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let mut rules = endpoint(&url);
    rules.timeout = Duration::from_secs(1);
    let sent = sender(&["127.0.0.0/8"]).send(&rules, &Secrets::default(), &request(&url), "key-1").await;
    assert_eq!(sent.result, failed(FailureCause::Connect));
}

#[tokio::test]
async fn every_try_sends_the_same_key_headers_and_body() {
    let (base, mut seen) = receiver().await;
    let url = format!("{base}/broken");
    send_to(&url).await;
    send_to(&url).await;
    let (first, second) = (seen.recv().await.unwrap(), seen.recv().await.unwrap());
    assert_eq!(first, second);
    let header = |name: &str| first.0.get(name).unwrap().to_str().unwrap();
    assert_eq!((header("idempotency-key"), header("x-zip"), header("content-type")), ("key-1", "02134", "application/json"));
    assert_eq!((header("content-length"), first.1.as_str()), ("7", r#"{"a":1}"#));
    assert!(header("user-agent").starts_with("leadflow/"));
}

#[tokio::test]
async fn credentials_come_from_secrets_at_the_time_of_sending() {
    let (base, mut seen) = receiver().await;
    let url = format!("{base}/ok");
    let at = |key: &str| format!("{{secretKeyRef: {{name: crm, key: {key}}}}}");
    let bearer = format!("{{bearer: {{tokenFrom: {}}}}}", at("token"));
    let basic = format!("{{basic: {{usernameFrom: {}, passwordFrom: {}}}}}", at("user"), at("password"));
    let entries = [("token", "t0k3n\n"), ("user", "jane"), ("password", "s3cret")];
    let entries = entries.map(|(key, value)| (key.to_owned(), Zeroizing::new(value.as_bytes().to_vec()))).into();
    let secrets = Secrets([("crm".to_owned(), Arc::new(entries))].into());

    for (auth, expected) in [(bearer.as_str(), "Bearer t0k3n"), (&basic, "Basic amFuZTpzM2NyZXQ=")] {
        let rules = valid(&format!("http: {{url: '{url}', auth: {auth}}}"));
        let sender = sender(&["127.0.0.0/8"]);
        sender.send(&rules, &secrets, &request(&url), "key-1").await;
        assert_eq!(seen.recv().await.unwrap().0.get("authorization").unwrap(), expected);

        let sent = sender.send(&rules, &Secrets::default(), &request(&url), "key-1").await;
        assert_eq!(sent.result, failed(FailureCause::Secret));
        assert!(seen.try_recv().is_err(), "nothing is sent without its credential");
    }
}

#[tokio::test]
async fn inner_addresses_are_refused_by_number_and_by_name() {
    let (base, mut seen) = receiver().await;
    let port = base.rsplit_once(':').unwrap().1;
    for host in ["127.0.0.1", "localhost", "localhost.", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254"] {
        let url = format!("http://{host}:{port}/ok");
        let sent = sender(&[]).send(&endpoint(&url), &Secrets::default(), &request(&url), "key-1").await;
        assert_eq!(sent.result, failed(FailureCause::Address), "{host}");
    }
    assert!(seen.try_recv().is_err(), "no request came");
}

#[tokio::test]
async fn the_allow_list_changes_while_the_sender_is_in_use() {
    let (base, _seen) = receiver().await;
    let port = base.rsplit_once(':').unwrap().1;
    let sender = sender(&[]);
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{port}/ok");
        let send = async || sender.send(&endpoint(&url), &Secrets::default(), &request(&url), "key-1").await.result;
        sender.set_allow(vec!["127.0.0.0/8".parse().unwrap()]).unwrap();
        assert!(matches!(send().await, AttemptResult::Accepted { .. }), "{host}");
        sender.set_allow(vec![]).unwrap();
        assert_eq!(send().await, failed(FailureCause::Address), "{host}: not by a connection that was made before either");
    }
}

struct NoBook;

#[async_trait::async_trait]
impl RecordTry for NoBook {
    async fn record(&self, _: &Attempt) -> Result<(), NotRecorded> {
        Ok(())
    }
}

struct Anybody;

#[async_trait::async_trait]
impl Probes for Anybody {
    async fn allow(&self, _: &str, _: &str, _: Timestamp, _: Timestamp) -> bool {
        true
    }
}

#[tokio::test]
async fn all_tries_of_a_delivery_are_the_same_on_the_wire_and_failures_trip_the_circuit() {
    let (base, mut seen) = receiver().await;
    let url = format!("{base}/broken-quietly");
    let mut rules = valid(&format!("http: {{url: '{url}', response: {RESPONSE}}}\nbreaker: {{consecutiveFailures: 3}}"));
    rules.timeout = Duration::from_secs(5);
    let rules = Arc::new(rules);
    let clock = Arc::new(SystemClock);
    let (metrics, dice) = (Arc::new(Metrics::new().unwrap()), Arc::new(LoadedDice(10)));
    let breakers = Arc::new(Breakers::new(dice.clone(), metrics.clone(), None));
    let deliverer =
        Deliverer::new(Arc::new(sender(&["127.0.0.0/8"])), breakers.clone(), Arc::new(Anybody), clock.clone(), dice, metrics.clone());
    deliverer.configure(&[("crm".to_owned(), rules.clone())].into());
    let (delivery, request) = (super::delivery(), request(&url));
    let order = Order {
        endpoint: &rules,
        secrets: &Secrets::default(),
        delivery: &delivery,
        request: &request,
        so_far: SoFar::default(),
        after_timeout: AfterTimeout::Settle,
        deadline: clock.now() + SignedDuration::from_secs(60),
    };
    let ended = deliverer.deliver(order, &NoBook).await;
    assert!(matches!(ended, Ended::Failed { attempt: Some(Attempt { number: 3, status: Some(502), .. }) }), "{ended:?}");
    let first = seen.recv().await.unwrap();
    assert_eq!(first.0.get("idempotency-key").unwrap(), &delivery.key());
    assert_eq!((seen.recv().await.unwrap(), seen.recv().await.unwrap()), (first.clone(), first));
    assert!(breakers.unavailable(clock.now()).contains_key("crm"));
    assert_eq!(metrics.attempts.with_label_values(&["crm", "failed"]).get(), 3);
}

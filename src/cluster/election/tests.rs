use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::campaign::Campaign;
use super::candidacy::{Candidacy, Deed};
use super::fence::fenced;
use super::lead::{self, Lead};
use super::{EVERY, HELD, TERM};
use crate::flow::ports::{Clock, StillClock};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn lease(holder: &str, version: &str) -> Lease {
    serde_json::from_value(json!({
        "metadata": {"name": "leadflow-operator", "namespace": "system", "resourceVersion": version, "annotations": {"a": "user's"}},
        // Times of another machine's clock, which is days ahead.
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 3,
                 "acquireTime": "2030-01-01T00:00:00.000000Z", "renewTime": "2030-01-01T00:00:00.000000Z"},
    }))
    .unwrap()
}

fn replaced(deed: Deed) -> Lease {
    let Deed::Replace(lease) = deed else { panic!("{deed:?}") };
    *lease
}

#[test]
fn a_lease_lapses_by_how_long_no_change_of_it_was_seen() {
    let start = Instant::now();
    let mut b = Candidacy::new("system", "b");
    b.see(Some(lease("a", "1")), start);
    b.see(Some(lease("a", "1")), start + Duration::from_secs(14));
    assert_eq!(b.deed(start + Duration::from_secs(14), at(0)), Deed::Wait);
    b.see(Some(lease("a", "2")), start + Duration::from_secs(14));
    assert_eq!(b.deed(start + Duration::from_secs(28), at(0)), Deed::Wait, "it was renewed");
    let taken = replaced(b.deed(start + Duration::from_secs(29), at(7)));
    assert_eq!(taken.metadata.resource_version.as_deref(), Some("2"), "of two who take it one fails");
    assert_eq!(taken.metadata.annotations.unwrap()["a"], "user's");
    let spec = taken.spec.unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions, spec.lease_duration_seconds), (Some("b"), Some(4), Some(15)));
    assert_eq!((spec.acquire_time.unwrap().0, spec.renew_time.unwrap().0), (at(7), at(7)));
}

#[test]
fn a_renewal_is_no_new_acquisition() {
    let start = Instant::now();
    let mut a = Candidacy::new("system", "a");
    let Deed::Create(first) = a.deed(start, at(1)) else { panic!("there is no Lease yet") };
    assert_eq!(first.spec.as_ref().unwrap().lease_transitions, Some(0));
    a.see(Some(*first), start);
    assert!(a.is_holder());
    let spec = replaced(a.deed(start, at(3))).spec.unwrap();
    assert_eq!((spec.acquire_time.unwrap().0, spec.renew_time.unwrap().0, spec.lease_transitions), (at(1), at(3), Some(0)));
}

#[test]
fn a_lease_that_was_given_back_is_free_at_once_and_only_ones_own_is_given_back() {
    let start = Instant::now();
    let mut a = Candidacy::new("system", "a");
    a.see(Some(lease("a", "1")), start);
    let free = a.released(at(5)).unwrap();
    let mut b = Candidacy::new("system", "b");
    b.see(Some(lease("a", "1")), start);
    assert_eq!(b.released(at(5)), None);
    b.see(Some(Lease { metadata: lease("", "2").metadata, ..free }), start);
    assert_eq!(replaced(b.deed(start, at(6))).spec.unwrap().lease_transitions, Some(4));
}

/// An API server with one Lease, and whatever else is written.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Value>>,
    /// Who wrote what beside the Lease.
    written: Arc<Mutex<Vec<String>>>,
    /// Calls of these candidates are never answered.
    cut_off: Arc<Mutex<Vec<&'static str>>>,
    changed: Arc<Notify>,
}

impl Server {
    fn client(&self, name: &'static str) -> Client {
        let server = self.clone();
        Client::new(tower::service_fn(move |request| server.clone().answer(name, request)), "system")
    }

    async fn answer(self, name: &'static str, request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
        if self.cut_off.lock().unwrap().contains(&name) {
            std::future::pending::<()>().await;
        }
        let (head, body) = request.into_parts();
        let mut body: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
        if !head.uri.path().contains("/leases") {
            self.written.lock().unwrap().push(name.to_owned());
            return Ok(response(StatusCode::CREATED, &body));
        }
        let mut lease = self.lease.lock().unwrap();
        let version = lease["metadata"]["resourceVersion"].clone();
        let refusal = |code: u16, reason: &str| {
            let status = json!({"kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": reason});
            Ok(response(StatusCode::from_u16(code).unwrap(), &status))
        };
        match (&head.method, version.as_str()) {
            (&Method::GET | &Method::PUT, None) => refusal(404, "NotFound"),
            (&Method::GET, Some(_)) => Ok(response(StatusCode::OK, &lease)),
            (&Method::POST, Some(_)) => refusal(409, "AlreadyExists"),
            (&Method::PUT, Some(_)) if body["metadata"]["resourceVersion"] != version => refusal(409, "Conflict"),
            _ => {
                let next = version.as_str().map_or(1, |version| version.parse::<u64>().unwrap() + 1);
                body["metadata"]["resourceVersion"] = json!(next.to_string());
                *lease = body.clone();
                self.changed.notify_waiters();
                Ok(response(StatusCode::OK, &body))
            }
        }
    }

    fn holder(&self) -> String {
        self.lease.lock().unwrap()["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }
}

fn response(status: StatusCode, body: &Value) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.to_string().into_bytes())).unwrap()
}

/// One candidate at work.
struct Running {
    lead: Lead,
    done: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn run(server: &Server, name: &'static str) -> Running {
    let clock: Arc<dyn Clock> = Arc::new(StillClock::at(at(0)));
    let (campaign, lead) = Campaign::new(server.client(name), "system", name, clock);
    let done = CancellationToken::new();
    Running { lead, task: tokio::spawn(campaign.run(done.clone())), done }
}

#[tokio::test(start_paused = true)]
async fn of_two_one_leads_and_the_other_follows_when_it_dies() {
    let server = Server::default();
    let mut a = run(&server, "a");
    a.lead.won().await;
    let mut b = run(&server, "b");
    sleep(10 * HELD).await;
    assert!(a.lead.holds() && !b.lead.holds());
    a.task.abort();
    let died = Instant::now();
    b.lead.won().await;
    assert_eq!(server.holder(), "b");
    let waited = died.elapsed();
    assert!(waited > HELD - EVERY && waited <= HELD + 2 * EVERY, "{waited:?}");
    assert!(!a.lead.holds(), "nobody renewed its term");
}

#[tokio::test(start_paused = true)]
async fn who_ends_in_good_order_gives_the_lead_back_at_once() {
    let server = Server::default();
    let mut a = run(&server, "a");
    a.lead.won().await;
    let mut b = run(&server, "b");
    sleep(HELD).await;
    a.done.cancel();
    a.task.await.unwrap();
    assert!(!a.lead.holds());
    timeout(2 * EVERY, b.lead.won()).await.expect("it is free");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_can_not_renew_leads_no_more_before_another_may_begin() {
    let server = Server::default();
    let mut a = run(&server, "a");
    a.lead.won().await;
    let mut b = run(&server, "b");
    sleep(HELD).await;
    server.cut_off.lock().unwrap().push("a");
    let cut = Instant::now();
    a.lead.lost().await;
    let ended = cut.elapsed();
    assert!(ended <= TERM, "{ended:?}");
    b.lead.won().await;
    assert!(cut.elapsed() - ended >= Duration::from_secs(2), "there is a pause between two leaders");
    // It is back, and finds another one leading.
    server.cut_off.lock().unwrap().clear();
    sleep(4 * HELD).await;
    assert!(!a.lead.holds() && b.lead.holds());
}

#[tokio::test(start_paused = true)]
async fn who_finds_anothers_name_in_the_lease_leads_no_more_at_once() {
    let server = Server::default();
    let mut a = run(&server, "a");
    a.lead.won().await;
    *server.lease.lock().unwrap() = serde_json::to_value(lease("thief", "77")).unwrap();
    timeout(2 * EVERY, a.lead.lost()).await.expect("it looks at the Lease when its renewal does not fit");
    assert_eq!(server.holder(), "thief");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_touches_or_deletes_stays_the_leaders() {
    let server = Server::default();
    let mut a = run(&server, "a");
    a.lead.won().await;
    server.lease.lock().unwrap()["metadata"]["resourceVersion"] = json!("50");
    server.changed.notified().await;
    assert!(a.lead.holds());
    *server.lease.lock().unwrap() = Value::Null;
    server.changed.notified().await;
    assert!(a.lead.holds());
    assert_eq!(server.holder(), "a");
}

async fn write(client: &Client) -> Result<(), kube::Error> {
    let events = kube::Api::<k8s_openapi::api::core::v1::ConfigMap>::default_namespaced(client.clone());
    events.create(&kube::api::PostParams::default(), &Default::default()).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_writes_and_a_write_under_way_ends_with_the_lead() {
    let server = Server::default();
    let (term, lead) = lead::lead();
    let client = fenced(&server.client("a"), &lead);
    assert!(write(&client).await.unwrap_err().to_string().contains("another operator leads"));
    term.send_replace(Some(Instant::now() + TERM));
    write(&client).await.unwrap();
    assert_eq!(server.written.lock().unwrap().len(), 1);
    server.cut_off.lock().unwrap().push("a");
    let begun = Instant::now();
    assert!(write(&client).await.is_err());
    assert_eq!(begun.elapsed(), TERM);
    server.cut_off.lock().unwrap().clear();
    assert!(write(&client).await.is_err(), "the term is over");
    assert_eq!(server.written.lock().unwrap().len(), 1);
}

mod courses;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;
use crate::flow::ports::LoadedDice;
use crate::lead::{LeadId, RecipientKey};
use crate::table::endpoint::fixture::valid;

/// A clock that goes with tokio's, which tests hold still.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        later(zero(), SignedDuration::try_from(self.0.elapsed()).unwrap())
    }
}

fn zero() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn at(millis: i64) -> Timestamp {
    later(zero(), SignedDuration::from_millis(millis))
}

/// Answers as it was told, in order, and the last answer for ever; each takes 100 ms.
struct Script {
    answers: Mutex<VecDeque<Sent>>,
    sent: Mutex<Vec<(Instant, Request, String)>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// A try ends only when it gets a permit.
    gate: Option<Semaphore>,
}

#[async_trait]
impl Sender for Script {
    async fn send(&self, _: &EndpointRules, _: &Secrets, request: &Request, key: &str) -> Sent {
        self.sent.lock().unwrap().push((Instant::now(), request.clone(), key.to_owned()));
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        match &self.gate {
            Some(gate) => gate.acquire().await.unwrap().forget(),
            None => sleep(Duration::from_millis(100)).await,
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().unwrap().clone() }
    }
}

/// Writes down what is recorded, as long as it can.
#[derive(Default)]
struct Book {
    attempts: Mutex<Vec<Attempt>>,
    broken: AtomicBool,
}

#[async_trait]
impl RecordTry for Book {
    async fn record(&self, attempt: &Attempt) -> Result<(), NotRecorded> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(NotRecorded);
        }
        self.attempts.lock().unwrap().push(attempt.clone());
        Ok(())
    }
}

/// Gives leave to probe to whoever asks, unless another router has it; writes down until when it was given.
#[derive(Default)]
struct Leave {
    elsewhere: AtomicBool,
    given: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Probes for Leave {
    async fn allow(&self, _: &str, _: &str, until: Timestamp, _: Timestamp) -> bool {
        let free = !self.elsewhere.load(Ordering::SeqCst);
        if free {
            self.given.lock().unwrap().push(until);
        }
        free
    }
}

fn sent(result: AttemptResult, status: Option<u16>) -> Sent {
    Sent { result, status, retry_after: None, took: Duration::from_millis(100) }
}

fn accepted() -> Sent {
    sent(AttemptResult::Accepted { record_id: Some("rec-1".to_owned()) }, Some(201))
}

fn refused() -> Sent {
    sent(AttemptResult::Refused { reason: None }, Some(422))
}

fn failed() -> Sent {
    sent(AttemptResult::Failed { cause: FailureCause::Status }, Some(500))
}

fn ambiguous() -> Sent {
    sent(AttemptResult::Ambiguous { cause: FailureCause::Timeout }, None)
}

fn throttled(seconds: Option<u64>) -> Sent {
    Sent { retry_after: seconds.map(Duration::from_secs), ..sent(AttemptResult::Throttled, Some(429)) }
}

struct House {
    script: Arc<Script>,
    deliverer: Deliverer,
    leave: Arc<Leave>,
    endpoint: Arc<EndpointRules>,
    book: Book,
    delivery: Delivery,
    request: Request,
}

impl House {
    fn new(answers: impl IntoIterator<Item = Sent>) -> Self {
        Self::built("", answers, None)
    }

    fn built(more: &str, answers: impl IntoIterator<Item = Sent>, gate: Option<Semaphore>) -> Self {
        let script = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            sent: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            gate,
        });
        let metrics = Arc::new(Metrics::new().unwrap());
        let dice = Arc::new(LoadedDice(u64::MAX / 3));
        let breakers = Arc::new(Breakers::new(dice.clone(), metrics.clone(), None));
        let clock = Arc::new(TokioClock(Instant::now()));
        let leave = Arc::new(Leave::default());
        let deliverer = Deliverer::new(script.clone(), breakers, leave.clone(), clock, dice, metrics);
        let endpoint = Arc::new(valid(&format!("http: {{url: 'https://crm.example.com/'}}\n{more}")));
        deliverer.configure(&[("crm".to_owned(), endpoint.clone())].into());
        let delivery = Delivery {
            lead: LeadId("0193a1b2-0000-7000-8000-000000000001".parse().unwrap()),
            number: 1,
            recipient: RecipientKey::agent("sarah-lee"),
            tier: "t".to_owned(),
            policy: "p".to_owned(),
            endpoint: "crm".to_owned(),
            price: None,
            exclusive: false,
        };
        let request = Request {
            method: "POST".to_owned(),
            url: "https://crm.example.com/".to_owned(),
            headers: vec![],
            content_type: "application/json".to_owned(),
            body: "{}".to_owned(),
        };
        Self { script, deliverer, leave, endpoint, book: Book::default(), delivery, request }
    }

    async fn deliver(&self, so_far: SoFar, after_timeout: AfterTimeout, deadline: Timestamp) -> Ended {
        let order = Order {
            endpoint: &self.endpoint,
            secrets: &Secrets::default(),
            delivery: &self.delivery,
            request: &self.request,
            so_far,
            after_timeout,
            deadline,
        };
        self.deliverer.deliver(order, &self.book).await
    }

    async fn first(&self) -> Ended {
        self.deliver(SoFar::default(), AfterTimeout::Settle, at(60_000)).await
    }

    fn recorded(&self) -> Vec<i32> {
        self.book.attempts.lock().unwrap().iter().map(|attempt| attempt.number).collect()
    }

    fn tries(&self) -> usize {
        self.script.sent.lock().unwrap().len()
    }
}

//! Sources that post many leads at once and do not give up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::installation::{Answered, Installation, KEY};

/// How long a source insists on one lead.
const INSISTS: Duration = Duration::from_secs(120);
/// How long a source rests before it posts the same again.
const REST: Duration = Duration::from_millis(20);

/// The lead of a number: a person of their own.
pub fn lead(number: usize) -> Value {
    json!({"contact": {"first_name": "Pat", "email": format!("pat{number}@example.com")}, "location": {"zip": "90210"}, "budget": number})
}

/// Numbers that look like chance and are the same in each run.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

/// A web form: posts to the source `web`, over connections that it keeps.
#[derive(Clone)]
pub struct Form {
    client: Client,
    url: String,
}

impl Form {
    pub fn of(installation: &Installation) -> Form {
        Form { client: installation.client().clone(), url: installation.url("/v1/sources/web/leads") }
    }

    /// Posts a lead under an idempotency key until it is taken. Returns its id.
    pub async fn insist(&self, lead: &Value, key: &str) -> String {
        let deadline = Instant::now() + INSISTS;
        loop {
            let request = self.client.post(&self.url).header("x-api-key", KEY).header("idempotency-key", key);
            let problem = match request.json(lead).send().await {
                Ok(response) if response.status().is_server_error() => format!("{}", response.status()),
                Ok(response) => match response.error_for_status_ref() {
                    // The answer may break off as well.
                    Ok(response_ref) if response_ref.status().is_success() => match response.bytes().await {
                        Ok(body) => return id_in(&body),
                        Err(error) => error.to_string(),
                    },
                    _ => panic!("the lead is refused: {:?}", Answered::of(response).await),
                },
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < deadline, "the lead is not taken: {problem}");
            tokio::time::sleep(REST).await;
        }
    }
}

fn id_in(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).expect("the answer is JSON");
    body["leadId"].as_str().expect("the answer names the lead").to_owned()
}

/// Leads that are being posted.
pub struct Traffic {
    gate: Arc<Semaphore>,
    answered: Arc<AtomicUsize>,
    posters: JoinSet<Vec<(usize, String)>>,
}

impl Traffic {
    /// Starts `connections` posters which take turns on the forms. None posts before it is let through.
    pub fn start(forms: &[Form], connections: usize, leads: usize, make: impl Fn(usize) -> Value + Send + Sync + 'static) -> Traffic {
        let (gate, answered) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (next, make) = (Arc::new(AtomicUsize::new(0)), Arc::new(make));
        let mut posters = JoinSet::new();
        for poster in 0..connections {
            let form = forms[poster % forms.len()].clone();
            let (gate, answered, next, make) = (gate.clone(), answered.clone(), next.clone(), make.clone());
            posters.spawn(async move {
                let mut taken = Vec::new();
                loop {
                    gate.acquire().await.expect("the gate is never closed").forget();
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= leads {
                        gate.add_permits(1);
                        return taken;
                    }
                    taken.push((number, form.insist(&make(number), &key(number)).await));
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Traffic { gate, answered, posters }
    }

    /// Lets so many more leads through.
    pub fn let_through(&self, leads: usize) {
        self.gate.add_permits(leads);
    }

    /// How many leads were taken so far.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Lets all through and waits until all are taken. Returns their ids by number.
    pub async fn finish(self) -> Vec<String> {
        self.let_through(1_000_000);
        let mut taken: Vec<(usize, String)> = self.posters.join_all().await.into_iter().flatten().collect();
        taken.sort_unstable();
        taken.into_iter().map(|(_, lead)| lead).collect()
    }
}

/// The idempotency key of the lead of a number.
pub fn key(number: usize) -> String {
    format!("post-{number}")
}

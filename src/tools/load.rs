//! `leadflow load`: posts many leads over kept-alive connections, measures the answers, and ends by itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::{Host, Url};

use super::flush;
use super::quantiles::{Times, millis};
use crate::flow::ports::Dice;
use crate::settings::LoadSettings;

/// The longest wait for one answer, beyond what is asked for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Area codes that the generated phone numbers go through.
const AREAS: [u64; 6] = [213, 310, 323, 424, 626, 818];
/// Phone numbers in one area code: those from 200-0000 up.
const NUMBERS: u64 = 8_000_000;

/// Why no load was made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("--url {0}: not a URL of http or https: {1}")]
    Url(String, String),
    #[error("{0} is not this machine: load goes to loopback addresses alone, unless --anywhere says that you may")]
    NotLoopback(Url),
    #[error("the HTTP client can't start: {0}")]
    Client(#[from] reqwest::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// What was measured.
#[derive(Debug, Default)]
struct Measured {
    /// Times of the answers of 2xx.
    acks: Vec<Duration>,
    /// Answers by status.
    statuses: BTreeMap<u16, u64>,
    /// Posts without an answer, by cause.
    errors: BTreeMap<&'static str, u64>,
}

/// Posts the leads and writes the figures.
pub async fn run(settings: &LoadSettings, dice: &dyn Dice, out: &mut impl Write) -> Result<(), LoadError> {
    let target = target(&settings.url, settings.anywhere)?;
    if let Some(folder) = &settings.flush {
        let times = flush::measure(folder)?;
        writeln!(out, "flush        p50 {}  p99 {}  ({})", millis(times.percentile(50)), millis(times.percentile(99)), folder.display())?;
    }
    let connections = settings.connections.max(1);
    let client =
        Client::builder().pool_max_idle_per_host(connections).timeout(PATIENCE + Duration::from_secs(settings.wait.into())).build()?;
    let (next, run) = (Arc::new(AtomicU64::new(0)), dice.roll());
    let start = Instant::now();
    let mut workers = JoinSet::new();
    let pace = settings.per_second.map(|number| Duration::from_secs(1) / number);
    for _ in 0..connections {
        let work =
            Work { client: client.clone(), target: target.clone(), next: Arc::clone(&next), run, start, pace, settings: settings.clone() };
        workers.spawn(work.post_all());
    }
    let mut measured = Measured::default();
    while let Some(one) = workers.join_next().await {
        match one {
            Ok(one) => measured.add(one),
            Err(_) => *measured.errors.entry("worker panicked").or_default() += 1,
        }
    }
    measured.write(start.elapsed(), out)?;
    Ok(())
}

/// Where to post, when it may be posted to.
fn target(url: &str, anywhere: bool) -> Result<Url, LoadError> {
    let parsed = Url::parse(url).map_err(|error| LoadError::Url(url.to_owned(), error.to_string()))?;
    let here = match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(LoadError::Url(url.to_owned(), "it has no host".to_owned())),
    };
    if here || anywhere { Ok(parsed) } else { Err(LoadError::NotLoopback(parsed)) }
}

/// One connection's share.
struct Work {
    client: Client,
    target: Url,
    /// The number of the next lead.
    next: Arc<AtomicU64>,
    /// Tells this run's leads from others'.
    run: u64,
    start: Instant,
    /// From one lead to the next, when they are not posted as fast as they are answered.
    pace: Option<Duration>,
    settings: LoadSettings,
}

impl Work {
    async fn post_all(self) -> Measured {
        let mut measured = Measured::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.settings.leads {
                return measured;
            }
            if let Some(pace) = self.pace {
                // The count of leads bounds this; a longer run than u32 knows is not paced any more.
                let due = pace.checked_mul(u32::try_from(number).unwrap_or(u32::MAX)).unwrap_or_default();
                tokio::time::sleep_until((self.start + due).into()).await;
            }
            let start = Instant::now();
            match self.post(number).await {
                Ok(status) => {
                    *measured.statuses.entry(status).or_default() += 1;
                    if (200..300).contains(&status) {
                        measured.acks.push(start.elapsed());
                    }
                }
                Err(error) => *measured.errors.entry(cause(&error)).or_default() += 1,
            }
        }
    }

    async fn post(&self, number: u64) -> Result<u16, reqwest::Error> {
        let mut request = self.client.post(self.target.clone()).json(&lead(self.run, number));
        if let Some(key) = &self.settings.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        if self.settings.wait > 0 {
            request = request.header("Prefer", format!("wait={}", self.settings.wait));
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await?;
        Ok(status)
    }
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.acks.extend(other.acks);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (cause, count) in other.errors {
            *self.errors.entry(cause).or_default() += count;
        }
    }

    fn write(self, took: Duration, out: &mut impl Write) -> io::Result<()> {
        let (acks, times) = (self.acks.len(), Times::new(self.acks));
        let [p50, p90, p99] = [50, 90, 99].map(|percent| millis(times.percentile(percent)));
        writeln!(out, "acknowledged {acks} in {:.2} s: {:.0}/s", took.as_secs_f64(), acks as f64 / took.as_secs_f64())?;
        writeln!(out, "latency      p50 {p50}  p90 {p90}  p99 {p99}")?;
        for (status, count) in self.statuses {
            writeln!(out, "status {status}   {count}")?;
        }
        for (cause, count) in self.errors {
            writeln!(out, "error        {count} × {cause}")?;
        }
        Ok(())
    }
}

/// A lead that is no other's: its e-mail address and phone number are its own.
fn lead(run: u64, number: u64) -> Value {
    let phone = run.wrapping_add(number) % (NUMBERS * AREAS.len() as u64);
    let area = AREAS[(phone / NUMBERS) as usize % AREAS.len()];
    json!({
        "contact": {
            "first_name": "Load",
            "last_name": "Test",
            "email": format!("load-{run:016x}-{number}@example.com"),
            "phone": format!("+1{area}{}", 2_000_000 + phone % NUMBERS),
        },
        "property_interest": {"type": "BUYER", "location_zip": "90210", "price_max": 750_000},
    })
}

/// What kept a post from its answer.
fn cause(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if is_reset(error) {
        "the connection was reset"
    } else {
        "the connection ended before the answer"
    }
}

/// Whether the other side threw away what it was sent, rather than end the connection in order.
fn is_reset(error: &reqwest::Error) -> bool {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .any(|kind| matches!(kind, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use axum::http::{HeaderMap, StatusCode};
    use axum::{Json, Router, routing::post};
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::flow::ports::LoadedDice;

    #[test]
    fn leads_have_addresses_and_numbers_of_their_own() {
        let mut seen = HashSet::new();
        for number in 0..20_000 {
            let lead = lead(u64::MAX - 5, number);
            assert!(seen.insert(lead["contact"]["email"].to_string()), "{lead}");
            assert!(seen.insert(lead["contact"]["phone"].to_string()), "{lead}");
        }
    }

    #[test]
    fn only_this_machine_is_loaded_unless_told_otherwise() {
        for url in ["http://localhost:8080/x", "http://127.0.0.9/x", "http://[::1]/x"] {
            assert!(target(url, false).is_ok(), "{url}");
        }
        for url in ["https://example.com/x", "http://10.0.0.1/x", "http://localhost.example.com/x"] {
            assert!(matches!(target(url, false), Err(LoadError::NotLoopback(_))), "{url}");
            assert!(target(url, true).is_ok());
        }
        assert!(matches!(target("nonsense", true), Err(LoadError::Url(..))));
    }

    /// Reads a request, and ends its connection without an answer: in order, or by a reset, which is what follows when something is left unread.
    async fn hung_up_on(leave_unread: bool) -> &'static str {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/leads", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let mut request = vec![0; 65_536];
            let some = if leave_unread { 1 } else { request.len() };
            assert!(stream.read(&mut request[..some]).await.unwrap() > 0);
        });
        let error = Client::new().post(url).body("{}").send().await.unwrap_err();
        server.await.unwrap();
        cause(&error)
    }

    #[tokio::test]
    async fn a_connection_that_was_reset_is_told_from_one_that_ended() {
        assert_eq!(hung_up_on(true).await, "the connection was reset");
        assert_eq!(hung_up_on(false).await, "the connection ended before the answer");
    }

    #[tokio::test]
    async fn posts_as_many_as_asked_for_and_ends() {
        let emails = Arc::new(Mutex::new(HashSet::new()));
        let seen = Arc::clone(&emails);
        let app = Router::new().route(
            "/leads",
            post(async move |headers: HeaderMap, Json(lead): Json<Value>| {
                let fresh = seen.lock().unwrap().insert(lead["contact"]["email"].to_string());
                let known = headers["authorization"] == "Bearer k" && headers["prefer"] == "wait=3";
                if fresh && known { StatusCode::ACCEPTED } else { StatusCode::BAD_REQUEST }
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/leads", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let settings = LoadSettings {
            url,
            key: Some("k".into()),
            connections: 8,
            leads: 100,
            per_second: None,
            wait: 3,
            flush: None,
            anywhere: false,
        };
        let mut out = Vec::new();
        run(&settings, &LoadedDice(7), &mut out).await.unwrap();
        server.abort();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("acknowledged 100 in") && text.contains("status 202   100") && !text.contains("error"), "{text}");
        assert_eq!(emails.lock().unwrap().len(), 100);
    }

    #[tokio::test]
    async fn posts_without_an_answer_are_counted() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/leads", listener.local_addr().unwrap());
        drop(listener);
        let settings = LoadSettings { url, key: None, connections: 2, leads: 4, per_second: None, wait: 0, flush: None, anywhere: false };
        let mut out = Vec::new();
        run(&settings, &LoadedDice(7), &mut out).await.unwrap();
        assert!(String::from_utf8(out).unwrap().contains("error        4 × no connection"));
    }
}

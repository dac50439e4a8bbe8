//! The books of a receiver: what it was sent, what it took, what it says next.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Instant;

use axum::body::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::at_once::AtOnce;
use super::reply::{Ending, Reply};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub at: Instant,
    pub outcome: Outcome,
    /// The lead's id, where the body has one.
    pub lead: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new record, by its id.
    Accepted(String),
    /// The key was known: answered as the first time.
    Replayed(String),
    /// The key was known, for another body: answered 422.
    KeyReusedWithOtherBody,
    /// As scripted, without a record.
    Scripted,
}

impl Seen {
    pub fn idempotency_key(&self) -> Option<&str> {
        self.header("idempotency-key")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// What was said when a key came first.
struct First {
    body: Bytes,
    record: String,
    answer: Reply,
}

pub(super) struct Records {
    pub seen: Vec<Seen>,
    pub accepted: BTreeMap<String, usize>,
    pub honour_keys: bool,
    pub under_way: AtOnce,
    /// Where a lead's id is found.
    field: String,
    scripts: HashMap<String, VecDeque<Reply>>,
    /// By path and key.
    firsts: HashMap<(String, String), First>,
    last_record: u64,
}

impl Records {
    pub fn new(field: &str) -> Records {
        Records {
            seen: Vec::new(),
            accepted: BTreeMap::new(),
            honour_keys: true,
            under_way: AtOnce::default(),
            field: field.to_owned(),
            scripts: HashMap::new(),
            firsts: HashMap::new(),
            last_record: 0,
        }
    }

    pub fn script(&mut self, path: &str, replies: VecDeque<Reply>) {
        assert!(!replies.is_empty(), "a script has at least one reply");
        self.scripts.insert(path.to_owned(), replies);
    }

    /// Notes a request and says what to answer.
    pub fn take(&mut self, head: &Parts, body: Bytes) -> Reply {
        let mut seen = Seen {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers.clone(),
            lead: lead_of(&body, &self.field),
            body,
            at: Instant::now(),
            outcome: Outcome::Scripted,
        };
        let reply = self.next(&seen.path);
        let refused_now = reply.is_refusal() && self.is_known(&seen);
        let reply = if reply.records || refused_now { self.accept(&mut seen, reply) } else { reply };
        self.seen.push(seen);
        reply
    }

    /// The script's next reply; without a script, all is accepted.
    fn next(&mut self, path: &str) -> Reply {
        let Some(script) = self.scripts.get_mut(path) else {
            return Reply::accept();
        };
        let last = script.len() == 1;
        let reply = script.front_mut().expect("a script never runs empty");
        let answer = reply.clone();
        if let (Some(times), false) = (&mut reply.times, last) {
            *times = times.saturating_sub(1);
            if *times == 0 {
                script.pop_front();
            }
        }
        answer
    }

    /// Whether the request's key stands for a record.
    fn is_known(&self, seen: &Seen) -> bool {
        let key = seen.idempotency_key().filter(|_| self.honour_keys);
        key.is_some_and(|key| self.firsts.contains_key(&(seen.path.clone(), key.to_owned())))
    }

    /// Makes a record, unless the key says that there is one.
    fn accept(&mut self, seen: &mut Seen, mut reply: Reply) -> Reply {
        let key = seen.idempotency_key().filter(|_| self.honour_keys);
        let key = key.map(|key| (seen.path.clone(), key.to_owned()));
        if let Some(first) = key.as_ref().and_then(|key| self.firsts.get(key)) {
            if first.body != seen.body {
                seen.outcome = Outcome::KeyReusedWithOtherBody;
                return Reply::status(422).json(&json!({"error": "key_reused_with_other_body"}));
            }
            seen.outcome = Outcome::Replayed(first.record.clone());
            // Said as the first time, sent as the script wants it now.
            let Reply { delay, ending, .. } = reply;
            return Reply { delay, ending, ..first.answer.clone() };
        }
        self.last_record += 1;
        let record = format!("record-{}", self.last_record);
        if reply.body.is_none() {
            reply = reply.json(&json!({"id": record}));
        }
        *self.accepted.entry(seen.lead.clone().unwrap_or_default()).or_default() += 1;
        if let Some(key) = key {
            let answer = Reply { ending: Ending::Answer, ..reply.clone() };
            self.firsts.insert(key, First { body: seen.body.clone(), record: record.clone(), answer });
        }
        seen.outcome = Outcome::Accepted(record);
        reply
    }
}

/// The lead's id in a JSON or form body.
fn lead_of(body: &[u8], field: &str) -> Option<String> {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        let mut fields = form_urlencoded::parse(body);
        return fields.find(|(name, _)| name == field).map(|(_, value)| value.into_owned());
    };
    let value = if field.starts_with('/') { json.pointer(field) } else { json.get(field) };
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

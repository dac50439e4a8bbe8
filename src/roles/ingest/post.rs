//! `POST /v1/sources/{name}/leads`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{Ingest, headers, respond};
use crate::api::lead_source::AnswerWhen;
use crate::flow::answer::{Answer, Verdict};
use crate::flow::arrive::{self, IngestRules, Post};
use crate::flow::refusal::Refusal;
use crate::flow::wait::Waiting;
use crate::formats::MOST_BYTES;
use crate::lead::{LeadId, Outcome, State as LeadState};
use crate::store::Appended;
use crate::table::source::Source;

/// The longest that a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// The longest that the store may take to say where a lead stands.
pub const LOOK_WITHIN: Duration = Duration::from_secs(10);
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The label of posts to sources that are not known. No object can have this name.
const NO_SOURCE: &str = "-";

/// How long a post waits for its outcome.
#[derive(Clone, Copy)]
struct Wait {
    longest: Duration,
    /// Whether the request asked for it, and not the source's settings.
    asked: bool,
}

/// A post that was kept, now or before.
struct Taken {
    lead: LeadId,
    /// Where it stands, when that is known.
    outcome: Option<Outcome>,
    waiting: Option<(Waiting, Duration)>,
    wait: Option<Wait>,
}

pub async fn post(State(ingest): State<Arc<Ingest>>, path: Result<Path<String>, PathRejection>, request: Request) -> Response {
    let begun = Instant::now();
    let name = path.map(|Path(name)| name).unwrap_or_default();
    let rules = ingest.ports.rules.rules();
    let label = if rules.source(&name).is_some() { name.as_str() } else { NO_SOURCE };
    let taken = ingest.take(rules.as_ref(), &name, request).await;
    ingest.ports.metrics.post_seconds.observe(begun.elapsed().as_secs_f64());
    let (answer, response) = match taken {
        Ok(taken) => ingest.conclude(&name, taken).await,
        Err(refusal) => (Answer::refused(&refusal), respond::refused(&refusal)),
    };
    ingest.ports.metrics.posts.with_label_values(&[label, answer.outcome.as_str(), answer.code]).inc();
    let lead = answer.lead_id.map(tracing::field::display);
    tracing::debug!(source = label, outcome = answer.outcome.as_str(), code = answer.code, lead, "post answered");
    response
}

impl Ingest {
    /// From the request to a durable lead.
    async fn take(&self, rules: &dyn IngestRules, name: &str, request: Request) -> Result<Taken, Refusal> {
        let (head, body) = request.into_parts();
        let source = self.authenticated(rules, name, &head.headers)?;
        self.rates.take(&source.name, source.rate).map_err(|after| Refusal::RateLimited { after })?;
        let format = headers::format(&head.headers, source.format)?;
        let idempotency_key = headers::idempotency_key(&head.headers)?;
        let wait = wait(&source, headers::wanted_wait(&head.headers));
        let body = read(body).await?;
        let seal = self.ports.seal.seal().ok_or(Refusal::KeysUnavailable)?;
        let arrived_at = self.ports.clock.now();
        let id = arrive::lead_id(arrived_at, self.ports.dice.as_ref());
        let post = Post { source: &source, schema: rules.schema(), id, arrived_at, format, body: &body, idempotency_key };
        let lead = arrive::admit(&post, seal.as_ref())?;
        let longest = wait.map(|wait| wait.longest).filter(|longest| !longest.is_zero());
        let enlist = |lead| longest.map(|longest| (self.waiters.enlist(lead), longest));
        let waiting = enlist(id);
        match arrive::keep(self.ports.appender.as_ref(), lead).await? {
            Appended::New => Ok(Taken { lead: id, outcome: None, waiting, wait }),
            Appended::Duplicate { .. } => Ok(Taken { lead: id, outcome: Some(standing(LeadState::Duplicate)), waiting: None, wait }),
            Appended::KeyReused => Err(Refusal::IdempotencyKeyReused),
            Appended::Replayed { lead } => {
                let waiting = enlist(lead);
                let outcome = self.outcome(lead).await?;
                // The same answer as the first time: the outcome only to those who wait for it.
                let outcome = outcome.filter(|outcome| outcome.state == LeadState::Duplicate || longest.is_some());
                Ok(Taken { lead, outcome, waiting, wait })
            }
        }
    }

    /// Where a lead stands, as the store has it; `None` for one that it may not have yet.
    async fn outcome(&self, lead: LeadId) -> Result<Option<Outcome>, Refusal> {
        if self.ports.appender.waiting_for_store(lead).is_some() {
            return Ok(None);
        }
        match tokio::time::timeout(LOOK_WITHIN, self.ports.store.outcomes(vec![lead])).await {
            Ok(Ok(outcomes)) => Ok(outcomes.into_iter().next().flatten()),
            Ok(Err(_)) | Err(_) => Err(Refusal::StoreUnavailable),
        }
    }

    /// Waits as long as was agreed, and answers.
    async fn conclude(&self, source: &str, taken: Taken) -> (Answer, Response) {
        let mut outcome = taken.outcome.filter(|outcome| outcome.state != LeadState::Queued);
        if outcome.is_none()
            && let Some((waiting, longest)) = taken.waiting
        {
            outcome = tokio::select! {
                settled = tokio::time::timeout(longest, waiting.outcome()) => settled.ok().flatten(),
                () = self.drain.cancelled() => None,
            };
        }
        let answer = outcome.map_or_else(|| Answer::kept(taken.lead), |outcome| Answer::standing(taken.lead, &outcome));
        let settled = answer.outcome != Verdict::Accepted || answer.code != "Accepted";
        let mut response = respond::answered(if settled { StatusCode::OK } else { StatusCode::ACCEPTED }, &answer);
        if !settled && let Ok(location) = HeaderValue::from_str(&format!("/v1/sources/{source}/leads/{}", taken.lead)) {
            response.headers_mut().insert(LOCATION, location);
        }
        if let Some(Wait { longest, asked: true }) = taken.wait
            && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", longest.as_secs()))
        {
            response.headers_mut().insert(PREFERENCE_APPLIED, applied);
        }
        (answer, response)
    }
}

/// How long to wait: as the request asks, else as the source is set, never longer than the source allows.
fn wait(source: &Source, asked: Option<Duration>) -> Option<Wait> {
    let longest = source.longest_wait.unsigned_abs();
    match (asked, source.answer) {
        (Some(asked), _) => Some(Wait { longest: asked.min(longest), asked: true }),
        (None, AnswerWhen::Settled) => Some(Wait { longest, asked: false }),
        (None, AnswerWhen::Durable) => None,
    }
}

fn standing(state: LeadState) -> Outcome {
    Outcome { state, reason: None, taken_by: Vec::new() }
}

/// The whole body, within its bounds of size and time.
async fn read(body: Body) -> Result<Bytes, Refusal> {
    let is_over = |length: u64| usize::try_from(length).map_or(true, |length| length > MOST_BYTES);
    if is_over(HttpBody::size_hint(&body).lower()) {
        return Err(Refusal::TooLarge);
    }
    match tokio::time::timeout(BODY_WITHIN, Limited::new(body, MOST_BYTES).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Ok(Err(_)) => Err(Refusal::BrokenOff),
        Err(_) => Err(Refusal::TooSlow),
    }
}

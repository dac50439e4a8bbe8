//! `GET /v1/sources/{name}/leads/{id}`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::post::LOOK_WITHIN;
use super::{Ingest, respond};
use crate::flow::answer::Answer;
use crate::flow::refusal::Refusal;
use crate::lead::LeadId;

/// The same of a lead that the store may not have yet.
const LOOK_BRIEFLY: Duration = Duration::from_secs(1);

pub async fn standing(
    State(ingest): State<Arc<Ingest>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path((source, lead))) = path else { return respond::refused(&Refusal::UnknownPath) };
    match ingest.standing(&source, &lead, &headers).await {
        Ok(answer) => respond::answered(StatusCode::OK, &answer),
        Err(refusal) => respond::refused(&refusal),
    }
}

impl Ingest {
    /// Where a lead stands; a lead of another source is unknown here.
    async fn standing(&self, source: &str, lead: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
        let rules = self.ports.rules.rules();
        let source = self.authenticated(rules.as_ref(), source, headers)?;
        let lead: LeadId = lead.parse().map_err(|_| Refusal::UnknownLead)?;
        let waits = self.ports.appender.waiting_for_store(lead).is_some_and(|of| *of == *source.name);
        let within = if waits { LOOK_BRIEFLY } else { LOOK_WITHIN };
        let file = match tokio::time::timeout(within, self.ports.store.lead(lead)).await {
            Ok(Ok(Some(file))) => Some(file),
            _ if waits => return Ok(Answer::kept(lead)),
            Ok(Ok(None)) => None,
            Ok(Err(_)) | Err(_) => return Err(Refusal::StoreUnavailable),
        };
        let own = file.filter(|file| file.source == source.name).ok_or(Refusal::UnknownLead)?;
        Ok(Answer::standing(lead, &own.outcome))
    }
}

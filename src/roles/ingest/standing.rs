//! `GET /v1/sources/{name}/leads/{id}`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::post::LOOK_WITHIN;
use super::{Ingest, respond};
use crate::flow::answer::Answer;
use crate::flow::refusal::Refusal;
use crate::lead::LeadId;

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
        let file = match tokio::time::timeout(LOOK_WITHIN, self.ports.store.lead(lead)).await {
            Ok(Ok(file)) => file,
            Ok(Err(_)) | Err(_) => return Err(Refusal::StoreUnavailable),
        };
        let own = file.filter(|file| file.source == source.name).ok_or(Refusal::UnknownLead)?;
        Ok(Answer::standing(lead, &own.outcome))
    }
}

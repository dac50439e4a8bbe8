//! What a router's admin port tells of single leads, and the one thing that may be done to them there:
//! `GET /leads/{id}/explanation` and `POST /leads/{id}/close`. The id `latest` is the lead that arrived last.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::flow::ports::Clock;
use crate::lead::LeadId;
use crate::store::{LeadFile, Store, StoreError};
use crate::tools::explanation::Explanation;

/// The longest that a page waits for the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a lead's file and explains it, or says why it can't be opened.
pub type Explain = Arc<dyn Fn(LeadFile) -> Result<Explanation, String> + Send + Sync>;

#[derive(Clone)]
struct Pages {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    explain: Explain,
}

/// Why a page can't be shown.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("`{0}` is not a lead id: give its UUID, or `latest`")]
    NotAnId(String),
    #[error("no lead has arrived yet")]
    NoneYet,
    #[error("there is no lead {0}")]
    Unknown(LeadId),
    #[error("lead {0} is not delivered, or closed already")]
    NotOpen(LeadId),
    #[error("lead {lead} can't be opened: {why}")]
    CannotOpen { lead: LeadId, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store did not answer in {} s", PATIENCE.as_secs())]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// The pages of leads.
pub fn routes(store: Arc<dyn Store>, clock: Arc<dyn Clock>, explain: Explain) -> Router {
    Router::new().route("/leads/{id}/explanation", get(explanation)).route("/leads/{id}/close", post(close)).with_state(Pages {
        store,
        clock,
        explain,
    })
}

async fn explanation(State(pages): State<Pages>, Path(id): Path<String>) -> Result<Json<Explanation>, PageError> {
    let lead = pages.find(&id).await?;
    let file = tokio::time::timeout(PATIENCE, pages.store.lead(lead)).await??.ok_or(PageError::Unknown(lead))?;
    (pages.explain)(file).map(Json).map_err(|why| PageError::CannotOpen { lead, why })
}

async fn close(State(pages): State<Pages>, Path(id): Path<String>) -> Result<Response, PageError> {
    let lead = pages.find(&id).await?;
    let closed = tokio::time::timeout(PATIENCE, pages.store.close(lead, pages.clock.now())).await??;
    if closed { Ok(Json(json!({"lead": lead, "state": "Closed"})).into_response()) } else { Err(PageError::NotOpen(lead)) }
}

impl Pages {
    async fn find(&self, id: &str) -> Result<LeadId, PageError> {
        if id == "latest" {
            return tokio::time::timeout(PATIENCE, self.store.latest()).await??.ok_or(PageError::NoneYet);
        }
        id.parse().map_err(|_| PageError::NotAnId(id.chars().take(64).collect()))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotAnId(_) => StatusCode::BAD_REQUEST,
            Self::NoneYet | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NotOpen(_) => StatusCode::CONFLICT,
            Self::CannotOpen { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Store(_) | Self::Slow(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

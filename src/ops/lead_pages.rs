//! What a router's admin port tells of single leads, and what may be done to them there: `GET /leads/{id}/explanation`,
//! `GET /leads/{id}/why-not?recipient=…`, `POST /leads/{id}/close` and
//! `POST /leads/{id}/release`. The id `latest` is the lead that arrived last; `all` releases all unmatched leads.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::flow::ports::Clock;
use crate::lead::{LeadId, RecipientKey};
use crate::store::{LeadFile, RuleObject, Store, StoreError};
use crate::tools::explanation::Explanation;
use crate::tools::why_not::{WhyNot, last_decision};

/// The longest that a page waits for the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most leads that one call releases.
const RELEASED: usize = 100_000;

/// Opens a lead's file and explains it, or says why it can't be opened.
pub type Explain = Arc<dyn Fn(LeadFile) -> Result<Explanation, String> + Send + Sync>;

#[derive(Clone)]
struct Pages {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    explain: Explain,
    why_not: WhyNotOf,
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
    #[error("lead {0} is not unmatched")]
    NotUnmatched(LeadId),
    #[error("lead {lead} can't be opened: {why}")]
    CannotOpen { lead: LeadId, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store did not answer in {} s", PATIENCE.as_secs())]
    Slow(#[from] tokio::time::error::Elapsed),
}

/// Tells why a recipient did not get a lead. Takes the rules of the lead's last decision, when they are on record.
pub type WhyNotOf = Arc<dyn Fn(LeadFile, Option<Vec<RuleObject>>, RecipientKey) -> Result<WhyNot, String> + Send + Sync>;

/// The pages of leads.
pub fn routes(store: Arc<dyn Store>, clock: Arc<dyn Clock>, explain: Explain, why_not: WhyNotOf) -> Router {
    Router::new()
        .route("/leads/{id}/explanation", get(explanation))
        .route("/leads/{id}/close", post(close))
        .route("/leads/{id}/release", post(release))
        .route("/leads/{id}/why-not", get(self::why_not))
        .with_state(Pages { store, clock, explain, why_not })
}

async fn explanation(State(pages): State<Pages>, Path(id): Path<String>) -> Result<Json<Explanation>, PageError> {
    let lead = pages.find(&id).await?;
    let file = tokio::time::timeout(PATIENCE, pages.store.lead(lead)).await??.ok_or(PageError::Unknown(lead))?;
    (pages.explain)(file).map(Json).map_err(|why| PageError::CannotOpen { lead, why })
}

#[derive(Deserialize)]
struct Who {
    recipient: String,
}

async fn why_not(State(pages): State<Pages>, Path(id): Path<String>, Query(who): Query<Who>) -> Result<Json<WhyNot>, PageError> {
    let lead = pages.find(&id).await?;
    let file = tokio::time::timeout(PATIENCE, pages.store.lead(lead)).await??.ok_or(PageError::Unknown(lead))?;
    let rules = match last_decision(&file.decisions) {
        Some(decision) => tokio::time::timeout(PATIENCE, pages.store.rules(&decision.rules)).await??,
        None => None,
    };
    (pages.why_not)(file, rules, RecipientKey(who.recipient.into())).map(Json).map_err(|why| PageError::CannotOpen { lead, why })
}

async fn close(State(pages): State<Pages>, Path(id): Path<String>) -> Result<Response, PageError> {
    let lead = pages.find(&id).await?;
    let closed = tokio::time::timeout(PATIENCE, pages.store.close(lead, pages.clock.now())).await??;
    if closed { Ok(Json(json!({"lead": lead, "state": "Closed"})).into_response()) } else { Err(PageError::NotOpen(lead)) }
}

async fn release(State(pages): State<Pages>, Path(id): Path<String>) -> Result<Response, PageError> {
    let now = pages.clock.now();
    let released = if id == "all" {
        tokio::time::timeout(PATIENCE, pages.store.wake(&[], RELEASED, now)).await??
    } else {
        let lead = pages.find(&id).await?;
        let released = tokio::time::timeout(PATIENCE, pages.store.release(lead, now)).await??;
        if !released {
            return Err(PageError::NotUnmatched(lead));
        }
        1
    };
    Ok(Json(json!({"released": released})).into_response())
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
            Self::NotOpen(_) | Self::NotUnmatched(_) => StatusCode::CONFLICT,
            Self::CannotOpen { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Store(_) | Self::Slow(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::body::Body;
    use axum::http::{Method, Request};
    use http_body_util::BodyExt;
    use jiff::{SignedDuration, Timestamp};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::flow::ports::StillClock;
    use crate::lead::{Delivery, Lead, UnmatchedReason};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{DeliveryEnd, DeliveryState, NewLead, Reservation, Sealed, Settlement, Then};
    use crate::table::schema::Schema;

    const LEAD: &str = "019aa000-0000-7000-8000-000000000001";
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    struct Setting {
        store: Arc<dyn Store>,
        app: Router,
        _folder: tempfile::TempDir,
    }

    fn setting() -> Setting {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("leads.db")).unwrap());
        let explain: Explain = Arc::new(|file| {
            let lead = Lead { id: file.id, source: file.source.clone(), arrived_at: file.arrived_at, fields: BTreeMap::new() };
            if file.sealed.0.is_empty() { Err("its key is gone".to_owned()) } else { Ok(Explanation::new(file, &lead, &Schema::default())) }
        });
        let why_not: WhyNotOf = Arc::new(|file, rules, recipient| {
            let verdict = format!("{} decisions, rules {}", file.decisions.len(), rules.is_some());
            Ok(WhyNot { lead: file.id, recipient: recipient.to_string(), decided_at: None, verdict, tests: vec![] })
        });
        let app = routes(Arc::clone(&store), Arc::new(StillClock::at(NOW)), explain, why_not);
        Setting { store, app, _folder: folder }
    }

    impl Setting {
        async fn arrives(&self, sealed: &[u8]) {
            let lead = NewLead {
                id: LEAD.parse().unwrap(),
                source: "website-form".into(),
                arrived_at: NOW,
                sealed: Sealed(sealed.to_vec()),
                fingerprints: vec![],
                idempotency: None,
            };
            self.store.append(vec![lead]).await.unwrap();
        }

        async fn is_delivered(&self) {
            let claimed = self.store.claim("router", 1, SignedDuration::from_secs(30), NOW).await.unwrap().remove(0);
            let (lead, epoch) = (claimed.id, claimed.epoch);
            let delivery = Delivery {
                lead,
                number: 1,
                recipient: RecipientKey::agent("sarah-lee"),
                tier: "territory".into(),
                policy: "residential".into(),
                endpoint: "crm".into(),
                price: None,
                exclusive: false,
            };
            let reservation =
                Reservation { epoch, delivery, request: Sealed(vec![1]), holds: vec![], turn: None, decisions: vec![], at: NOW };
            self.store.reserve(vec![reservation]).await.unwrap();
            let end = DeliveryEnd {
                number: 1,
                state: DeliveryState::Accepted,
                record_id: Some("crm-1".into()),
                owner_keys: vec![],
                attempt: None,
            };
            let settlement = Settlement { lead, epoch, now: NOW, delivery: Some(end), decisions: vec![], then: Then::Delivered };
            assert_eq!(self.store.settle(vec![settlement]).await.unwrap(), [true]);
        }

        async fn is_unmatched(&self) {
            let claimed = self.store.claim("router", 1, SignedDuration::from_secs(30), NOW).await.unwrap().remove(0);
            let then = Then::Unmatched { reason: UnmatchedReason::NobodyMatches, rules: String::new(), retry_at: None };
            let settlement = Settlement { lead: claimed.id, epoch: claimed.epoch, now: NOW, delivery: None, decisions: vec![], then };
            assert_eq!(self.store.settle(vec![settlement]).await.unwrap(), [true]);
        }

        async fn ask(&self, method: Method, path: &str) -> (StatusCode, Value) {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let answer = self.app.clone().oneshot(request).await.unwrap();
            let status = answer.status();
            (status, serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap())
        }
    }

    #[tokio::test]
    async fn a_lead_is_explained_by_its_id_and_as_the_latest() {
        let setting = setting();
        assert_eq!(setting.ask(Method::GET, "/leads/latest/explanation").await.0, StatusCode::NOT_FOUND);
        setting.arrives(b"sealed").await;
        for id in [LEAD, "latest"] {
            let (status, explanation) = setting.ask(Method::GET, &format!("/leads/{id}/explanation")).await;
            assert_eq!((status, explanation["lead"].as_str()), (StatusCode::OK, Some(LEAD)));
        }
    }

    #[tokio::test]
    async fn a_recipient_is_asked_about_by_its_key() {
        let setting = setting();
        setting.arrives(b"sealed").await;
        let (status, answer) = setting.ask(Method::GET, "/leads/latest/why-not?recipient=buyer%2Facme%2Fnorth").await;
        assert_eq!((status, answer["recipient"].as_str()), (StatusCode::OK, Some("buyer/acme/north")));
        assert_eq!(answer["verdict"], "0 decisions, rules false");
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_told() {
        let setting = setting();
        let (status, body) = setting.ask(Method::GET, "/leads/42/explanation").await;
        assert_eq!((status, body["error"].as_str()), (StatusCode::BAD_REQUEST, Some("`42` is not a lead id: give its UUID, or `latest`")));
        assert_eq!(setting.ask(Method::GET, &format!("/leads/{LEAD}/explanation")).await.0, StatusCode::NOT_FOUND);
        setting.arrives(b"").await;
        let (status, body) = setting.ask(Method::GET, "/leads/latest/explanation").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body["error"].as_str().unwrap().ends_with("its key is gone"));
    }

    #[tokio::test]
    async fn an_unmatched_lead_is_released_once_and_all_of_them_together() {
        let setting = setting();
        setting.arrives(b"sealed").await;
        let release = format!("/leads/{LEAD}/release");
        assert_eq!(setting.ask(Method::POST, &release).await.0, StatusCode::CONFLICT, "it is queued");
        for path in [&release, "/leads/all/release"] {
            setting.is_unmatched().await;
            assert_eq!(setting.ask(Method::POST, path).await, (StatusCode::OK, json!({"released": 1})));
        }
        assert_eq!(setting.ask(Method::POST, "/leads/all/release").await.1, json!({"released": 0}));
    }

    #[tokio::test]
    async fn a_delivered_lead_is_closed_once() {
        let setting = setting();
        setting.arrives(b"sealed").await;
        let close = format!("/leads/{LEAD}/close");
        assert_eq!(setting.ask(Method::POST, &close).await.0, StatusCode::CONFLICT);
        setting.is_delivered().await;
        assert_eq!(setting.ask(Method::POST, &close).await.0, StatusCode::OK);
        assert_eq!(setting.ask(Method::POST, &close).await.0, StatusCode::CONFLICT);
    }
}

//! `POST /simulation` on a router's admin port: what other rules would have done with the leads that arrived last. It tells numbers, names of recipients and
//! ids of leads; no field of a lead.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::lead::Lead;
use crate::store::{Arrived, Store, StoreError};
use crate::table::Table;
use crate::tools::simulate::Report;
use crate::tools::simulate::request::{MOST_LEADS, Request, table};
use crate::tools::simulate::simulate;

/// The largest request, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;
/// Leads that are read at once.
const A_PAGE: usize = 1000;

/// The rules in force, and a way to open leads; none while the encryption keys are missing.
pub type Current = Arc<dyn Fn() -> Option<(Arc<Table>, Open)> + Send + Sync>;
/// Opens a lead; none when it can't be opened.
pub type Open = Arc<dyn Fn(&Arrived) -> Option<Lead> + Send + Sync>;

#[derive(Clone)]
struct Page {
    store: Arc<dyn Store>,
    current: Current,
    /// One at a time: routing goes first.
    one: Arc<Semaphore>,
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
enum SimulationError {
    #[error("{0}")]
    Rules(String),
    #[error("`last` is {0}; it may be {MOST_LEADS} at most")]
    TooMany(u32),
    #[error("the encryption keys are missing")]
    Keys,
    #[error("another simulation is under way; try again later")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the simulation broke off")]
    Broken,
}

/// The page.
pub fn routes(store: Arc<dyn Store>, current: Current) -> Router {
    let page = Page { store, current, one: Arc::new(Semaphore::new(1)) };
    Router::new().route("/simulation", post(run)).layer(DefaultBodyLimit::max(LARGEST)).with_state(page)
}

async fn run(State(page): State<Page>, Json(request): Json<Request>) -> Result<Json<Report>, SimulationError> {
    if request.last > MOST_LEADS {
        return Err(SimulationError::TooMany(request.last));
    }
    let _one = page.one.try_acquire().map_err(|_| SimulationError::Busy)?;
    let (in_force, open) = (page.current)().ok_or(SimulationError::Keys)?;
    let leads = page.leads(request.last as usize, &open).await?;
    let work = move || {
        let after = table(&request.objects).map_err(SimulationError::Rules)?;
        let before = request.against.as_deref().map(table).transpose().map_err(SimulationError::Rules)?.unwrap_or(in_force);
        Ok(simulate(&after, Some(&before), leads, SignedDuration::from_hours(request.open_hours.into())))
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| SimulationError::Broken)?.map(Json)
}

impl Page {
    /// The leads that arrived last; those that can't be opened any more are left out.
    async fn leads(&self, most: usize, open: &Open) -> Result<Vec<Lead>, StoreError> {
        let (mut leads, mut before, mut left) = (Vec::new(), None, most);
        while left > 0 {
            let page = self.store.arrived(before, left.min(A_PAGE)).await?;
            let Some(last) = page.last() else { break };
            before = Some((last.arrived_at, last.id));
            left -= page.len().min(left);
            leads.extend(page.iter().filter_map(|arrived| open(arrived)));
        }
        Ok(leads)
    }
}

impl IntoResponse for SimulationError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Rules(_) | Self::TooMany(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Keys | Self::Store(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;
    use crate::folder::documents::ManifestFile;
    use crate::folder::read::understand;
    use crate::lead::{LeadId, Value};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{NewLead, Sealed};
    use crate::table::{Objects, compile};
    use crate::tools::admin_port::AdminPort;
    use crate::tools::simulate::request::written;

    const HOUSE: &str = include_str!("../tools/simulate/testdata/house.yaml");

    fn objects(from: &str, to: &str) -> Objects {
        understand(&[ManifestFile { name: "house.yaml".into(), text: HOUSE.replacen(from, to, 1) }]).unwrap().0
    }

    async fn asked(request: Request) -> Result<serde_json::Value, String> {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path().join("leads.db")).unwrap());
        let start: Timestamp = "2026-11-23T14:00:00Z".parse().unwrap();
        let arrived = (0..1500i64).map(|number| NewLead {
            id: LeadId(Uuid::from_u128(u128::try_from(number).unwrap())),
            source: "website".into(),
            arrived_at: start.checked_add(SignedDuration::from_secs(number)).unwrap(),
            sealed: Sealed(if number == 7 { vec![] } else { vec![1] }),
            fingerprints: vec![],
            idempotency: None,
        });
        store.append(arrived.collect()).await.unwrap();
        let in_force = Arc::new(compile(&objects("", "")).0);
        let open: Open = Arc::new(|arrived: &Arrived| {
            let fields = BTreeMap::from([("location.state".to_owned(), Value::Text("NY".to_owned()))]);
            (!arrived.sealed.0.is_empty()).then(|| Lead {
                id: arrived.id,
                source: arrived.source.clone(),
                arrived_at: arrived.arrived_at,
                fields,
            })
        });
        let app = routes(store, Arc::new(move || Some((Arc::clone(&in_force), Arc::clone(&open)))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = AdminPort::At(format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let answer = admin.post_body("simulation", &request, std::time::Duration::from_secs(60)).await;
        server.abort();
        answer.map_err(|error| error.to_string())
    }

    fn request(from: &str, to: &str, last: u32) -> Request {
        Request { objects: written(&objects(from, to)), against: None, last, open_hours: 24 }
    }

    #[tokio::test]
    async fn the_leads_that_arrived_last_are_compared_with_the_rules_in_force() {
        let report: Report = serde_json::from_value(asked(request("weight: 3", "weight: 3\n  paused: true", 1200)).await.unwrap()).unwrap();
        assert_eq!((report.leads, report.changes.unwrap().moved.count), (1200, 900));
        let report: Report = serde_json::from_value(asked(request("", "", 5000)).await.unwrap()).unwrap();
        assert_eq!((report.leads, report.changes.unwrap().moved.count), (1499, 0), "all but the one that can't be opened");
    }

    #[tokio::test]
    async fn what_cannot_be_simulated_is_told() {
        let wrong = asked(request("deliverTo: crm", "deliverTo: crn", 5)).await.unwrap_err();
        assert!(wrong.starts_with("Agent ann: spec.deliverTo"), "{wrong}");
        assert!(asked(request("", "", MOST_LEADS + 1)).await.unwrap_err().contains("at most"));
    }
}

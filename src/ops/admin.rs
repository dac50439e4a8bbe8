//! The admin port: `/livez`, `/readyz`, `/metrics`, and what a role adds.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::readiness::Readiness;
use super::tasks::Alive;

/// How long requests under way may take once the server is asked to end.
const GRACE: Duration = Duration::from_secs(2);

/// What the admin port shows.
#[derive(Clone)]
pub struct Admin {
    pub metrics: Arc<Metrics>,
    pub readiness: Readiness,
    pub alive: Alive,
    /// Not ready once it is cancelled, so that no more traffic comes.
    pub drain: CancellationToken,
}

impl Admin {
    /// The three pages, and `more` beside them.
    pub fn router(self, more: Router) -> Router {
        Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(metrics)).with_state(self).merge(more)
    }
}

/// Serves until `until` is cancelled. A process should keep its admin port open until all else is drained.
pub async fn serve(listener: TcpListener, router: Router, until: CancellationToken) -> std::io::Result<()> {
    let ended = until.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { until.cancelled().await });
    tokio::select! {
        done = server => done,
        () = async { ended.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn livez(State(admin): State<Admin>) -> Response {
    if admin.alive.get() { "ok\n".into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, "a task has ended\n").into_response() }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    let mut lines: Vec<String> = admin.readiness.look().into_iter().map(|what| format!("{}: {}\n", what.name, what.why)).collect();
    if admin.drain.is_cancelled() {
        lines.push("shutdown: draining\n".to_owned());
    }
    if lines.is_empty() { "ok\n".into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, lines.concat()).into_response() }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], admin.metrics.text()).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::ops::shutdown::Shutdown;
    use crate::ops::tasks::Tasks;

    fn admin() -> Admin {
        let tasks = Tasks::new(Shutdown::default());
        Admin {
            metrics: Arc::new(Metrics::new().unwrap()),
            readiness: Readiness::default(),
            alive: tasks.alive(),
            drain: CancellationToken::new(),
        }
    }

    async fn ask(admin: &Admin, path: &str) -> (StatusCode, String) {
        let more = Router::new().route("/more", get(async || "more"));
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = admin.clone().router(more).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readyz_lists_what_is_not_ready() {
        let admin = admin();
        let gate = admin.readiness.gate("rules");
        admin.readiness.check("store", || Some("no answer for 12 s".to_owned()));
        let expected = "rules: not there yet\nstore: no answer for 12 s\n".to_owned();
        assert_eq!(ask(&admin, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, expected));
        drop(gate);
        assert_eq!(ask(&admin, "/readyz").await.1, "store: no answer for 12 s\n");
    }

    #[tokio::test]
    async fn readyz_refuses_traffic_while_draining() {
        let admin = admin();
        assert_eq!(ask(&admin, "/readyz").await, (StatusCode::OK, "ok\n".to_owned()));
        admin.drain.cancel();
        assert_eq!(ask(&admin, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "shutdown: draining\n".to_owned()));
    }

    #[tokio::test]
    async fn livez_tells_of_a_task_that_ended() {
        let mut tasks = Tasks::new(Shutdown::default());
        let admin = Admin { alive: tasks.alive(), ..admin() };
        assert_eq!(ask(&admin, "/livez").await.0, StatusCode::OK);
        tasks.drained("rules", async { Ok::<_, String>(()) });
        tasks.run(Duration::ZERO).await.unwrap_err();
        assert_eq!(ask(&admin, "/livez").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn metrics_and_further_pages_are_served() {
        let admin = admin();
        admin.metrics.unmatched.set(3);
        assert!(ask(&admin, "/metrics").await.1.contains("leadflow_unmatched_leads 3"));
        assert_eq!(ask(&admin, "/more").await.1, "more");
    }

    #[tokio::test]
    async fn the_server_ends_when_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let until = CancellationToken::new();
        until.cancel();
        serve(listener, admin().router(Router::new()), until).await.unwrap();
    }
}

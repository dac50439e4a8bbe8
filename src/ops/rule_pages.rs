//! What a router's admin port tells of the rules that it runs: `GET /policies/{name}/flowchart`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::table::Objects;
use crate::tools::flowchart;

/// The objects that the rules in force were made of, or why they can't be had.
pub type CurrentObjects = Arc<dyn Fn() -> Result<Objects, String> + Send + Sync>;

/// The pages of rules.
pub fn routes(objects: CurrentObjects) -> Router {
    Router::new().route("/policies/{name}/flowchart", get(draw)).with_state(objects)
}

async fn draw(State(objects): State<CurrentObjects>, Path(name): Path<String>) -> Response {
    let answer = |status: StatusCode, error: String| (status, Json(json!({"error": error}))).into_response();
    match objects() {
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, error),
        Ok(objects) => match flowchart::flowchart(&objects, &name) {
            Ok(text) => Json(json!({"policy": name, "flowchart": text})).into_response(),
            Err(error) => answer(StatusCode::NOT_FOUND, error.to_string()),
        },
    }
}

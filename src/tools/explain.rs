//! `leadflow explain`: why a lead went where it went.

use std::io::{self, Write};

use super::admin_port::{AskError, reach};
use super::explanation::Explanation;
use super::{explanation_mermaid, explanation_text};
use crate::settings::{ExplainOutput, ExplainSettings};

/// Why nothing could be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the router's explanation can't be read; use the same version of leadflow as the router, or -o json: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Gets the explanation from a router and writes it.
pub async fn run(settings: &ExplainSettings, out: &mut impl Write) -> Result<(), ExplainError> {
    let answer = reach(&settings.router).await?.get(&format!("leads/{}/explanation", settings.lead)).await?;
    match settings.output {
        ExplainOutput::Json => writeln!(out, "{answer:#}")?,
        ExplainOutput::Mermaid => {
            let explanation: Explanation = serde_json::from_value(answer)?;
            out.write_all(explanation_mermaid::mermaid(&explanation).as_bytes())?;
        }
        ExplainOutput::Text => {
            let explanation: Explanation = serde_json::from_value(answer)?;
            let mut text = String::new();
            explanation_text::write(&explanation, &mut text).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;
    use crate::settings::RouterAccess;

    const DELIVERED: &str = include_str!("testdata/delivered.json");

    async fn explained(lead: &str, output: ExplainOutput) -> Result<String, ExplainError> {
        let known: Value = serde_json::from_str(DELIVERED).unwrap();
        let app = Router::new()
            .route("/leads/latest/explanation", get(async || Json(known)))
            .route("/leads/none/explanation", get(async || (StatusCode::NOT_FOUND, Json(json!({"error": "there is no such lead"})))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let mut out = Vec::new();
        let done = run(&ExplainSettings { lead: lead.to_owned(), router: RouterAccess::at(admin), output }, &mut out).await;
        server.abort();
        done.map(|()| String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn a_router_is_asked_and_its_answer_written() {
        let text = explained("latest", ExplainOutput::Text).await.unwrap();
        assert!(text.contains("Delivered to agent/sarah-lee, record id crm-000001"), "{text}");
        let json: Explanation = serde_json::from_str(&explained("latest", ExplainOutput::Json).await.unwrap()).unwrap();
        assert_eq!(json.source, "website-form");
        assert!(explained("latest", ExplainOutput::Mermaid).await.unwrap().starts_with("flowchart TD\n"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_routers_words_and_a_stranger_as_such() {
        assert_eq!(explained("none", ExplainOutput::Text).await.unwrap_err().to_string(), "there is no such lead");
        let stranger = explained("elsewhere", ExplainOutput::Text).await.unwrap_err().to_string();
        assert!(stranger.ends_with("is not a router's admin port"), "{stranger}");
    }

    #[tokio::test]
    async fn nobody_there_is_told_with_the_setting_that_helps() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let settings = ExplainSettings { lead: "latest".to_owned(), router: RouterAccess::at(&admin), output: ExplainOutput::Text };
        let error = run(&settings, &mut Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains(&admin) && error.contains("--admin"), "{error}");
    }
}

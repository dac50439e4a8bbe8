//! `leadflow probe`: waits until a page answers with success, and the API server serves the kinds. It is what `helm test` runs.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use kube::Client;
use reqwest::Client as Http;

use crate::api::crds::crds;
use crate::api::{GROUP, VERSION};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(500);
/// The most that is shown of an answer, in characters.
const SHOWN: usize = 300;

/// What is asked, and how long.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// The page, such as `/readyz` of an admin port.
    pub url: String,
    /// Ask the API server, too, whether it serves the kinds of LeadFlow.
    #[arg(long)]
    pub kinds: bool,
    /// How long to wait for the right answers.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub timeout: u32,
}

/// Why the probe failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The answers never were what they should be; the last one follows.
    #[error("not in {seconds} s: {last}")]
    Late { seconds: u32, last: String },
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Asks until all answers are right, or the time is over.
pub async fn run(settings: &Settings, out: &mut impl Write) -> Result<(), ProbeError> {
    let mut last = "no answer".to_owned();
    let whole = Duration::from_secs(u64::from(settings.timeout));
    if tokio::time::timeout(whole, until_right(settings, &mut last)).await.is_err() {
        return Err(ProbeError::Late { seconds: settings.timeout, last });
    }
    writeln!(out, "{} answers with success", settings.url)?;
    if settings.kinds {
        writeln!(out, "the API server serves all kinds of {GROUP}/{VERSION}")?;
    }
    Ok(())
}

async fn until_right(settings: &Settings, last: &mut String) {
    loop {
        match answers(settings).await {
            Ok(()) => return,
            Err(problem) => *last = problem,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn answers(settings: &Settings) -> Result<(), String> {
    page(&settings.url).await?;
    if settings.kinds { kinds().await } else { Ok(()) }
}

async fn page(url: &str) -> Result<(), String> {
    let answer = Http::new().get(url).timeout(PATIENCE).send().await.map_err(|error| format!("{url}: {}", chain(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    Err(format!("{url} answers {status}: {}", text.trim().chars().take(SHOWN).collect::<String>()))
}

/// Whether all kinds are served. Every service account may ask what is.
async fn kinds() -> Result<(), String> {
    let client = Client::try_default().await.map_err(|error| format!("no way to the API server: {error}"))?;
    let version = format!("{GROUP}/{VERSION}");
    let served = tokio::time::timeout(PATIENCE, client.list_api_group_resources(&version)).await;
    let served = served.map_err(|_| "the API server does not answer".to_owned())?.map_err(|error| format!("{version}: {error}"))?;
    let missing: Vec<_> =
        crds().into_iter().map(|(plural, _)| plural).filter(|plural| !served.resources.iter().any(|one| one.name == *plural)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("the API server does not serve {} of {version}: apply crds/", missing.join(", "))) }
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    /// A server whose page is unready for the first `bad` times.
    async fn server(bad: u32) -> String {
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let page = move || async move {
            let before = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if before < bad { (StatusCode::SERVICE_UNAVAILABLE, "missing: first look\n") } else { (StatusCode::OK, "ok") }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/readyz", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/readyz", get(page))).await });
        url
    }

    fn settings(url: String, timeout: u32) -> Settings {
        Settings { url, kinds: false, timeout }
    }

    #[tokio::test]
    async fn a_page_that_becomes_ready_passes() {
        let mut out = Vec::new();
        run(&settings(server(1).await, 60), &mut out).await.unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("/readyz answers with success\n"));
    }

    #[tokio::test]
    async fn a_page_that_never_does_fails_with_what_it_said_last() {
        let error = run(&settings(server(u32::MAX).await, 1), &mut Vec::new()).await.unwrap_err().to_string();
        assert!(error.starts_with("not in 1 s: http://127.0.0.1:") && error.ends_with("missing: first look"), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_said() {
        let error = run(&settings("http://127.0.0.1:1/readyz".to_owned(), 1), &mut Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains("/readyz") && error.contains("refused"), "{error}");
    }
}

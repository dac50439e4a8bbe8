//! The tool: a policy of a folder of manifests, or of the rules that a router runs.

use std::io::{self, Write};

use serde_json::Value;

use super::{UnknownPolicy, flowchart};
use crate::folder::{self, FolderError};
use crate::settings::FlowchartSettings;
use crate::tools::admin_port::{AskError, reach};

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
pub enum FlowchartError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Folder(Vec<FolderError>),
    #[error(transparent)]
    Unknown(#[from] UnknownPolicy),
    #[error("the router's answer holds no flowchart; use the same version of leadflow as the router")]
    Unreadable,
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Draws the policy and writes it.
pub async fn run(settings: &FlowchartSettings, out: &mut impl Write) -> Result<(), FlowchartError> {
    let text = match &settings.manifests {
        Some(folder) => {
            let (objects, _) = folder::read(folder).map_err(FlowchartError::Folder)?;
            flowchart(&objects, &settings.policy)?
        }
        None => {
            let answer = reach(&settings.router).await?.get(&format!("policies/{}/flowchart", settings.policy)).await?;
            answer.get("flowchart").and_then(Value::as_str).ok_or(FlowchartError::Unreadable)?.to_owned()
        }
    };
    out.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use tokio::net::TcpListener;

    use super::*;
    use crate::ops::rule_pages;
    use crate::settings::RouterAccess;

    fn samples() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/samples/quickstart")
    }

    async fn drawn(policy: &str, manifests: Option<PathBuf>, admin: String) -> Result<String, FlowchartError> {
        let mut out = Vec::new();
        run(&FlowchartSettings { policy: policy.to_owned(), manifests, router: RouterAccess::at(admin) }, &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn a_folder_and_a_router_of_the_same_rules_draw_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", listener.local_addr().unwrap());
        let app = rule_pages::routes(Arc::new(|| Ok(folder::read(&samples()).unwrap().0)));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let by_router = drawn("residential", None, admin.clone()).await.unwrap();
        let by_folder = drawn("residential", Some(samples()), admin.clone()).await.unwrap();
        let unknown = drawn("residental", None, admin).await.unwrap_err().to_string();
        server.abort();
        assert_eq!(by_router, by_folder);
        assert!(by_folder.starts_with("flowchart TD\n"), "{by_folder}");
        assert_eq!(unknown, "there is no RoutingPolicy 'residental'; there are residential");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "kind: Agent\n").unwrap();
        let error = drawn("residential", Some(folder.path().to_owned()), String::new()).await.unwrap_err().to_string();
        assert!(error.starts_with("a.yaml:1 (Agent):"), "{error}");
    }
}

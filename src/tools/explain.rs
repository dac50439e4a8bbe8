//! `leadflow explain`: why a lead went where it went.

use std::io::{self, Write};

use super::admin_port::{AskError, get, page};
use super::explanation::Explanation;
use super::explanation_text;
use crate::settings::{ExplainSettings, Output};

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
    let url = page(&settings.admin, &format!("leads/{}/explanation", settings.lead));
    let answer = get(&url).await?;
    match settings.output {
        Output::Json => writeln!(out, "{answer:#}")?,
        Output::Text => {
            let explanation: Explanation = serde_json::from_value(answer)?;
            let mut text = String::new();
            explanation_text::write(&explanation, &mut text).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

//! `leadflow close`: the agent's work on a lead is over, the agent can have another.

use std::io::{self, Write};

use super::admin_port::{AskError, reach};
use crate::settings::CloseSettings;

/// Why a lead could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Closes the lead at a router.
pub async fn run(settings: &CloseSettings, out: &mut impl Write) -> Result<(), CloseError> {
    let answer = reach(&settings.router).await?.post(&format!("leads/{}/close", settings.lead)).await?;
    let lead = answer.get("lead").and_then(|lead| lead.as_str()).unwrap_or(&settings.lead);
    writeln!(out, "lead {lead} is closed")?;
    Ok(())
}

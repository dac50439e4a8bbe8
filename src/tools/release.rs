//! `leadflow release`: has an unmatched lead decided again, or all of them.

use std::io::{self, Write};

use serde_json::Value;

use super::admin_port::{AskError, reach};
use crate::settings::ReleaseSettings;

/// Why a lead could not be released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Releases the lead at a router.
pub async fn run(settings: &ReleaseSettings, out: &mut impl Write) -> Result<(), ReleaseError> {
    let answer = reach(&settings.router).await?.post(&format!("leads/{}/release", settings.lead)).await?;
    match answer.get("released").and_then(Value::as_u64) {
        Some(1) => writeln!(out, "1 lead is decided again")?,
        number => writeln!(out, "{} leads are decided again", number.unwrap_or_default())?,
    }
    Ok(())
}

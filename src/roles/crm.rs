//! The sample CRM by itself: where the first leads on a cluster go.

use clap::Args;

use super::RunError;
use super::process::Process;
use crate::ops::listen::listen;
use crate::settings::Address;
use crate::tools::receiver;

/// Where it listens.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    #[command(flatten)]
    pub address: Address,
    /// Port that deliveries come to.
    #[arg(long, env = "LEADFLOW_CRM_PORT", default_value_t = 8090)]
    pub port: u16,
}

/// Runs until told to stop.
pub async fn run(settings: &Settings) -> Result<(), RunError> {
    let mut process = Process::new()?;
    let listener = listen(settings.address.address, settings.port, "--port").await?;
    let drain = process.shutdown.drain();
    let serving = async move { axum::serve(listener, receiver::router()).with_graceful_shutdown(drain.cancelled_owned()).await };
    process.tasks.drained("sample CRM", serving);
    process.run().await
}

//! The operator's process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use kube::Client;

use super::RunError;
use super::process::Process;
use crate::cluster::scope::Scope;
use crate::control::{self, Operator};
use crate::settings::OperatorSettings;

/// The operator's grace: its pod has 30 seconds. What it was writing is done by then, and the lead given back.
const GRACE: Duration = Duration::from_secs(20);

/// Runs until told to stop.
pub async fn run(settings: &OperatorSettings) -> Result<(), RunError> {
    let mut process = Process::new()?;
    process.grace = GRACE;
    let gate = process.readiness.gate("first look");
    process.admin(settings.address.address, settings.admin_port, Router::new()).await?;
    let client = Client::try_default().await.map_err(|error| RunError::Cluster(error.to_string()))?;
    let namespace = settings.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let operator = Operator {
        client,
        settings: control::Settings {
            image: control::Image {
                name: settings.image.clone(),
                pull_policy: settings.image_pull_policy,
                // An empty variable is no name.
                pull_secrets: settings.image_pull_secrets.iter().filter(|name| !name.is_empty()).cloned().collect(),
            },
            scope: Scope::of(settings.watch_namespaces.clone()),
            pod: settings.pod_name.clone(),
            namespace,
        },
        compile: control::compile,
        metrics: Arc::clone(&process.metrics),
        clock: Arc::clone(&process.clock),
        dice: Arc::clone(&process.dice),
    };
    let stop = process.shutdown.drain();
    process.tasks.drained("operator", control::run(operator, move || drop(gate), stop));
    process.run().await
}

//! What every role's process has: clock, metrics, tasks in sight, an orderly end, an admin port.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::RunError;
use crate::flow::ports::{Clock, Dice, SystemClock, SystemDice};
use crate::ops::admin::{self, Admin};
use crate::ops::listen::listen;
use crate::ops::metrics::Metrics;
use crate::ops::readiness::Readiness;
use crate::ops::shutdown::{Shutdown, Signals};
use crate::ops::tasks::Tasks;

/// The usual grace.
const GRACE: Duration = Duration::from_secs(45);

/// The parts of a process.
pub struct Process {
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub metrics: Arc<Metrics>,
    pub readiness: Readiness,
    pub shutdown: Shutdown,
    pub tasks: Tasks,
    /// How long draining may take before what is left is dropped. Pods are given a little more.
    pub grace: Duration,
    /// Ends what must outlive draining, such as the admin port.
    pub end: CancellationToken,
}

impl Process {
    /// Starts listening to signals.
    pub fn new() -> Result<Self, RunError> {
        let shutdown = Shutdown::default();
        let signals = Signals::listen().map_err(RunError::Signals)?;
        let tasks = Tasks::new(shutdown.clone());
        let following = shutdown.clone();
        // Outlives draining: the second signal comes while it lasts.
        tokio::spawn(async move { following.follow(signals).await });
        Ok(Self {
            clock: Arc::new(SystemClock),
            dice: Arc::new(SystemDice),
            metrics: Arc::new(Metrics::new()?),
            readiness: Readiness::default(),
            shutdown,
            tasks,
            grace: GRACE,
            end: CancellationToken::new(),
        })
    }

    /// Opens the admin port, with `more` pages beside the usual ones.
    pub async fn admin(&mut self, address: Option<IpAddr>, port: u16, more: Router) -> Result<(), RunError> {
        let listener = listen(address, port, "--admin-port").await?;
        let admin = Admin {
            metrics: Arc::clone(&self.metrics),
            readiness: self.readiness.clone(),
            alive: self.tasks.alive(),
            drain: self.shutdown.drain(),
        };
        // The server outlives draining, so that one can see how that goes; a failure before ends the process.
        let serving = tokio::spawn(admin::serve(listener, admin.router(more), self.end.clone()));
        self.tasks.dropped("admin port", async move { serving.await.map_err(std::io::Error::other)? });
        Ok(())
    }

    /// Runs until the process is told to end, or a task ends by itself.
    pub async fn run(self) -> Result<(), RunError> {
        let done = self.tasks.run(self.grace).await;
        self.end.cancel();
        Ok(done?)
    }
}

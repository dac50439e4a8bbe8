//! Keeps a process's tasks in sight: the first that ends before it should ends the process, with its name in the log.

use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::shutdown::Shutdown;

/// The named tasks of a process.
pub struct Tasks {
    set: JoinSet<Result<(), String>>,
    names: HashMap<Id, &'static str>,
    shutdown: Shutdown,
    alive: Alive,
}

/// Whether all tasks still run; for `/livez`. Clones share it.
#[derive(Clone, Debug)]
pub struct Alive(Arc<AtomicBool>);

/// Why a process ended although nobody asked it to, or not in time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// A task returned.
    #[error("the task `{task}` ended although the process was not asked to")]
    Early { task: &'static str },
    /// A task failed.
    #[error("the task `{task}` failed: {why}")]
    Failed { task: &'static str, why: String },
    /// A task panicked.
    #[error("the task `{task}` panicked")]
    Panicked { task: &'static str },
    /// Draining took too long.
    #[error("these tasks were still running at the end of the grace time: {}", .tasks.join(", "))]
    NotDrained { tasks: Vec<&'static str> },
    /// A second signal came.
    #[error("ended by a second signal")]
    Aborted,
}

impl Alive {
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tasks {
    pub fn new(shutdown: Shutdown) -> Self {
        Self { set: JoinSet::new(), names: HashMap::new(), shutdown, alive: Alive(Arc::new(AtomicBool::new(true))) }
    }

    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Starts a task that finishes its work by itself when [`Shutdown::drain`] is cancelled.
    pub fn drained<E: Display>(&mut self, name: &'static str, work: impl Future<Output = Result<(), E>> + Send + 'static) {
        let id = self.set.spawn(async move { work.await.map_err(|error| error.to_string()) }).id();
        self.names.insert(id, name);
    }

    /// Starts a task that may be dropped at any point once draining begins.
    pub fn dropped<E: Display>(&mut self, name: &'static str, work: impl Future<Output = Result<(), E>> + Send + 'static) {
        let drain = self.shutdown.drain();
        self.drained(name, async move {
            tokio::select! {
                biased;
                () = drain.cancelled() => Ok(()),
                done = work => done.map_err(|error| error.to_string()),
            }
        });
    }

    /// Runs until the process should end. `Ok` when it was asked to and every task finished within `grace`; whatever runs on is dropped.
    pub async fn run(mut self, grace: Duration) -> Result<(), Ended> {
        let (drain, abort) = (self.shutdown.drain(), self.shutdown.abort());
        let ended = tokio::select! {
            biased;
            () = drain.cancelled() => None,
            ended = self.set.join_next_with_id() => ended,
        };
        if let Some(ended) = ended
            && !drain.is_cancelled()
        {
            self.alive.0.store(false, Ordering::Relaxed);
            let (task, wrong) = self.judge(ended);
            let ended = wrong.unwrap_or(Ended::Early { task });
            tracing::error!(error = %ended, "the process ends");
            return Err(ended);
        }
        drain.cancelled().await;
        let done = tokio::select! {
            biased;
            () = abort.cancelled() => Err(Ended::Aborted),
            done = self.finish() => done,
            () = tokio::time::sleep(grace) => Err(Ended::NotDrained { tasks: self.running() }),
        };
        match &done {
            Ok(()) => tracing::info!("drained"),
            Err(ended) => tracing::error!(error = %ended, "not everything was drained"),
        }
        done
    }

    /// Waits for all tasks. A failure of one does not keep the others from finishing.
    async fn finish(&mut self) -> Result<(), Ended> {
        let mut first = Ok(());
        while let Some(ended) = self.set.join_next_with_id().await {
            if let (_, Some(wrong)) = self.judge(ended) {
                first = first.and(Err(wrong));
            }
        }
        first
    }

    /// The name of a task that ended, and what went wrong with it.
    fn judge(&mut self, ended: Result<(Id, Result<(), String>), JoinError>) -> (&'static str, Option<Ended>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let task = self.names.remove(&id).unwrap_or("unnamed");
        let wrong = match ended {
            Ok((_, Ok(()))) => None,
            Ok((_, Err(why))) => Some(Ended::Failed { task, why }),
            Err(_) => Some(Ended::Panicked { task }),
        };
        (task, wrong)
    }

    fn running(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::task::Poll;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn for_ever() -> Result<(), String> {
        pending().await
    }

    #[tokio::test]
    async fn the_first_task_to_end_ends_the_process_by_name() {
        let mut tasks = Tasks::new(Shutdown::default());
        let alive = tasks.alive();
        tasks.dropped("server", for_ever());
        tasks.dropped("rules", async { Ok::<_, String>(()) });
        assert!(alive.get());
        assert_eq!(tasks.run(LONG).await, Err(Ended::Early { task: "rules" }));
        assert!(!alive.get());
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_reason_and_a_panic_with_its_task() {
        let mut tasks = Tasks::new(Shutdown::default());
        tasks.drained("server", async { Err("the port is taken") });
        assert_eq!(tasks.run(LONG).await, Err(Ended::Failed { task: "server", why: "the port is taken".to_owned() }));

        let mut tasks = Tasks::new(Shutdown::default());
        tasks.drained("router", poll_fn(|_| -> Poll<Result<(), String>> { panic!("a bug") }));
        assert_eq!(tasks.run(LONG).await, Err(Ended::Panicked { task: "router" }));
    }

    #[tokio::test]
    async fn draining_waits_for_those_that_finish_their_work_and_drops_the_others() {
        let shutdown = Shutdown::default();
        let mut tasks = Tasks::new(shutdown.clone());
        let (finished, told) = tokio::sync::oneshot::channel();
        let drain = shutdown.drain();
        tasks.drained("router", async move {
            drain.cancelled().await;
            tokio::task::yield_now().await;
            finished.send(()).map_err(|()| "nobody waits")
        });
        tasks.dropped("watch", for_ever());
        shutdown.step();
        assert_eq!(tasks.run(LONG).await, Ok(()));
        assert!(told.await.is_ok());
    }

    #[tokio::test]
    async fn the_grace_time_bounds_draining() {
        let shutdown = Shutdown::default();
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.drained("router", for_ever());
        shutdown.step();
        assert_eq!(tasks.run(Duration::ZERO).await, Err(Ended::NotDrained { tasks: vec!["router"] }));
    }

    #[tokio::test]
    async fn a_second_step_ends_at_once() {
        let shutdown = Shutdown::default();
        let mut tasks = Tasks::new(shutdown.clone());
        tasks.drained("router", for_ever());
        shutdown.step();
        shutdown.step();
        assert_eq!(tasks.run(LONG).await, Err(Ended::Aborted));
    }
}

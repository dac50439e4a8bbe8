//! The end of a process: the first SIGTERM or SIGINT drains it, the second ends it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How far the end of the process has come. Clones share it.
#[derive(Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    abort: CancellationToken,
}

/// The signals that end a process, from the moment this is made.
pub struct Signals {
    term: Signal,
    int: Signal,
}

impl Shutdown {
    /// Cancelled when the process should take no more work and finish what it has.
    pub fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Cancelled when the process should end now.
    pub fn abort(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// One more step towards the end: drain, then abort.
    pub fn step(&self) {
        if self.drain.is_cancelled() {
            self.abort.cancel();
        } else {
            self.drain.cancel();
        }
    }

    /// Takes a step at each signal; returns after the second.
    pub async fn follow(&self, mut signals: Signals) {
        while !self.abort.is_cancelled() {
            let name = signals.next().await;
            self.step();
            if self.abort.is_cancelled() {
                tracing::warn!(signal = name, "ending at once");
            } else {
                tracing::info!(signal = name, "draining; a second signal ends at once");
            }
        }
    }
}

impl Signals {
    /// Starts to listen; from here on the signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(name: &str) {
        let done = std::process::Command::new("kill").args([name, &std::process::id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    #[tokio::test]
    async fn the_first_signal_drains_and_the_second_aborts() {
        let shutdown = Shutdown::default();
        let signals = Signals::listen().unwrap();
        let following = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.follow(signals).await }
        });
        send("-TERM");
        shutdown.drain().cancelled().await;
        assert!(!shutdown.abort().is_cancelled());
        send("-INT");
        shutdown.abort().cancelled().await;
        following.await.unwrap();
    }
}

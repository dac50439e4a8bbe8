//! How watches of kinds go on after a failure (those of single [Secrets](super::secrets) have pauses of their own): after a pause that grows to a few
//! seconds, and no later. Rules are live within a second of a change; after an outage of the API server they should be within a few. kube's own pauses grow
//! to half a minute, and the first thing that a watch hears after an outage, that it must list anew, costs one more of them.

use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::utils::Backoff as Pausing;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::backoff::Backoff;
use crate::flow::ports::{Dice, SystemDice};

const BACKOFF: Backoff = Backoff { least: Duration::from_millis(800), most: Duration::from_secs(5) };

/// Follows the objects of a kind. It never ends: who reads it says what failed.
pub fn watching<K>(api: Api<K>, config: watcher::Config) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    patient(watcher(api, config))
}

/// Pauses after failures. That an old version is known no longer (410) is none, if it comes after one: the API server is back, and what it has is listed at
/// once.
fn patient<K: Send>(
    events: impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send,
) -> impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send {
    let mut failed = false;
    let telling = events.filter(move |event| {
        let is_back = failed && event.as_ref().is_err_and(is_expired);
        failed = event.is_err();
        std::future::ready(!is_back)
    });
    telling.backoff(Pauses::default())
}

fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchError(status) if status.code == 410)
}

/// The pauses of one watch.
#[derive(Default)]
pub struct Pauses {
    failures: u32,
    dice: SystemDice,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(BACKOFF.after(self.failures, self.dice.roll()))
    }
}

impl Pausing for Pauses {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use tokio::time::Instant;

    use super::*;

    type Told = watcher::Result<watcher::Event<()>>;

    fn away() -> Told {
        Err(watcher::Error::NoResourceVersion)
    }

    fn expired() -> Told {
        Err(watcher::Error::WatchError(Box::new(Status { code: 410, ..Status::default() })))
    }

    /// When each event is told, in milliseconds; chance may add a fifth to each pause.
    async fn times(events: Vec<Told>) -> Vec<u128> {
        let begun = Instant::now();
        patient(futures::stream::iter(events)).map(|_| begun.elapsed().as_millis()).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_tried_again_every_few_seconds_however_long_the_api_server_was_away() {
        let times = times((0..20).map(|_| away()).collect()).await;
        let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!((800..=961).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses[3..].iter().all(|pause| (5000..=6001).contains(pause)), "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_is_back_is_listed_at_once() {
        let told = times(vec![away(), away(), expired(), Ok(watcher::Event::Init), away(), away()]).await;
        assert_eq!(told.len(), 5, "that an old version is known no longer is not told");
        let pauses: Vec<_> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!((1600..=1921).contains(&pauses[1]), "one pause between the last failure and the list: {pauses:?}");
        assert_eq!(pauses[2], 0);
        assert!((800..=961).contains(&pauses[3]), "pauses begin anew: {pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_that_expires_by_itself_is_a_failure_like_any_other() {
        let told = times(vec![Ok(watcher::Event::InitDone), expired(), Ok(watcher::Event::Init)]).await;
        assert_eq!(told.len(), 3);
        assert!((800..=961).contains(&told[2]), "{told:?}");
    }
}

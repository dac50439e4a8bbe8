//! How many leads a source may send.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// Time that only goes forward, since some beginning.
pub type Elapsed = Arc<dyn Fn() -> Duration + Send + Sync>;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// One limiter for each source that has a rate. A limiter lives as long as its source's rate stays the same, through any number of changes of rules.
pub struct Rates {
    ticks: Ticks,
    limiters: Mutex<HashMap<String, Known>>,
}

/// A source's limiter, and the rate that it was made for.
struct Known {
    rate: (u32, u32),
    limiter: Arc<Limiter>,
}

#[derive(Clone)]
struct Ticks(Elapsed);

impl Clock for Ticks {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        (self.0)().into()
    }
}

impl Default for Rates {
    fn default() -> Self {
        let start = Instant::now();
        Self::by(Arc::new(move || start.elapsed()))
    }
}

impl Rates {
    /// By a clock of one's own; for tests.
    pub fn by(elapsed: Elapsed) -> Self {
        Self { ticks: Ticks(elapsed), limiters: Mutex::default() }
    }

    /// Takes one place under the source's rate (leads a second, and at once), or tells how long until there is one.
    pub fn take(&self, source: &str, rate: Option<(u32, u32)>) -> Result<(), Duration> {
        let Some(limiter) = self.limiter(source, rate) else { return Ok(()) };
        limiter.check().map_err(|until| until.wait_time_from(self.ticks.now()))
    }

    fn limiter(&self, source: &str, rate: Option<(u32, u32)>) -> Option<Arc<Limiter>> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rate @ (per_second, burst)) = rate else {
            limiters.remove(source);
            return None;
        };
        if let Some(known) = limiters.get(source).filter(|known| known.rate == rate) {
            return Some(Arc::clone(&known.limiter));
        }
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst));
        let limiter = Arc::new(RateLimiter::direct_with_clock(quota, self.ticks.clone()));
        limiters.insert(source.to_owned(), Known { rate, limiter: Arc::clone(&limiter) });
        Some(limiter)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn rates() -> (Rates, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&millis);
        (Rates::by(Arc::new(move || Duration::from_millis(clock.load(Ordering::SeqCst)))), millis)
    }

    #[test]
    fn a_burst_passes_and_the_next_learns_how_long_to_wait() {
        let (rates, millis) = rates();
        let rate = Some((2, 3));
        for _ in 0..3 {
            assert_eq!(rates.take("web", rate), Ok(()));
        }
        assert_eq!(rates.take("web", rate), Err(Duration::from_millis(500)));
        millis.store(500, Ordering::SeqCst);
        assert_eq!(rates.take("web", rate), Ok(()));
        assert!(rates.take("web", rate).is_err());
    }

    #[test]
    fn sources_do_not_share_a_rate() {
        let (rates, _) = rates();
        assert!(rates.take("a", Some((1, 1))).is_ok() && rates.take("b", Some((1, 1))).is_ok());
        assert!(rates.take("a", Some((1, 1))).is_err());
    }

    #[test]
    fn only_a_changed_rate_begins_anew() {
        let (rates, _) = rates();
        assert!(rates.take("web", Some((1, 1))).is_ok());
        assert!(rates.take("web", Some((1, 1))).is_err());
        assert!(rates.take("web", Some((1, 2))).is_ok());
    }

    #[test]
    fn no_rate_is_no_limit() {
        let (rates, _) = rates();
        assert!((0..1000).all(|_| rates.take("web", None).is_ok()));
    }
}

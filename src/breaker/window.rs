//! The calls of the last 30 seconds, counted.

use jiff::Timestamp;

/// How many buckets the window has.
const BUCKETS: usize = 10;
/// How long a bucket is, in milliseconds.
const BUCKET_MILLIS: i64 = 3_000;

/// A ring of buckets. Time is passed in; time that goes backwards counts as standing still.
#[derive(Clone, Debug, Default)]
pub struct Window {
    buckets: [Totals; BUCKETS],
    /// Number of the newest bucket since 1970.
    newest: i64,
}

/// Calls of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub calls: u32,
    pub failed: u32,
    pub slow: u32,
}

impl Window {
    /// Counts one call.
    pub fn record(&mut self, failed: bool, slow: bool, now: Timestamp) {
        self.advance(now);
        if let Some(bucket) = self.buckets.get_mut(Self::place(self.newest)) {
            bucket.calls = bucket.calls.saturating_add(1);
            bucket.failed = bucket.failed.saturating_add(failed.into());
            bucket.slow = bucket.slow.saturating_add(slow.into());
        }
    }

    /// The calls of the last 30 seconds.
    pub fn totals(&mut self, now: Timestamp) -> Totals {
        self.advance(now);
        self.buckets.iter().fold(Totals::default(), |sum, bucket| Totals {
            calls: sum.calls.saturating_add(bucket.calls),
            failed: sum.failed.saturating_add(bucket.failed),
            slow: sum.slow.saturating_add(bucket.slow),
        })
    }

    /// Empties the buckets that time has passed over.
    fn advance(&mut self, now: Timestamp) {
        let current = now.as_millisecond().div_euclid(BUCKET_MILLIS);
        if current <= self.newest {
            return;
        }
        if current - self.newest >= BUCKETS as i64 {
            self.buckets = Default::default();
        } else {
            for passed in self.newest + 1..=current {
                if let Some(bucket) = self.buckets.get_mut(Self::place(passed)) {
                    *bucket = Totals::default();
                }
            }
        }
        self.newest = current;
    }

    fn place(number: i64) -> usize {
        usize::try_from(number.rem_euclid(BUCKETS as i64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn calls_are_counted_by_kind() {
        let mut window = Window::default();
        window.record(true, false, at(0));
        window.record(false, true, at(10));
        window.record(false, false, at(20));
        assert_eq!(window.totals(at(20)), Totals { calls: 3, failed: 1, slow: 1 });
    }

    #[test]
    fn a_call_leaves_the_window_bucket_by_bucket() {
        let mut window = Window::default();
        window.record(true, false, at(0));
        window.record(true, false, at(15_000));
        assert_eq!(window.totals(at(29_999)).calls, 2);
        assert_eq!(window.totals(at(30_000)).calls, 1);
        assert_eq!(window.totals(at(45_000)).calls, 0);
    }

    #[test]
    fn a_large_gap_empties_the_window() {
        let mut window = Window::default();
        (0..10).for_each(|n| window.record(true, true, at(n * 3_000)));
        assert_eq!(window.totals(at(86_400_000)), Totals::default());
    }

    #[test]
    fn time_that_goes_backwards_loses_nothing() {
        let mut window = Window::default();
        window.record(true, false, at(9_000));
        window.record(true, false, at(0));
        assert_eq!(window.totals(at(3_000)).failed, 2);
    }

    proptest! {
        #[test]
        fn the_window_counts_what_a_list_of_all_calls_would(calls in prop::collection::vec((0i64..20_000, any::<bool>()), 1..80)) {
            let (mut window, mut now, mut all) = (Window::default(), 0, Vec::new());
            for (pause, failed) in calls {
                now += pause;
                window.record(failed, false, at(now));
                all.push((at(now), failed));
                let bucket = |time: Timestamp| time.as_millisecond() / BUCKET_MILLIS;
                let recent = all.iter().filter(|(time, _)| bucket(at(now)) - bucket(*time) < 10);
                let expected = recent.clone().filter(|(_, failed)| *failed).count();
                prop_assert_eq!(window.totals(at(now)).calls as usize, recent.count());
                prop_assert_eq!(window.totals(at(now)).failed as usize, expected);
            }
        }
    }
}

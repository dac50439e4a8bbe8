//! Quantiles of measured times.

use std::time::Duration;

/// Times, in order.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The least time that `percent` of 100 do not exceed (nearest rank); `None` when nothing was measured.
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }
}

/// A time in milliseconds, for people.
pub fn millis(time: Option<Duration>) -> String {
    time.map_or_else(|| "none".to_owned(), |time| format!("{:.2} ms", time.as_secs_f64() * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times_by_nearest_rank() {
        let times = Times::new((1..=10).rev().map(Duration::from_millis).collect());
        assert_eq!(times.percentile(50), Some(Duration::from_millis(5)));
        assert_eq!(times.percentile(90), Some(Duration::from_millis(9)));
        assert_eq!(times.percentile(99), Some(Duration::from_millis(10)));
        assert_eq!(Times::default().percentile(50), None);
    }
}

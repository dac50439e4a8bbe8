//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// Pauses double from `least` to `most`; up to a fifth is added by chance, so that many who failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub least: Duration,
    pub most: Duration,
}

impl Backoff {
    /// The pause after this many failures in a row; `roll` is any number.
    pub fn after(self, failures: u32, roll: u64) -> Duration {
        let doubled = self.least.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let pause = doubled.min(self.most);
        let share = u32::try_from(roll % 1000).unwrap_or_default();
        pause + pause / 5 * share / 1000
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff { least: Duration::from_secs(1), most: Duration::from_secs(300) };

    #[test]
    fn pauses_double_up_to_the_most() {
        let pauses: Vec<_> = (1..=10).map(|failures| BACKOFF.after(failures, 0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }

    proptest! {
        #[test]
        fn chance_adds_at_most_a_fifth(failures in any::<u32>(), roll in any::<u64>()) {
            let (bare, pause) = (BACKOFF.after(failures, 0), BACKOFF.after(failures, roll));
            prop_assert!(pause >= bare && pause <= bare + bare / 5);
        }
    }
}

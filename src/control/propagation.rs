//! How long a change takes from the operator's sight of it until every pod runs it. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::programmed::Agreement;

/// Changes on their way, by namespace.
#[derive(Debug, Default)]
pub struct Propagation {
    /// When the oldest change was seen that some pod may not run yet.
    waiting: BTreeMap<String, Timestamp>,
}

impl Propagation {
    /// Rules of a namespace changed, and that was seen at this time. A change on top of one that is still under way is over with it.
    pub fn changed(&mut self, namespace: &str, seen: Timestamp) {
        self.waiting.entry(namespace.to_owned()).or_insert(seen);
    }

    /// What is on its way is somebody else's to measure.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// How long the change took, if it has now reached all pods. Where no pod runs there is nobody to reach.
    pub fn reached(&mut self, namespace: &str, agreement: Agreement, now: Timestamp) -> Option<SignedDuration> {
        if agreement.of > 0 && !agreement.complete() {
            return None;
        }
        let seen = self.waiting.remove(namespace)?;
        agreement.complete().then(|| now.duration_since(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pods(agree: usize, of: usize) -> Agreement {
        Agreement { agree, of }
    }

    #[test]
    fn a_change_is_measured_once_from_its_sight_until_the_last_pod_runs_it() {
        let mut propagation = Propagation::default();
        assert_eq!(propagation.reached("sales", pods(2, 2), at(0)), None, "nothing changed");
        propagation.changed("sales", at(10));
        assert_eq!(propagation.reached("sales", pods(1, 2), at(11)), None);
        propagation.changed("sales", at(12));
        assert_eq!(propagation.reached("elsewhere", pods(2, 2), at(13)), None);
        assert_eq!(propagation.reached("sales", pods(2, 2), at(13)), Some(SignedDuration::from_secs(3)));
        assert_eq!(propagation.reached("sales", pods(2, 2), at(14)), None);
    }

    #[test]
    fn what_another_operator_measured_is_not_measured_again() {
        let mut propagation = Propagation::default();
        propagation.changed("sales", at(10));
        propagation.forget();
        assert_eq!(propagation.reached("sales", pods(2, 2), at(9000)), None);
    }

    #[test]
    fn a_change_that_no_pod_waits_for_is_not_measured() {
        let mut propagation = Propagation::default();
        propagation.changed("sales", at(10));
        assert_eq!(propagation.reached("sales", pods(0, 0), at(11)), None);
        assert_eq!(propagation.reached("sales", pods(2, 2), at(5000)), None);
    }
}

//! The states' time zones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::rows;

/// The same file by which each ZIP got its zone.
static FILE: &str = include_str!("../../data/zips/zones.csv");

static STATES: LazyLock<BTreeMap<&str, BTreeSet<&str>>> = LazyLock::new(|| {
    let mut states: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in rows(FILE) {
        if let [state, _, zones, ..] = row[..] {
            states.entry(state).or_default().extend(zones.split(' '));
        }
    }
    states
});

/// The state's abbreviation as written in the tables, and every zone in which somebody in it lives.
pub(super) fn state(code: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let code = code.trim().to_ascii_uppercase();
    STATES.get_key_value(&*code).map(|(name, zones)| (*name, zones.iter().copied().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fifty_states_the_capital_and_five_territories() {
        assert_eq!(STATES.len(), 56);
    }

    #[test]
    fn a_divided_state_has_both_its_zones() {
        assert_eq!(state("tn"), Some(("TN", vec!["America/Chicago", "America/New_York"])));
        assert_eq!(state("CA"), Some(("CA", vec!["America/Los_Angeles"])));
        assert_eq!(state("ON"), None);
    }
}

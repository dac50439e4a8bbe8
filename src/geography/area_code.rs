//! Area codes of the North American Numbering Plan.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::rows;

static FILE: &str = include_str!("../../data/area-codes/nanp.csv");

static CODES: LazyLock<BTreeMap<&str, AreaCode>> = LazyLock::new(|| {
    let row = |cells: Vec<&'static str>| match cells[..] {
        [code, country, region, zones] => {
            Some((code, AreaCode { state: (country == "US").then_some(region), zones: zones.split(' ').collect() }))
        }
        _ => None,
    };
    rows(FILE).filter_map(row).collect()
});

/// Where the numbers of an area code are.
#[derive(Debug)]
pub(super) struct AreaCode {
    /// The state or territory; none outside of the United States.
    pub state: Option<&'static str>,
    pub zones: Vec<&'static str>,
}

/// The area of a phone number as of E.164; none for numbers of other countries and those that belong to no place.
pub(super) fn of_number(phone: &str) -> Option<&'static AreaCode> {
    let number = phone.trim().strip_prefix("+1").filter(|rest| rest.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    CODES.get(&number[..3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geography::state::state;

    #[test]
    fn every_american_code_has_zones_that_its_state_has() {
        assert_eq!(CODES.len(), 453);
        for (code, area) in &*CODES {
            assert!(!area.zones.is_empty(), "{code}");
            if let Some(name) = area.state {
                let zones = state(name).unwrap_or_else(|| panic!("{code}: no state {name}")).1;
                assert!(area.zones.iter().all(|zone| zones.contains(zone)), "{code}: {:?} in {zones:?}", area.zones);
            }
        }
    }

    #[test]
    fn a_number_has_the_area_of_its_code() {
        let of = |phone| of_number(phone).map(|area| (area.state, &area.zones[..]));
        assert_eq!(of("+12125550123"), Some((Some("NY"), &["America/New_York"][..])));
        assert_eq!(of("+19155550123"), Some((Some("TX"), &["America/Denver"][..])));
        assert_eq!(of("+18505550123"), Some((Some("FL"), &["America/Chicago", "America/New_York"][..])));
        assert_eq!(of("+14165550123"), Some((None, &["America/Toronto"][..])));
        for phone in ["+18005550123", "+442071838750", "2125550123", "+1212555012", "+1212555012x", ""] {
            assert_eq!(of(phone), None, "{phone}");
        }
    }
}

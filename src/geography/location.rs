//! What is known of where a lead is.

use super::{area_code, state, zip};

/// Where somebody is of whom nothing is known: anywhere in the continental states without Alaska.
const CONTINENTAL: [&str; 5] = ["America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York", "America/Phoenix"];

/// What a lead says of its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location<'a> {
    /// With or without the four-digit extension.
    pub zip: Option<&'a str>,
    /// As of E.164.
    pub phone: Option<&'a str>,
    /// Postal abbreviation.
    pub state: Option<&'a str>,
}

impl Location<'_> {
    /// IANA names of all zones that are possible, in order; never none.
    ///
    /// A ZIP tells where somebody lives, so it decides. Without one, area code and state do: where they agree, the area code is the more exact; where
    /// they don't, a number was kept through a move, and both are possible.
    pub fn zones(&self) -> Vec<&'static str> {
        let mut zones = self.known_zones().unwrap_or_else(|| CONTINENTAL.to_vec());
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    fn known_zones(&self) -> Option<Vec<&'static str>> {
        if let Some((_, zones)) = self.zip.and_then(zip::states_and_zones) {
            return Some(zones);
        }
        match (self.phone.and_then(area_code::of_number), self.state.and_then(state::state)) {
            (Some(area), Some((state, _))) if area.state == Some(state) => Some(area.zones.clone()),
            (Some(area), Some((_, zones))) => Some([&area.zones[..], &zones].concat()),
            (Some(area), None) => Some(area.zones.clone()),
            (None, Some((_, zones))) => Some(zones),
            (None, None) => None,
        }
    }

    /// Every state that ZIP, area code or the lead itself names. The laws of each are kept: a state's law protects those who live there, and some presume
    /// that who has one of its area codes does (Fla. Stat. 501.059(8)(d), Okla. Stat. tit. 15, 775C.3).
    pub(super) fn states(&self) -> Vec<&'static str> {
        let mut states = self.zip.and_then(zip::states_and_zones).map(|(states, _)| states).unwrap_or_default();
        states.extend(self.phone.and_then(area_code::of_number).and_then(|area| area.state));
        states.extend(self.state.and_then(state::state).map(|(state, _)| state));
        states.sort_unstable();
        states.dedup();
        states
    }
}

/// IANA names of all zones in which a lead may be, in order: by ZIP, or else by area code (of an E.164 number) and state, or else those of the
/// continental states.
pub fn zones(zip: Option<&str>, phone: Option<&str>, state: Option<&str>) -> Vec<&'static str> {
    Location { zip, phone, state }.zones()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YORKER: Option<&str> = Some("+12125550123");

    #[test]
    fn a_zip_decides_whatever_the_number_says() {
        assert_eq!(zones(Some("90210"), NEW_YORKER, Some("NY")), ["America/Los_Angeles"]);
    }

    #[test]
    fn an_unknown_zip_leaves_it_to_the_area_code() {
        assert_eq!(zones(Some("00000"), NEW_YORKER, None), ["America/New_York"]);
        assert_eq!(zones(Some("K1A 0B1"), Some("+16135550123"), None), ["America/Toronto"]);
    }

    #[test]
    fn an_area_code_tells_more_exactly_where_in_its_state() {
        assert_eq!(zones(None, None, Some("TX")), ["America/Chicago", "America/Denver"]);
        assert_eq!(zones(None, Some("+19155550123"), Some("TX")), ["America/Denver"]);
        assert_eq!(zones(None, Some("+15125550123"), Some("tx")), ["America/Chicago"]);
    }

    #[test]
    fn an_area_code_of_another_state_adds_its_zones() {
        assert_eq!(zones(None, NEW_YORKER, Some("CA")), ["America/Los_Angeles", "America/New_York"]);
    }

    #[test]
    fn one_who_may_be_anywhere_has_every_continental_zone() {
        assert_eq!(zones(None, None, None), CONTINENTAL);
        assert_eq!(zones(Some("x"), Some("+18005550123"), Some("Ontario")), CONTINENTAL);
    }

    #[test]
    fn every_state_that_is_named_counts() {
        let states = |zip, phone, state| Location { zip, phone, state }.states();
        assert_eq!(states(Some("90210"), Some("+13055550123"), Some("TX")), ["CA", "FL", "TX"]);
        assert_eq!(states(None, Some("+14165550123"), None), [""; 0]);
    }
}

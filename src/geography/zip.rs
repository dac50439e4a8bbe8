//! ZIPs: where the area of each one has its middle, its state, its time zones.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::rows;

/// `data/zips/README.md` tells where it comes from and how it is laid out.
static FILE: &[u8] = include_bytes!("../../data/zips/zips.bin");
/// Three-digit prefixes of which the table has no ZIP.
static PREFIXES: &str = include_str!("../../data/zips/prefixes.csv");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(FILE).unwrap_or_default());
static OTHER_PREFIXES: LazyLock<BTreeMap<&str, (&str, Vec<&str>)>> = LazyLock::new(|| {
    let row = |cells: Vec<&'static str>| match cells[..] {
        [prefix, state, zones] => Some((prefix, (state, zones.split(' ').collect()))),
        _ => None,
    };
    rows(PREFIXES).filter_map(row).collect()
});

/// Length of a ZIP.
const DIGITS: usize = 5;

/// The place that a ZIP stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north of the equator, of a point inside the ZIP's area.
    pub latitude: f64,
    /// Degrees east of Greenwich.
    pub longitude: f64,
    /// Postal abbreviation of the state or territory.
    pub state: &'static str,
    /// IANA names of the zones whose time people there keep; seldom more than one.
    pub zones: &'static [&'static str],
}

/// The place of a ZIP, also when written with its four-digit extension; `None` for ZIPs without an area of their own, such as post-office boxes.
pub fn zip(code: &str) -> Option<Place> {
    let table = &*TABLE;
    table.find(five(code)?).and_then(|at| table.place(at))
}

/// Every ZIP that has an area of its own, in order, with its state.
pub fn zips() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = &*TABLE;
    table.zips().iter().enumerate().filter_map(|(at, zip)| Some((*zip, table.place(at)?.state)))
}

/// The states and zones that are possible for a ZIP: those of its place, or else those of all ZIPs with its first three digits.
pub(super) fn states_and_zones(code: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    let code = five(code)?;
    if let Some(place) = zip(code) {
        return Some((vec![place.state], place.zones.to_vec()));
    }
    let prefix = &code[..3];
    if let Some((state, zones)) = OTHER_PREFIXES.get(prefix) {
        return Some((vec![state], zones.clone()));
    }
    let table = &*TABLE;
    let (mut states, mut zones) = (Vec::new(), Vec::new());
    for place in table.beginning(prefix).filter_map(|at| table.place(at)) {
        states.push(place.state);
        zones.extend_from_slice(place.zones);
    }
    for names in [&mut states, &mut zones] {
        names.sort_unstable();
        names.dedup();
    }
    (!zones.is_empty()).then_some((states, zones))
}

/// The five digits of a ZIP, with or without its extension.
fn five(code: &str) -> Option<&str> {
    let code = code.trim();
    let (five, extension) = code.split_once('-').unwrap_or((code, "0000"));
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(five, DIGITS) && digits(extension, 4)).then_some(five)
}

pub(super) fn table() -> &'static Table {
    &TABLE
}

/// The columns of the file, in the order of ZIPs.
#[derive(Default)]
pub(super) struct Table {
    zips: Vec<&'static str>,
    /// Latitude and longitude in degrees.
    points: Vec<(f64, f64)>,
    /// Places in `state_names`.
    states: &'static [u8],
    /// Places in `zone_sets`.
    zones: &'static [u8],
    state_names: Vec<&'static str>,
    zone_sets: Vec<Vec<&'static str>>,
}

impl Table {
    fn read(mut rest: &'static [u8]) -> Option<Self> {
        let count: usize = line(&mut rest)?.parse().ok()?;
        let state_names = line(&mut rest)?.split(';').collect();
        let zone_sets = line(&mut rest)?.split(';').map(|set| set.split(' ').collect()).collect();
        let mut column = |width: usize| rest.split_off(..width * count);
        let (zips, latitudes, longitudes, states, zones) = (column(DIGITS)?, column(4)?, column(4)?, column(1)?, column(1)?);
        let degrees = |bytes: &[u8; 4]| f64::from(i32::from_le_bytes(*bytes)) / 1e6;
        let points = latitudes.as_chunks().0.iter().zip(longitudes.as_chunks().0);
        Some(Self {
            zips: zips.as_chunks::<DIGITS>().0.iter().map(|zip| str::from_utf8(zip).ok()).collect::<Option<_>>()?,
            points: points.map(|(latitude, longitude)| (degrees(latitude), degrees(longitude))).collect(),
            states,
            zones,
            state_names,
            zone_sets,
        })
    }

    fn find(&self, zip: &str) -> Option<usize> {
        self.zips.binary_search(&zip).ok()
    }

    fn beginning(&self, prefix: &str) -> Range<usize> {
        let from = self.zips.partition_point(|zip| *zip < prefix);
        from..from + self.zips[from..].partition_point(|zip| zip.starts_with(prefix))
    }

    fn place(&'static self, at: usize) -> Option<Place> {
        let &(latitude, longitude) = self.points.get(at)?;
        let state = self.state_names.get(usize::from(*self.states.get(at)?))?;
        let zones = self.zone_sets.get(usize::from(*self.zones.get(at)?))?;
        Some(Place { latitude, longitude, state, zones })
    }

    /// All ZIPs, in order.
    pub fn zips(&self) -> &[&'static str] {
        &self.zips
    }

    /// Latitude and longitude of each ZIP, in degrees, in the order of `zips`.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

/// Takes a line of text off the front.
fn line(rest: &mut &'static [u8]) -> Option<&'static str> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = rest.split_off(..end)?;
    rest.split_off_first();
    str::from_utf8(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(code: &str) -> (&'static str, &'static [&'static str]) {
        let place = zip(code).unwrap_or_else(|| panic!("{code} is unknown"));
        (place.state, place.zones)
    }

    #[test]
    fn the_file_has_every_zip_in_order() {
        assert_eq!(table().zips().len(), 33_791);
        assert!(table().zips().is_sorted());
        for at in 0..table().zips().len() {
            let place = TABLE.place(at).unwrap();
            assert!((-15.0..72.0).contains(&place.latitude) && (-180.0..180.0).contains(&place.longitude), "{place:?}");
        }
    }

    #[test]
    fn a_zip_has_its_state_and_zone() {
        assert_eq!(known("90210"), ("CA", &["America/Los_Angeles"][..]));
        assert_eq!(known("10001"), ("NY", &["America/New_York"][..]));
        assert_eq!(known("96799"), ("AS", &["Pacific/Pago_Pago"][..]));
        assert_eq!(known("96910"), ("GU", &["Pacific/Guam"][..]));
        assert_eq!(known("96950"), ("MP", &["Pacific/Guam"][..]));
        assert_eq!(known("00901"), ("PR", &["America/Puerto_Rico"][..]));
        assert_eq!(known("99501"), ("AK", &["America/Anchorage"][..]));
        assert_eq!(known("99546"), ("AK", &["America/Adak"][..]));
        assert_eq!(known("96813"), ("HI", &["Pacific/Honolulu"][..]));
        assert_eq!(known("06390").0, "NY");
    }

    #[test]
    fn a_zip_in_a_divided_state_has_the_zone_of_its_county() {
        for (code, state, zone) in [
            ("83814", "ID", "America/Los_Angeles"),
            ("83702", "ID", "America/Denver"),
            ("37402", "TN", "America/New_York"),
            ("37203", "TN", "America/Chicago"),
            ("79901", "TX", "America/Denver"),
            ("79936", "TX", "America/Denver"),
            ("78701", "TX", "America/Chicago"),
            ("32501", "FL", "America/Chicago"),
            ("33101", "FL", "America/New_York"),
            ("46402", "IN", "America/Chicago"),
            ("46204", "IN", "America/New_York"),
            ("40202", "KY", "America/New_York"),
            ("42101", "KY", "America/Chicago"),
            ("49801", "MI", "America/Chicago"),
            ("49855", "MI", "America/New_York"),
            ("97914", "OR", "America/Denver"),
            ("89883", "NV", "America/Denver"),
            ("69361", "NE", "America/Denver"),
            ("57701", "SD", "America/Denver"),
            ("58601", "ND", "America/Denver"),
            ("67735", "KS", "America/Denver"),
        ] {
            assert_eq!(known(code), (state, &[zone][..]), "{code}");
        }
    }

    #[test]
    fn the_navajo_nation_keeps_another_time_than_arizona() {
        assert_eq!(known("85003"), ("AZ", &["America/Phoenix"][..]));
        assert_eq!(known("86515"), ("AZ", &["America/Denver"][..]));
        assert_eq!(known("86512"), ("AZ", &["America/Denver", "America/Phoenix"][..]));
    }

    #[test]
    fn an_extension_changes_nothing_and_other_texts_are_no_zips() {
        assert_eq!(zip("90210-1234"), zip("90210"));
        assert_eq!(zip(" 90210 "), zip("90210"));
        for text in ["", "9021", "902100", "90210-", "90210-12", "9021é", "ABCDE", "00000", "99999"] {
            assert_eq!(zip(text), None, "{text}");
        }
    }

    #[test]
    fn a_zip_without_an_area_has_what_is_possible_for_its_first_digits() {
        assert_eq!(zip("85001"), None);
        assert_eq!(states_and_zones("85001"), Some((vec!["AZ"], vec!["America/Phoenix"])));
        assert_eq!(states_and_zones("88595"), Some((vec!["TX"], vec!["America/Denver"])));
        let (states, zones) = states_and_zones("37499").unwrap();
        assert_eq!((states, zones), (vec!["TN"], vec!["America/Chicago", "America/New_York"]));
        assert_eq!(states_and_zones("09001"), None);
        assert_eq!(states_and_zones("nonsense"), None);
    }
}

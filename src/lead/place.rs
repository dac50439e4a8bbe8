//! Countries, and the states of the two whose states have codes here.

/// ISO 3166-1 codes of two letters.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG \
CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU \
GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG \
MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU \
WF WS YE YT ZA ZM ZW";

/// Other spellings that forms send.
const COUNTRY_NAMES: &[(&str, &str)] = &[
    ("USA", "US"),
    ("UNITED STATES", "US"),
    ("UNITED STATES OF AMERICA", "US"),
    ("CAN", "CA"),
    ("CANADA", "CA"),
    ("UK", "GB"),
    ("GBR", "GB"),
    ("UNITED KINGDOM", "GB"),
];

/// States, the district, territories and military post of the United States; provinces and territories of Canada. No code is in both.
const STATES: &[(&str, &str)] = &[
    ("AL", "ALABAMA"),
    ("AK", "ALASKA"),
    ("AZ", "ARIZONA"),
    ("AR", "ARKANSAS"),
    ("CA", "CALIFORNIA"),
    ("CO", "COLORADO"),
    ("CT", "CONNECTICUT"),
    ("DE", "DELAWARE"),
    ("DC", "DISTRICT OF COLUMBIA"),
    ("DC", "WASHINGTON DC"),
    ("FL", "FLORIDA"),
    ("GA", "GEORGIA"),
    ("HI", "HAWAII"),
    ("ID", "IDAHO"),
    ("IL", "ILLINOIS"),
    ("IN", "INDIANA"),
    ("IA", "IOWA"),
    ("KS", "KANSAS"),
    ("KY", "KENTUCKY"),
    ("LA", "LOUISIANA"),
    ("ME", "MAINE"),
    ("MD", "MARYLAND"),
    ("MA", "MASSACHUSETTS"),
    ("MI", "MICHIGAN"),
    ("MN", "MINNESOTA"),
    ("MS", "MISSISSIPPI"),
    ("MO", "MISSOURI"),
    ("MT", "MONTANA"),
    ("NE", "NEBRASKA"),
    ("NV", "NEVADA"),
    ("NH", "NEW HAMPSHIRE"),
    ("NJ", "NEW JERSEY"),
    ("NM", "NEW MEXICO"),
    ("NY", "NEW YORK"),
    ("NC", "NORTH CAROLINA"),
    ("ND", "NORTH DAKOTA"),
    ("OH", "OHIO"),
    ("OK", "OKLAHOMA"),
    ("OR", "OREGON"),
    ("PA", "PENNSYLVANIA"),
    ("RI", "RHODE ISLAND"),
    ("SC", "SOUTH CAROLINA"),
    ("SD", "SOUTH DAKOTA"),
    ("TN", "TENNESSEE"),
    ("TX", "TEXAS"),
    ("UT", "UTAH"),
    ("VT", "VERMONT"),
    ("VA", "VIRGINIA"),
    ("WA", "WASHINGTON"),
    ("WV", "WEST VIRGINIA"),
    ("WI", "WISCONSIN"),
    ("WY", "WYOMING"),
    ("AS", "AMERICAN SAMOA"),
    ("GU", "GUAM"),
    ("MP", "NORTHERN MARIANA ISLANDS"),
    ("PR", "PUERTO RICO"),
    ("VI", "VIRGIN ISLANDS"),
    ("VI", "US VIRGIN ISLANDS"),
    ("AA", "ARMED FORCES AMERICAS"),
    ("AE", "ARMED FORCES EUROPE"),
    ("AP", "ARMED FORCES PACIFIC"),
    ("AB", "ALBERTA"),
    ("BC", "BRITISH COLUMBIA"),
    ("MB", "MANITOBA"),
    ("NB", "NEW BRUNSWICK"),
    ("NL", "NEWFOUNDLAND AND LABRADOR"),
    ("NL", "NEWFOUNDLAND"),
    ("NS", "NOVA SCOTIA"),
    ("NT", "NORTHWEST TERRITORIES"),
    ("NU", "NUNAVUT"),
    ("ON", "ONTARIO"),
    ("PE", "PRINCE EDWARD ISLAND"),
    ("QC", "QUEBEC"),
    ("QC", "QUÉBEC"),
    ("SK", "SASKATCHEWAN"),
    ("YT", "YUKON"),
    ("YT", "YUKON TERRITORY"),
];

/// The ISO 3166 code of a country, by code or by one of a few common names.
pub fn country(text: &str) -> Option<&'static str> {
    let spelled = spelling(text);
    COUNTRIES
        .split(' ')
        .find(|code| *code == spelled)
        .or_else(|| COUNTRY_NAMES.iter().find(|(name, _)| *name == spelled).map(|(_, code)| *code))
}

/// The code of a state of the United States or a province of Canada, by code or name.
pub fn state(text: &str) -> Option<&'static str> {
    let spelled = spelling(text);
    STATES.iter().find(|(code, name)| *code == spelled || *name == spelled).map(|(code, _)| *code)
}

/// Capitals, no full stops, single spaces.
fn spelling(text: &str) -> String {
    let text = text.replace('.', "").to_uppercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_provinces_go_by_code_and_by_name() {
        for (text, code) in
            [("CA", "CA"), ("california", "CA"), ("d.c.", "DC"), ("Puerto  Rico", "PR"), ("Québec", "QC"), ("ontario", "ON"), ("ny", "NY")]
        {
            assert_eq!(state(text), Some(code), "{text}");
        }
        assert_eq!(state("Bavaria"), None);
        assert_eq!(state(""), None);
    }

    #[test]
    fn there_are_fifty_states_and_thirteen_provinces() {
        let codes: std::collections::BTreeSet<_> = STATES.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), 50 + 1 + 5 + 3 + 13);
    }

    #[test]
    fn countries_go_by_code() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        for (text, code) in [("us", "US"), ("U.S.A.", "US"), ("Canada", "CA"), ("de", "DE"), ("UK", "GB")] {
            assert_eq!(country(text), Some(code), "{text}");
        }
        assert_eq!(country("ZZ"), None);
        assert_eq!(country("AD AE"), None);
    }
}

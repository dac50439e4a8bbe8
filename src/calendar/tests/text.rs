//! What a text of opening hours may say, and what its author is told.

use proptest::prelude::*;

use super::given::{TEXTS, at, zone};
use crate::calendar::Hours;

fn refused(text: &str) -> String {
    Hours::compile(text, None).unwrap_err()
}

#[test]
fn a_text_that_cant_be_read_is_answered_with_place_fault_and_example() {
    let example = "write them as `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`";
    for (text, told) in [
        (
            "Mo-Fr 9-17",
            "at character 7 ('9-17'): a time has two digits, a colon and two digits, from 00:00 to 24:00, and a start and an end",
        ),
        ("Mon-Fri 09:00-17:00", "at character 1 ('Mon-Fri 09:00-17:00'): days have two letters: Mo Tu We Th Fr Sa Su"),
        ("Mo 09:00-17:00; Tues 09:00-1", "at character 17 ('Tues 09:00-1'): days have two letters: Mo Tu We Th Fr Sa Su"),
        ("ph off", "at character 1 ('ph off'): public holidays are written in capitals, PH"),
        (
            "Mo-Fr 09:00-18:00; XX off",
            "at character 20 ('XX off'): this is neither a day (Mo), a date (2026 Dec 24), a time (09:00-18:00), PH nor off",
        ),
    ] {
        assert_eq!(refused(text), format!("the opening hours can't be read {told}; {example}"));
    }
    assert_eq!(refused("Mo-Fr 09:00"), format!("the opening hours end too early, after 'Mo-Fr 09:00'; {example}"));
    assert_eq!(refused(" "), "opening hours must not be empty; write them as `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`, or `24/7`");
    assert_eq!(
        refused("2027-2026 off"),
        format!("the opening hours can't be read: Inverted year ranges are ambiguous, do you mean '2026-2027'?; {example}")
    );
}

#[test]
fn a_text_that_no_clock_can_answer_is_refused() {
    for (text, part) in [
        ("sunrise-sunset", "goes by the sun"),
        ("Mo 09:00+", "times without an end"),
        ("Mo 09:00-18:00/30", "or that repeat"),
        ("Feb 30 09:00-18:00", "names Feb 30, a day that no year has"),
        (
            "2026 Feb 29-Mar 03 off; Mo 09:00-10:00",
            "rule 1 of the opening hours (`2026 Feb 29-Mar 3 closed`) names Feb 29, a day that 2026 does not have",
        ),
        ("SH off; Mo 09:00-10:00", "school holidays"),
        ("Mo-Fr 09:00-18:00; Sa unknown", "rule 2 of the opening hours (`Sa unknown`) leaves open whether somebody is there"),
        ("\"by appointment\"", "has words in quotes"),
        ("off", "never open"),
        ("Mo off; PH off", "never open"),
    ] {
        assert!(refused(text).contains(part), "{text}: {}", refused(text));
    }
}

#[test]
fn a_holiday_rule_that_a_later_rule_undoes_is_refused() {
    assert_eq!(
        refused("PH off; Mo-Fr 09:00-18:00"),
        "`PH closed` has no effect, because a later rule opens those days again; write it last: `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`"
    );
    assert!(Hours::compile("Mo-Fr 09:00-18:00; PH off; 2026 Dec 24 09:00-12:00", None).is_ok());
    assert!(Hours::compile("Mo-Fr 09:00-18:00; PH off; PH 10:00-12:00", None).is_ok());
}

#[test]
fn countries_are_known_by_their_code_and_have_holidays_of_their_own() {
    assert!(Hours::compile("24/7", Some("Narnia")).unwrap_err().starts_with("'Narnia' is no country with known holidays"));
    let open = |country, day: &str| {
        Hours::compile("Mo-Fr 09:00-18:00; PH off", Some(country)).unwrap().is_open(&zone("UTC"), at(&format!("{day}T12:00:00Z")))
    };
    // Thanksgiving; Boxing Day kept on a Monday; a Friday in Germany alone.
    assert!(!open("US", "2026-11-26") && open("GB", "2026-11-26"));
    assert!(!open("GB", "2026-12-28") && open("US", "2026-12-28"));
    // Independence Day of 2026 is on a Saturday, that of 2027 on a Sunday.
    assert!(!open("US", "2026-07-03") && !open("US", "2027-07-05") && open("US", "2026-07-06"));
}

#[test]
fn a_text_is_bounded_in_length_and_in_work() {
    assert!(refused(&"Mo 09:00-10:00; ".repeat(65)).contains("at most 1024 bytes, and these have 1040"));
    let days = refused(&format!("{} 09:00-10:00", vec!["Mo"; 128].join(",")));
    assert!(days.contains("name at most 128 days, dates and times, and these 129"), "{days}");
    assert!(Hours::compile(&format!("{} 09:00-10:00", vec!["Mo"; 127].join(",")), None).is_ok());
    let feasts = refused(&format!("24/7; {}", vec!["easter off"; 15].join("; ")));
    assert!(feasts.contains("and these 136"), "{feasts}");
    let joined = refused(&vec!["Mo 09:00-10:00"; 18].join(", "));
    assert!(joined.contains("join at most 16 rules by commas, and these 17"), "{joined}");
    let times: Vec<_> = (0..9).map(|hour| format!("{hour:02}:00-{hour:02}:30")).collect();
    assert!(refused(&format!("Mo {}", times.join(","))).contains("has 9 times, and at most 8 are allowed"));
}

#[test]
fn hours_are_equal_when_text_and_country_are() {
    let of = |text, country| Hours::compile(text, country).unwrap();
    assert_eq!(of("24/7", None), of("24/7", Some("US")));
    assert_ne!(of("24/7", None), of("24/7", Some("GB")));
    assert_ne!(of("24/7", None), of("Mo-Su 00:00-24:00", None));
    assert_eq!(format!("{:?}", of("24/7", None)), "Hours(\"24/7\", US)");
    fn everywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    everywhere(&of("24/7", None));
}

proptest! {
    /// Pieces of the syntax in any order, also cut in the middle: there is an answer or a sentence, never a panic.
    #[test]
    fn no_text_makes_the_compiler_or_the_clock_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14),
        cut in any::<prop::sample::Index>(),
        second in -3_000_000_000..6_000_000_000_i64,
    ) {
        let mut text = pieces.concat();
        if cut.index(3) == 0 {
            text.truncate(cut.index(text.len() + 1));
        }
        if let Ok(hours) = Hours::compile(&text, None) {
            let now = jiff::Timestamp::from_second(second).unwrap();
            let zone = zone("America/Los_Angeles");
            if let Some(change) = hours.next_change(&zone, now) {
                prop_assert_ne!(hours.is_open(&zone, now), hours.is_open(&zone, change));
            }
        }
    }

    #[test]
    fn garbage_is_refused_or_read_but_never_a_panic(text in "\\PC{0,40}", from in 0..TEXTS.len()) {
        let _ = Hours::compile(&text, None);
        let _ = Hours::compile(&format!("{}{text}", TEXTS[from]), None);
    }
}

const PIECES: [&str; 36] = [
    "Mo",
    "Tu-Fr",
    "Sa,Su",
    "Fr-Mo",
    "PH",
    "SH",
    "PH -1 day",
    "Mo[1]",
    "Su[-1]",
    "Sa[2] -2 days",
    "2026",
    "2026-2028",
    "2026-2040/2",
    "2027+",
    "Jan",
    "Feb 29",
    "Dec 24-Jan 02",
    "Nov-Feb",
    "easter",
    "easter +1 day",
    "Mar Su[-1]-Oct Su[-1]",
    "week 01-53/2",
    "week 53",
    " 09:00-18:00",
    " 22:00-26:00",
    " 00:00-48:00",
    " 18:00-09:00",
    " 24:00-24:00",
    "off",
    " open",
    "; ",
    ", ",
    " || ",
    ",",
    " ",
    "24/7",
];

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::api::exchange::Privacy;

const US: Country<'_> = Country { code: "US", named: false };
const KINDS: [FieldType; 14] = [
    FieldType::String,
    FieldType::Integer,
    FieldType::Decimal,
    FieldType::Boolean,
    FieldType::Date,
    FieldType::Enum,
    FieldType::Email,
    FieldType::Phone,
    FieldType::PersonName,
    FieldType::Postcode,
    FieldType::State,
    FieldType::Country,
    FieldType::URL,
    FieldType::IP,
];

fn field(kind: FieldType) -> SchemaField {
    let values = vec!["BUYER".to_owned(), "Seller".to_owned()];
    SchemaField { kind, values, minimum: None, maximum: None, aliases: Vec::new(), privacy: Privacy::Plain }
}

fn text_in(kind: FieldType, text: &str, country: Country<'_>) -> Result<String, FieldCode> {
    value(&field(kind), &Entry::Text(text.to_owned()), country).map(|value| value.to_string()).map_err(|unfit| unfit.0)
}

fn text(kind: FieldType, text: &str) -> Result<String, FieldCode> {
    text_in(kind, text, US)
}

fn number(kind: FieldType, number: &str) -> Result<String, FieldCode> {
    value(&field(kind), &Entry::Number(number.to_owned()), US).map(|value| value.to_string()).map_err(|unfit| unfit.0)
}

fn all(kind: FieldType, pairs: &[(&str, &str)]) {
    for (sent, kept) in pairs {
        assert_eq!(text(kind, sent).as_deref(), Ok(*kept), "{sent}");
    }
}

fn none(kind: FieldType, code: FieldCode, values: &[&str]) {
    for sent in values {
        assert_eq!(text(kind, sent), Err(code), "{sent}");
    }
}

#[test]
fn phones_come_to_e164_when_they_are_possible() {
    all(
        FieldType::Phone,
        &[
            ("555-867-5309", "+15558675309"),
            ("(555) 867-5309 ext. 12", "+15558675309"),
            ("1 555 867 5309", "+15558675309"),
            ("+44 20 7946 0958", "+442079460958"),
        ],
    );
    assert_eq!(number(FieldType::Phone, "5558675309").as_deref(), Ok("+15558675309"));
    assert_eq!(text_in(FieldType::Phone, "020 7946 0958", Country { code: "GB", named: false }).as_deref(), Ok("+442079460958"));
    none(FieldType::Phone, FieldCode::NotAPhone, &["867-5309", "12", "no phone", "+", "5558675309123456"]);
    assert_eq!(text(FieldType::Phone, &"1".repeat(65)), Err(FieldCode::TooLong));
}

#[test]
fn emails_keep_the_local_part_and_lower_the_domain() {
    all(
        FieldType::Email,
        &[(" Jane.Doe@Example.COM ", "Jane.Doe@example.com"), ("a+b@x.co", "a+b@x.co"), ("j@BÜCHER.example", "j@bücher.example")],
    );
    none(
        FieldType::Email,
        FieldCode::NotAnEmail,
        &["a@b", "a..b@x.co", "jane@[127.0.0.1]", "Jane <j@x.co>", "jane", "@x.co", "a@x.co\r\nBcc: b@x.co"],
    );
}

#[test]
fn only_all_capital_and_all_small_names_are_mended() {
    all(
        FieldType::PersonName,
        &[
            ("jane", "Jane"),
            ("DOE", "Doe"),
            ("o'brien", "O'Brien"),
            ("O’BRIEN", "O’Brien"),
            ("jane mcdonald", "Jane McDonald"),
            ("MARIA DE LA CRUZ", "Maria de la Cruz"),
            ("ANNE-MARIE", "Anne-Marie"),
            ("john smith iii", "John Smith III"),
            ("j.r.", "J.R."),
            ("josé  ÁLVAREZ", "josé ÁLVAREZ"),
            ("JOSE\u{301}", "José"),
            ("van der Berg", "van der Berg"),
            ("ΓΙΩΡΓΟΣ", "Γιωργος"),
            ("ßeta weiß", "ßeta Weiß"),
            ("王小明", "王小明"),
            ("  Jane\t Doe ", "Jane Doe"),
        ],
    );
    none(FieldType::PersonName, FieldCode::NotAName, &["12345", "---"]);
}

#[test]
fn zips_are_five_digits_and_canadian_codes_capitals() {
    all(
        FieldType::Postcode,
        &[("90210-1234", "90210"), ("902101234", "90210"), ("90210", "90210"), ("02134", "02134"), ("k1a0b6", "K1A 0B6")],
    );
    assert_eq!(number(FieldType::Postcode, "2134").as_deref(), Ok("02134"));
    none(FieldType::Postcode, FieldCode::NotAPostcode, &["2134", "9021", "abcde", "K1A 0B", "90210-12"]);
    let named = |code| Country { code, named: true };
    assert_eq!(text_in(FieldType::Postcode, "k1a 0b6", named("US")), Err(FieldCode::NotAPostcode));
    assert_eq!(text_in(FieldType::Postcode, "90210", named("CA")), Err(FieldCode::NotAPostcode));
    assert_eq!(text_in(FieldType::Postcode, "sw1a  1aa", named("GB")).as_deref(), Ok("SW1A 1AA"));
}

#[test]
fn states_become_codes_where_states_have_codes() {
    all(FieldType::State, &[("california", "CA"), ("tx", "TX"), ("Québec", "QC")]);
    none(FieldType::State, FieldCode::NotAState, &["Bavaria", "ZZ"]);
    assert_eq!(text_in(FieldType::State, "Bavaria", Country { code: "DE", named: true }).as_deref(), Ok("Bavaria"));
}

#[test]
fn decimals_are_exact() {
    for (sent, kept) in [
        ("750000", "750000"),
        ("0.10", "0.1"),
        ("7.5e5", "750000"),
        ("1E-3", "0.001"),
        ("-0", "0"),
        ("0.1000000000000000000000000000000000000000", "0.1"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
    ] {
        assert_eq!(number(FieldType::Decimal, sent).as_deref(), Ok(kept), "{sent}");
    }
    for sent in [
        "1e99999999999999999999",
        "1e400",
        "1e-400",
        "79228162514264337593543950336",
        "0.00000000000000000000000000001",
        "1.00000000000000000000000000001",
    ] {
        assert_eq!(number(FieldType::Decimal, sent), Err(FieldCode::OutOfRange), "{sent}");
    }
    none(FieldType::Decimal, FieldCode::NotANumber, &["750,000", "$5", "1_000", ".", "1e", "0x10", "NaN", "inf", "--1", "١"]);
}

#[test]
fn integers_are_whole_and_fit_64_bits() {
    for (sent, kept) in [("5", "5"), ("5.0", "5"), ("3e2", "300"), ("-9223372036854775808", "-9223372036854775808")] {
        assert_eq!(number(FieldType::Integer, sent).as_deref(), Ok(kept), "{sent}");
    }
    assert_eq!(number(FieldType::Integer, "9223372036854775808"), Err(FieldCode::OutOfRange));
    assert_eq!(number(FieldType::Integer, "1.5"), Err(FieldCode::NotAWholeNumber));
}

#[test]
fn bounds_are_part_of_what_they_bound() {
    let bounded = SchemaField { minimum: Some(Decimal::ZERO), maximum: Some(Decimal::TEN), ..field(FieldType::Decimal) };
    let fits = |number: &str| value(&bounded, &Entry::Number(number.to_owned()), US).is_ok();
    assert!(fits("0") && fits("10") && !fits("-0.01") && !fits("10.01"));
    let Unfit(code, message) = value(&bounded, &Entry::Number("11".to_owned()), US).unwrap_err();
    assert_eq!((code, message.as_str()), (FieldCode::OutOfRange, "must be from 0 to 10"));
}

#[test]
fn enums_forgive_letter_case_and_keep_the_declared_one() {
    all(FieldType::Enum, &[("buyer", "BUYER"), (" SELLER", "Seller")]);
    none(FieldType::Enum, FieldCode::NotOneOf, &["renter"]);
}

#[test]
fn truths_days_urls_and_addresses() {
    all(FieldType::Boolean, &[("Yes", "true"), ("1", "true"), ("FALSE", "false"), ("no", "false")]);
    none(FieldType::Boolean, FieldCode::NotABoolean, &["maybe", "2"]);
    assert_eq!(value(&field(FieldType::Boolean), &Entry::Boolean(true), US), Ok(Value::Boolean(true)));
    all(FieldType::Date, &[("2026-11-22", "2026-11-22"), ("2023-10-27T10:00:00Z", "2023-10-27"), ("2023-10-27 10:00", "2023-10-27")]);
    none(FieldType::Date, FieldCode::NotADate, &["2026-02-30", "11/22/2026", "20261122", "2026-11-22x", "2026-11-22Tnoon", "ää-11-22"]);
    all(FieldType::URL, &[("HTTPS://Example.com", "https://example.com/"), ("http://x.co/a?b=c", "http://x.co/a?b=c")]);
    none(FieldType::URL, FieldCode::NotAUrl, &["example.com", "ftp://x.co", "javascript:alert(1)", "https://me:secret@x.co/"]);
    all(FieldType::IP, &[("192.0.2.1", "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1")]);
    none(FieldType::IP, FieldCode::NotAnIp, &["256.1.1.1", "localhost"]);
    all(FieldType::Country, &[("us", "US"), ("Canada", "CA")]);
    none(FieldType::Country, FieldCode::NotACountry, &["XX", "Narnia"]);
}

#[test]
fn text_is_trimmed_composed_and_bounded() {
    all(FieldType::String, &[(" \u{200b}two\nlines\u{feff} ", "two\nlines"), ("e\u{301}", "é")]);
    assert_eq!(text(FieldType::String, &"é".repeat(4096)).map(|kept| kept.chars().count()), Ok(4096));
    assert_eq!(text(FieldType::String, &"é".repeat(4097)), Err(FieldCode::TooLong));
    none(FieldType::String, FieldCode::BadCharacter, &["a\u{7}b"]);
    assert!(is_empty(&Entry::Text(" \u{200b}\t".to_owned())) && is_empty(&Entry::Nothing) && !is_empty(&Entry::Boolean(false)));
}

#[test]
fn messages_never_repeat_the_value() {
    for kind in KINDS {
        if let Err(Unfit(_, message)) = value(&field(kind), &Entry::Text("Canary\u{7}Canary".to_owned()), US) {
            assert!(!message.contains("Canary"), "{kind:?}: {message}");
        }
    }
}

fn sent() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,20}",
        "[+-]?[0-9]{0,31}(\\.[0-9]{0,31})?([eE][+-]?[0-9]{1,3})?",
        "[a-zA-ZßİıŉΣςſÀ-ʯ '’.-]{1,24}",
        "(o'|mc|van |de |II |[A-Z]{2,6} ){1,3}[a-zA-Z]{1,6}",
        "[A-Za-z0-9.+ß]{1,8}@[A-Za-z0-9İß.-]{1,10}\\.[A-Za-z]{2,3}",
        "\\+?[0-9 ()x-]{5,18}",
        "https?://[A-Za-z0-9.%-]{1,12}(:[0-9]{1,4})?(/[ -~]{0,12})?",
        "[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}Z?)?",
        "[0-9a-fA-F:.]{2,24}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn what_was_normalised_stays_as_it_is(sent in sent(), country in prop_oneof![Just("US"), Just("CA"), Just("GB"), Just("ZZ")], named: bool) {
        let country = Country { code: country, named };
        for kind in KINDS {
            if let Ok(once) = value(&field(kind), &Entry::Text(sent.clone()), country) {
                let again = value(&field(kind), &Entry::Text(once.to_string()), country);
                prop_assert_eq!(again, Ok(once), "{:?}", kind);
            }
        }
    }
}
